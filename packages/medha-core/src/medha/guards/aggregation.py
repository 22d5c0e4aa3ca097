"""The guard of aggregation: count, sum, average, maximum, minimum, distinct."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from medha.guards.rule import ReadingGuard, scopes_differ, words_differ
from medha.guards.signs import chosen

if TYPE_CHECKING:
    from medha.guards.reading import Reading


class AggregationGuard(ReadingGuard):
    """What is counted, added up or averaged is the same, and so is how."""

    name: ClassVar[str] = "aggregation"

    def difference(self, asked: Reading, stored: Reading) -> str | None:
        """An aggregation that one question lacks, or one of another thing."""
        if asked.signs == stored.signs:
            return None
        words = asked.language.signs.aggregation
        ours, theirs = chosen(asked.signs, words), chosen(stored.signs, words)
        return words_differ("aggregation", ours, theirs) or scopes_differ(asked, ours, stored, theirs)
