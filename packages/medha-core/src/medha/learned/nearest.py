"""The stored wordings with the most words of a question, the rarest words first."""

from __future__ import annotations

import heapq
from collections import defaultdict
from math import log
from operator import itemgetter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medha.learned.wordings import Worded

_MOST_READ: Final = 800
"""Postings read before what was found by then must do."""
_WEIGHED: Final = 64
"""Wordings that are then weighed by all their words."""


class WordIndex:
    """Wordings by their words."""

    def __init__(self) -> None:
        self._postings: dict[str, dict[Worded, None]] = defaultdict(dict)
        self._size = 0

    def add(self, worded: Worded) -> None:
        """Index a wording."""
        self._size += 1
        for word in worded.weights:
            self._postings[word][worded] = None

    def remove(self, worded: Worded) -> None:
        """Take a wording out."""
        self._size -= 1
        for word in worded.weights:
            del self._postings[word][worded]
            if not self._postings[word]:
                del self._postings[word]

    def nearest(self, tokens: Iterable[str], limit: int) -> list[Worded]:
        """Wordings by the weight of the words that they share with these, the most first."""
        known = sorted(
            ((postings, word) for word in set(tokens) if (postings := self._postings.get(word))),
            key=lambda pair: (len(pair[0]), pair[1]),
        )
        scores: dict[Worded, float] = {}
        unread: list[tuple[dict[Worded, None], float]] = []
        read = 0
        for postings, _ in known:
            weight = log(1.5 + self._size / len(postings))
            read += len(postings)
            if read > _MOST_READ and scores:
                unread.append((postings, weight))
                continue
            for worded in postings:
                scores[worded] = scores.get(worded, 0.0) + weight
        best = scores.items()
        if len(scores) > _WEIGHED:
            best = heapq.nlargest(_WEIGHED, best, key=itemgetter(1))
        # a long wording that holds the words among many others is farther than a short one
        weighed = [
            (
                (score + sum(weight for postings, weight in unread if worded in postings))
                / (len(worded.tokens) + 4) ** 0.5,
                worded,
            )
            for worded, score in best
        ]
        weighed.sort(key=itemgetter(0), reverse=True)
        return [worded for _, worded in weighed[:limit]]
