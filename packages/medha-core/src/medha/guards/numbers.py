"""The guard of numbers and units: the same values in the same order, each of the same unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from medha.guards.rule import ReadingGuard, only_in, spelled_out

if TYPE_CHECKING:
    from medha.guards.reading import Reading


class NumbersGuard(ReadingGuard):
    """Counts, years, ordinals, dates and times must be equal, each in its place and with its unit."""

    name: ClassVar[str] = "numbers"

    def difference(self, asked: Reading, stored: Reading) -> str | None:
        """Numbers that differ, that stand in another order ("between 10 and 5"), or that measure another thing."""
        if asked.numbers != stored.numbers:
            here, there = only_in(asked.numbers, stored.numbers), only_in(stored.numbers, asked.numbers)
            if here or there:
                return f"different numbers: {spelled_out(here, there)}"
            return f"numbers in another order: {', '.join(asked.numbers)} / {', '.join(stored.numbers)}"
        if not asked.numbers or asked.tokens == stored.tokens:
            return None
        for here, there in zip(_quantities(asked), _quantities(stored), strict=True):
            if here != there:
                return f"different units: '{' '.join(here)}' / '{' '.join(there)}'"
        return None


def _quantities(reading: Reading) -> list[list[str]]:
    """Each number with the currency before and the unit behind it."""
    found: list[list[str]] = []
    tokens, language = reading.tokens, reading.language
    for index, token in enumerate(tokens):
        if len(found) == len(reading.numbers) or token != reading.numbers[len(found)] or reading.surfaces[index]:
            continue
        before = tokens[index - 1] if index else ""
        behind = tokens[index + 1] if index + 1 < len(tokens) else ""
        quantity = [before] if before in language.currencies else []
        found.append([*quantity, token, *([behind] if behind in language.signs.measures | language.currencies else [])])
    return found
