"""The guard of logic: "and" / "or", "any" / "all", "each", "only", "both"."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from medha.guards.rule import ReadingGuard, scopes_differ, words_differ
from medha.guards.signs import chosen

if TYPE_CHECKING:
    from medha.guards.reading import Reading


class LogicGuard(ReadingGuard):
    """What joins and what quantifies is the same, in the same order, before the same content."""

    name: ClassVar[str] = "logic"

    def difference(self, asked: Reading, stored: Reading) -> str | None:
        """A logical word that one question lacks, or one with another scope."""
        if asked.marks == stored.marks:
            return None
        words = asked.language.logic
        ours, theirs = chosen(asked.marks, words), chosen(stored.marks, words)
        return words_differ("logic", ours, theirs) or scopes_differ(asked, ours, stored, theirs)
