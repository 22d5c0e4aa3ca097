"""A question in pieces, and the wording that is left when its values are taken out."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from medha.guards.figures import canonical_number, spelled_number
from medha.guards.language import language_of, languages
from medha.guards.reading import read
from medha.guards.scan import places

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medha.guards.language import Language
    from medha.guards.reading import Reading

TEXT_SLOT: Final = '"\ue000s"'
NUMBER_SLOT: Final = '"\ue000n"'
SLOTS: Final = frozenset({TEXT_SLOT[:-1], NUMBER_SLOT[:-1]})
"""The tokens that slots are read as."""
_POSSESSIVE: Final = ("'s", "’s")
_LEADING_ZERO: Final = re.compile(r"0[0-9]")
_MAY_PART_THOUSANDS: Final = re.compile(r"\.[0-9]{3}$")
_OPENING: Final = frozenset("\"“«`‘'")


class Piece(NamedTuple):
    """A word, number or quoted string of a question, and where it stands."""

    start: int
    end: int
    low: str
    """In lower case; of a quoted string, what stands between its quotes."""
    quoted: bool


class Phrasing(NamedTuple):
    """A normalised question in pieces."""

    text: str
    language: Language
    pieces: tuple[Piece, ...]
    lows: tuple[str, ...]
    numbers: tuple[tuple[int, int, Decimal], ...]
    """First and last piece, exclusive, of each number, and its value."""

    def said(self, start: int, end: int) -> str:
        """The text of these pieces; the end is exclusive."""
        return self.text[self.pieces[start].start : self.pieces[end - 1].end]

    def is_bland(self, low: str) -> bool:
        """Whether the word says nothing by itself; where no language shows, whether it does in any."""
        known = (self.language,) if self.language.code else languages()
        return any(low in language.function for language in known)


class Span(NamedTuple):
    """Pieces of a question that are a value."""

    start: int
    end: int
    number: bool


@lru_cache(maxsize=2048)
def phrasing_of(text: str) -> Phrasing:
    """The pieces of a normalised question."""
    found: list[Piece] = []
    for start, end in places(text):
        raw = text[start:end]
        if raw[0] in _OPENING and len(raw) > 2:
            found.append(Piece(start, end, " ".join(raw[1:-1].lower().split()), quoted=True))
        elif raw.endswith(_POSSESSIVE) and len(raw) > 2:
            found += (Piece(start, end - 2, raw[:-2].lower(), False), Piece(end - 2, end, "'s", False))
        else:
            found.append(Piece(start, end, raw.lower(), quoted=False))
    lows = tuple([piece.low for piece in found])
    language = language_of(lows)
    return Phrasing(text, language, tuple(found), lows, tuple(_numbers(text, found, lows, language)))


def _numbers(text: str, pieces: Sequence[Piece], lows: tuple[str, ...], language: Language):
    index = 0
    while index < len(pieces):
        piece = pieces[index]
        found = None
        if not piece.quoted:
            spelled = spelled_number(lows, index, language)
            if spelled is not None:
                found = spelled
            elif piece.low[0].isdigit():
                value, unit = canonical_number(text[piece.start : piece.end], language, measure=False, amount=True)
                found = (value, index + 1) if unit is None else None
            if found is not None and _LEADING_ZERO.match(found[0]):
                found = None  # "007" is a code
            elif found is not None and not language.decimal and _MAY_PART_THOUSANDS.search(found[0]):
                found = None  # "1.000" where no language shows
        if found is not None:
            try:
                yield index, found[1], Decimal(found[0])
            except InvalidOperation:
                found = None
        index = found[1] if found is not None else index + 1


def without(phrasing: Phrasing, spans: Sequence[Span]) -> str:
    """The question with a slot in place of each span; the spans are in order."""
    cut: list[str] = []
    position = 0
    for span in spans:
        first, last = phrasing.pieces[span.start], phrasing.pieces[span.end - 1]
        before = phrasing.text[position : first.start]
        if not span.number and _is_in_the_name(phrasing, span.start - 1):
            # "by The Queen" is not "by Queen"
            before = f"{before.rstrip()}_ "
        cut += (before, NUMBER_SLOT if span.number else TEXT_SLOT)
        position = last.end
        if phrasing.text.startswith(_POSSESSIVE, position):
            cut.append(" _s")
            position += 2
    return "".join(cut) + phrasing.text[position:]


def _is_in_the_name(phrasing: Phrasing, index: int) -> bool:
    """Whether the piece is an article with the capital of a name."""
    if index < 1 or phrasing.text.isupper():
        return False
    piece = phrasing.pieces[index]
    return piece.low in phrasing.language.articles and phrasing.text[piece.start].isupper()


def reading_without(phrasing: Phrasing, spans: Sequence[Span]) -> Reading:
    """The reading of the question with slots."""
    return read(without(phrasing, spans), phrasing.language)
