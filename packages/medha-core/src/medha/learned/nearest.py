"""The stored wordings with the most words of a question, the rarest words first."""

from __future__ import annotations

import heapq
from collections import defaultdict
from math import log
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

Tokens = tuple[str, ...]

_MOST_READ: Final = 1_000
"""Postings read before what was found by then must do."""


class WordIndex:
    """Wordings by their words."""

    def __init__(self) -> None:
        self._postings: dict[str, dict[Tokens, None]] = defaultdict(dict)
        self._size = 0

    def add(self, tokens: Tokens) -> None:
        """Index a wording."""
        self._size += 1
        for word in set(tokens):
            self._postings[word][tokens] = None

    def remove(self, tokens: Tokens) -> None:
        """Take a wording out."""
        self._size -= 1
        for word in set(tokens):
            self._postings[word].pop(tokens, None)
            if not self._postings[word]:
                del self._postings[word]

    def nearest(self, tokens: Iterable[str], limit: int) -> list[Tokens]:
        """Wordings by the weight of the words that they share with these, the most first."""
        known = sorted((len(found), word) for word in set(tokens) if (found := self._postings.get(word)))
        scores: dict[Tokens, float] = {}
        read = 0
        for count, word in known:
            weight = log(1.5 + self._size / count)
            postings = self._postings[word]
            if read + count <= _MOST_READ or not scores:
                read += count
                for wording in postings:
                    scores[wording] = scores.get(wording, 0.0) + weight
            else:
                for wording in scores:
                    if wording in postings:
                        scores[wording] += weight
        # a long wording that holds the words among many others is farther than a short one
        return heapq.nlargest(limit, scores, key=lambda wording: scores[wording] / (len(wording) + 4) ** 0.5)
