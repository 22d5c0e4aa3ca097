"""What an import costs: which modules come with it."""

from __future__ import annotations

import subprocess
import sys


def imported_by(code: str) -> set[str]:
    """The top-level modules that a new interpreter has loaded once it has run the code."""
    script = f"{code}\nimport sys; print(*{{name.partition('.')[0] for name in sys.modules}})"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)  # noqa: S603
    return set(ended.stdout.split())
