"""How a parameter is written in a template, and how a value that was taken out of a text."""

from __future__ import annotations

import re
from typing import Final

PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
BLANK: Final = "\ue000"
"""Stands for a value that was taken out; a question that holds it fits no template."""


def blank(name: str) -> str:
    """How a value that was taken out is written: as a quoted string, which the guards compare to the letter."""
    return f'"{BLANK}{name}"'
