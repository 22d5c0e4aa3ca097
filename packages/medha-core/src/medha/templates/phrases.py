"""A question in pieces that know their places, so that a span of it can be taken out."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from medha.guards.language import UNKNOWN, language_of
from medha.guards.scan import SEPARATORS, places
from medha.templates.blanks import blank

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medha.guards.language import Language


class Phrase(NamedTuple):
    """A text with its pieces."""

    text: str
    language: Language
    places: tuple[tuple[int, int], ...]
    raw: tuple[str, ...]
    low: tuple[str, ...]
    end: int
    """How many pieces there are without what only closes the question."""

    def span(self, start: int, end: int) -> str:
        """The text of the pieces from ``start`` up to ``end``."""
        return self.text[self.places[start][0] : self.places[end - 1][1]]

    def without(self, spans: Sequence[tuple[int, int, str]]) -> str:
        """The text with each span of pieces, in order, replaced by the blank of that name."""
        cut: list[str] = []
        position = 0
        for start, end, name in spans:
            cut += (self.text[position : self.places[start][0]], blank(name))
            position = self.places[end - 1][1]
        return "".join(cut) + self.text[position:]


@lru_cache(maxsize=1024)
def phrase_of(text: str, spoken: Language = UNKNOWN) -> Phrase:
    """The normalised text in pieces; ``spoken`` is the language of one that shows none."""
    found = tuple(places(text))
    raw = tuple(text[start:end] for start, end in found)
    low = tuple(piece.lower() for piece in raw)
    language = language_of(low)
    if language is UNKNOWN:
        language = spoken
    return Phrase(text, language, found, raw, low, _end(low, language))


def _end(low: tuple[str, ...], language: Language) -> int:
    """Where the question ends: before punctuation, and before a "please"."""
    last = len(low)
    while last and low[last - 1] in SEPARATORS:
        last -= 1
    for phrase in language.tail:
        if 0 < len(phrase) < last and low[last - len(phrase) : last] == phrase:
            return last - len(phrase)
    return last
