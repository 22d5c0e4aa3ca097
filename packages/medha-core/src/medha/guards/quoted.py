"""The guard of quoted strings: equal to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from medha.guards.rule import ReadingGuard, only_in, spelled_out

if TYPE_CHECKING:
    from medha.guards.reading import Reading


class QuotedGuard(ReadingGuard):
    """What stands in quotes is a literal: case, spaces and place count, the style of the quotes does not."""

    name: ClassVar[str] = "quoted"

    def difference(self, asked: Reading, stored: Reading) -> str | None:
        """Quoted strings that differ, or that stand in another order."""
        if asked.quoted == stored.quoted:
            return None
        here, there = only_in(asked.quoted, stored.quoted), only_in(stored.quoted, asked.quoted)
        if here or there:
            return f"different quoted strings: {spelled_out(_bare(here), _bare(there))}"
        return "the same quoted strings in another order"


def _bare(quoted: list[str]) -> list[str]:
    return [item[1:] for item in quoted]
