"""The guard of words: what one question says, the other says too."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from medha.guards.rule import ReadingGuard, only_in, spelled_out

if TYPE_CHECKING:
    from medha.guards.reading import Reading


class WordsGuard(ReadingGuard):
    """Every word that is not mere frame must be in both questions, as often."""

    name: ClassVar[str] = "words"

    def difference(self, asked: Reading, stored: Reading) -> str | None:
        """Words that one question has and the other lacks."""
        if asked.words == stored.words:
            return None
        here, there = only_in(asked.words, stored.words), only_in(stored.words, asked.words)
        return f"different words: {spelled_out(here, there)}"
