"""The guard of words: what one question says, the other says too."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Final

from medha.guards.rule import ReadingGuard, only_in, spelled_out

if TYPE_CHECKING:
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
        """Other words may ask the same where both questions have some.

        None of them may be a name, a sign, or a value in the stored query. A word that only one question adds is a
        condition of its own.
        """
        if not asked.language.code:
            return False
        ours, theirs = _only_in(asked, stored), _only_in(stored, asked)
        if not all(word.isalpha() and word.islower() for word in (*ours, *theirs)):
            return False
        function = asked.language.function
        if function.issuperset(ours) or function.issuperset(theirs):
            return False
        return _words_in_literals(candidate.entry.generated_query).isdisjoint(theirs)


def _only_in(one: Reading, other: Reading) -> list[str]:
    """The words of one that the other lacks, as they are written."""
    left = set(other.words)
    return [
        surface or token
        for token, surface in zip(one.tokens, one.surfaces, strict=True)
        if token not in left and token not in one.numbers and token not in one.quoted
    ]


def _words_in_literals(query: str) -> set[str]:
    return set(_WORD.findall(" ".join(_LITERAL.findall(query)).lower()))
