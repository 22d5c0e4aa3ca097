"""Cutting a question into pieces: words, numbers, quoted strings, single symbols. Nothing is lost but space."""

from __future__ import annotations

import re
from typing import Final

_PIECE: Final = re.compile(
    r"""\s*+(
    [^\W\d]\w* (?:['’.:@-]\w+)*                                # "O'Brien", "file.txt", "ann@home.org"
  | "[^"]*" | “[^“”]*” | «[^«»]*» | `[^`]*`
  | (?<!\w) ‘[^‘’]*’ (?!\w)
  | (?<!\w) '[^']* (?:'\w[^']*){0,3} ' (?!\w)                   # an apostrophe inside: 'Mr O'Brien'
  | (?:(?<![\w.])[-−])? [0-9]+ (?:[.,:/-][0-9]+)* (?:-?[^\W\d_]\w*)?
  | (?<!\w) \.[0-9]+
  | \w+ (?:['’.:@-]\w+)*
  | !\ ?=                                                       # "status != open" is not "status = open"
  | (?<!\w) !\w+
  | [^\w\s]
    )""",
    re.VERBOSE,
)
_OPENING: Final = frozenset("\"“«`‘'")
_NEEDING_CARE: Final = tuple("-\"'“«`‘")
QUOTE: Final = '"'
"""A quoted string is kept as this mark and what stood between the quotes."""

HYPHEN: Final = "-"
SEPARATORS: Final = frozenset(",.;:?!…。、؟،")


def pieces(text: str) -> list[str]:
    """The pieces of a text, in order; runs in time linear in its length."""
    cut: list[str] = _PIECE.findall(text.strip())
    if not any(mark in text for mark in _NEEDING_CARE):
        return cut
    found: list[str] = []
    for piece in cut:
        if len(piece) > 1:
            if piece[0] in _OPENING:
                found.append(QUOTE + piece[1:-1])
                continue
            if "-" in piece and not piece[-1].isdigit():
                found.extend(_at_hyphens(piece))
                continue
            if "-" in piece and piece[0].isalpha():
                found.extend(_hyphenated(piece.split(HYPHEN)))
                continue
        found.append(piece)
    return found


def places(text: str) -> list[tuple[int, int]]:
    """Start and end of each piece as it is written, quotes and hyphens included."""
    return [match.span(1) for match in _PIECE.finditer(text)]


def _at_hyphens(piece: str) -> list[str]:
    """Both sides of "400-level" and "part-time"; the sign of "-5km" stays with its number."""
    sign = piece[0] if piece[0] == HYPHEN else ""
    parts = piece[len(sign) :].split(HYPHEN)
    return _hyphenated([sign + parts[0], *parts[1:]])


def _hyphenated(parts: list[str]) -> list[str]:
    """A word before a hyphen keeps it, so that a language can tell "all-day" from "all day"."""
    return [part + HYPHEN if part[0].isalpha() else part for part in parts[:-1]] + parts[-1:]


def is_quoted(piece: str) -> bool:
    """Whether the piece stood in quotes."""
    return piece[0] == QUOTE and len(piece) > 1


def is_number(piece: str) -> bool:
    """Whether the piece begins as a number does: "5", "-5", ".5", "2,000", "3rd", "2026-08-12"."""
    return piece[0] in "0123456789" or (len(piece) > 1 and piece[0] in "-−." and piece[1] in "0123456789")
