"""The guard of numbers: the same values in the same order."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from medha.guards.rule import ReadingGuard, only_in, spelled_out

if TYPE_CHECKING:
    from medha.guards.reading import Reading


class NumbersGuard(ReadingGuard):
    """Counts, years, ordinals, dates and times must be equal, and each in its place."""

    name: ClassVar[str] = "numbers"

    def difference(self, asked: Reading, stored: Reading) -> str | None:
        """Numbers that differ, or that stand in another order ("between 5 and 10", "between 10 and 5")."""
        if asked.numbers == stored.numbers:
            return None
        here, there = only_in(asked.numbers, stored.numbers), only_in(stored.numbers, asked.numbers)
        if here or there:
            return f"different numbers: {spelled_out(here, there)}"
        return f"numbers in another order: {', '.join(asked.numbers)} / {', '.join(stored.numbers)}"
