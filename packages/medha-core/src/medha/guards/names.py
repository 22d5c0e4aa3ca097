"""The guard of names: what is capitalised inside a sentence is a name, and names must agree."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from medha.guards.rule import ReadingGuard, spelled_out

if TYPE_CHECKING:
    from medha.guards.reading import Reading


class NamesGuard(ReadingGuard):
    """A name that one question shows must be in the other too; in which case it is written, ``case`` looks at."""

    name: ClassVar[str] = "names"

    def difference(self, asked: Reading, stored: Reading) -> str | None:
        """Names that the other question does not have as a word."""
        if asked.words == stored.words:
            return None
        here, there = _names_missing(asked, stored), _names_missing(stored, asked)
        return f"different names: {spelled_out(here, there)}" if here or there else None


def _names_missing(one: Reading, other: Reading) -> list[str]:
    if one.uniform:
        return []
    theirs = frozenset(other.words)
    return [
        surface
        for token, surface in zip(one.tokens, one.surfaces, strict=True)
        if token not in theirs and surface and surface != surface.lower()
    ]
