"""The guard of asking: a yes or no, or which ones; who, when, where, why, how."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from medha.guards.rule import ReadingGuard, words_differ
from medha.guards.signs import chosen

if TYPE_CHECKING:
    from medha.guards.reading import Reading


class AskingGuard(ReadingGuard):
    """Both questions want the same kind of answer."""

    name: ClassVar[str] = "asking"

    def difference(self, asked: Reading, stored: Reading) -> str | None:
        """One asks whether and the other which, or one asks when and the other where."""
        if asked.tokens[0] != stored.tokens[0] and _wants_yes_or_no(asked) != _wants_yes_or_no(stored):
            which = "asked" if _wants_yes_or_no(asked) else "stored"
            return f"only the {which} question wants a yes or a no"
        if asked.signs == stored.signs:
            return None
        words = asked.language.signs.asking
        return words_differ("kind of answer", chosen(asked.signs, words), chosen(stored.signs, words))


def _wants_yes_or_no(reading: Reading) -> bool:
    return reading.tokens[0] in reading.language.signs.yes_no
