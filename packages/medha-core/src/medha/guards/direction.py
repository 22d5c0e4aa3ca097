"""The guard of direction: comparison, superlative, and words that pull apart: "more" / "less", "before" / "after"."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from medha.guards.rule import ReadingGuard, scopes_differ, words_differ

if TYPE_CHECKING:
    from medha.guards.reading import Reading
    from medha.guards.rule import Sign


class DirectionGuard(ReadingGuard):
    """The same words of direction, in the same order, each before the same content."""

    name: ClassVar[str] = "direction"

    def difference(self, asked: Reading, stored: Reading) -> str | None:
        """Two opposites, a word of direction that one question lacks, or one with another scope."""
        if asked.marks == stored.marks:
            return None
        ours, theirs = _directions(asked), _directions(stored)
        return (
            _opposites(ours, theirs, asked)
            or words_differ("direction", ours, theirs)
            or scopes_differ(asked, ours, stored, theirs)
        )


def _directions(reading: Reading) -> list[Sign]:
    language = reading.language
    return [
        mark
        for mark in reading.marks
        if mark[0] in language.opposites and mark[0] not in language.negations and mark[0] not in language.logic
    ]


def _opposites(asked: list[Sign], stored: list[Sign], reading: Reading) -> str | None:
    here, there = {word for word, _ in asked}, {word for word, _ in stored}
    for word in sorted(here - there):
        for other in sorted(reading.language.opposites[word] & (there - here)):
            return f"opposite directions: '{word}' / '{other}'"
    return None
