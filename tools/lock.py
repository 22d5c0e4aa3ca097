"""Bring uv.lock to its registry-agnostic form: names and versions, no index address, no download address.

`uv lock` writes where each file is downloaded from. A lock that holds only the pins works with every registry and
mirror: `uv sync` completes it locally and keeps the pins. Run this before a commit that touches uv.lock.

    python tools/lock.py            rewrite uv.lock
    python tools/lock.py --check    exit 1 when uv.lock holds an address
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

LOCK = Path(__file__).resolve().parent.parent / "uv.lock"


def strip(text: str) -> str:
    """The lock without addresses; stripping a stripped lock changes nothing."""
    text = re.sub(r"^sdist = .*\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"^wheels = \[\n(?:    .*\n)*\]\n", "", text, flags=re.MULTILINE)
    text = re.sub(r'registry = "[^"]*"', 'registry = "."', text)
    text = re.sub(r"^\[package\.metadata(?:\.[^\]]*)?\]\n(?:.+\n)*\n?", "", text, flags=re.MULTILINE)
    return re.sub(r"\n{3,}", "\n\n", text)


def main(arguments: list[str]) -> int:
    """Strip, or with ``--check`` only look."""
    text = LOCK.read_text(encoding="utf-8")
    stripped = strip(text)
    if "://" in stripped:
        print(f"{LOCK}: an address is left after stripping; extend tools/lock.py", file=sys.stderr)
        return 1
    if arguments == ["--check"]:
        if stripped != text:
            print(f"{LOCK} holds addresses; run: python tools/lock.py", file=sys.stderr)
        return int(stripped != text)
    LOCK.write_text(stripped, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
