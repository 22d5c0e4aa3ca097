"""The guard of words: what one question says, the other says too."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Final

from medha.guards.rule import ReadingGuard, only_in, spelled_out

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medha.guards.reading import Reading
    from medha.models import Candidate

_LITERAL: Final = re.compile(r"""'[^']*'|"[^"]*\"""")
_WORD: Final = re.compile(r"\w+")


class WordsGuard(ReadingGuard):
    """Every word that is not mere frame must be in both questions, as often."""

    name: ClassVar[str] = "words"

    def difference(self, asked: Reading, stored: Reading) -> str | None:
        """Words that one question has and the other lacks."""
        if asked.words == stored.words:
            return None
        here, there = only_in(asked.words, stored.words), only_in(stored.words, asked.words)
        return f"different words: {spelled_out(here, there)}"

    def reviewable(self, asked: Reading, stored: Reading, candidate: Candidate) -> bool:
        """Other words may ask the same, unless one of them is a name, or a value in the stored query."""
        if not asked.language.code:
            return False
        ours, theirs = list(_surfaces_only_in(asked, stored)), list(_surfaces_only_in(stored, asked))
        if any(surface != surface.lower() for surface in (*ours, *theirs)):
            return False
        values = " ".join(_LITERAL.findall(candidate.entry.generated_query)).lower()
        return _words_of(" ".join(theirs)).isdisjoint(_words_of(values))


def _surfaces_only_in(one: Reading, other: Reading) -> Iterator[str]:
    left = set(other.words)
    return (surface for token, surface in zip(one.tokens, one.surfaces, strict=True) if surface and token not in left)


def _words_of(text: str) -> set[str]:
    return set(_WORD.findall(text))
