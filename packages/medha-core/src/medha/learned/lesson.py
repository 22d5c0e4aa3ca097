"""What one entry teaches: its query as a shape with slots, and the wording that asked for it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from medha.guards.reading import LONGEST
from medha.identity import query_hash
from medha.learned.alignment import align, bare, is_pattern, lows_of
from medha.learned.phrasing import phrasing_of, reading_without
from medha.learned.queries import NUMBER, STRING, cut
from medha.learned.sites import sites_of

if TYPE_CHECKING:
    from medha.guards.language import Language
    from medha.guards.reading import Reading
    from medha.learned.alignment import Aligned
    from medha.learned.phrasing import Phrasing
    from medha.learned.queries import Cut
    from medha.learned.sites import Sites

_LONGEST_QUERY: Final = 20_000
PART: Final = " part"
_NAME_PARTS: Final = re.compile(r"[^\W\d_]+")


class Known(NamedTuple):
    """A value that a column holds, as it is written there."""

    column: str
    """``table.column``; of what is only known to be part of a value, with ``PART`` behind it."""
    lows: tuple[str, ...]
    spelling: str


class Wording(NamedTuple):
    """How a shape was asked for."""

    tokens: tuple[str, ...]
    """What the guards read of the question, every value a slot."""
    slots: tuple[int, ...]
    """The number, in the order of the query, of each slot in the order of the question."""


class Lesson(NamedTuple):
    """An entry, understood. ``wording`` is ``None`` where only its values can be learnt."""

    entry_id: str
    query_hash: str
    cut: Cut
    sites: Sites
    known: tuple[Known, ...]
    names: frozenset[str]
    """The words that its tables' and columns' names are made of."""
    slots: tuple[int | None, ...] = ()
    """For each literal, the number of its slot."""
    wording: Wording | None = None
    reading: Reading | None = None
    unmatched: bool = False
    """Whether the question says a number that is no literal, or the query compares with one that was not said."""

    @property
    def shape_key(self) -> tuple[object, ...]:
        """Equal for queries that differ only in the values of their slots."""
        fixed = [
            literal.raw if slot is None else (slot, literal.quote, *bare(literal)[::2])
            for literal, slot in zip(self.cut.literals, self.slots, strict=True)
        ]
        return (self.cut.texts, tuple(fixed))


def lesson_of(entry_id: str, question: str, query: str, dialect: str | None) -> Lesson | None:
    """What the entry with this normalised question teaches; ``None`` if its query cannot be read. Pure, and slow.

    The first query of its kind takes milliseconds to parse.
    """
    if len(question) > LONGEST or len(query) > _LONGEST_QUERY:
        return None
    found = cut(query)
    sites = None if found is None else sites_of(found, dialect)
    if found is None or sites is None:
        return None
    phrasing = phrasing_of(question)
    names = _name_words(sites, phrasing.language)
    lesson = Lesson(entry_id, query_hash(query), found, sites, _known(found, sites), names)
    aligned = align(phrasing, found, sites)
    if aligned is None:
        return lesson
    in_query_order = dict.fromkeys(number for number in aligned.numbers if number is not None)
    rank = {number: slot for slot, number in enumerate(in_query_order)}
    reading = reading_without(phrasing, aligned.spans)
    return lesson._replace(
        slots=tuple([None if number is None else rank[number] for number in aligned.numbers]),
        wording=Wording(reading.tokens, tuple([rank[number] for number in range(len(aligned.spans))])),
        reading=reading,
        unmatched=_unmatched(phrasing, found, sites, aligned),
    )


def _unmatched(phrasing: Phrasing, found: Cut, sites: Sites, aligned: Aligned) -> bool:
    matched = {(span.start, span.end) for span in aligned.spans}
    return any((start, end) not in matched for start, end, _ in phrasing.numbers) or any(
        literal.kind == NUMBER and site is not None and number is None and site.relation != "limit"
        for literal, site, number in zip(found.literals, sites.sites, aligned.numbers, strict=True)
    )


def _known(found: Cut, sites: Sites) -> tuple[Known, ...]:
    """The texts that the query compares with columns."""
    known: list[Known] = []
    for literal, site in zip(found.literals, sites.sites, strict=True):
        if site is not None and literal.kind == STRING:
            spelling = bare(literal)[1]
            if lows := lows_of(spelling):
                column = site.column + PART if is_pattern(literal) else site.column
                known.append(Known(column, lows, spelling))
    return tuple(known)


def _name_words(sites: Sites, language: Language) -> frozenset[str]:
    return frozenset(language.singular(part) for name in sites.names for part in _NAME_PARTS.findall(name))
