"""The guard of order and grouping: "by", "per", "sorted by", "grouped by"."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from medha.guards.rule import ReadingGuard, scopes_differ, words_differ
from medha.guards.signs import chosen

if TYPE_CHECKING:
    from medha.guards.reading import Reading


class OrderingGuard(ReadingGuard):
    """What is sorted or grouped, and by what, is the same."""

    name: ClassVar[str] = "ordering"

    def difference(self, asked: Reading, stored: Reading) -> str | None:
        """A word of order or grouping that one question lacks, or that bears on another thing."""
        if asked.signs == stored.signs:
            return None
        words = asked.language.signs.ordering
        ours, theirs = chosen(asked.signs, words), chosen(stored.signs, words)
        return words_differ("order or grouping", ours, theirs) or scopes_differ(asked, ours, stored, theirs)
