"""Until when an entry is right: a query made for "yesterday" may hold the date of the day it was stored."""

from __future__ import annotations

import re
from dataclasses import replace
from enum import IntEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from medha.guards.language import languages
from medha.guards.literals import literals_in, may_hold_a_date, moves_with_the_clock
from medha.guards.reading import LONGEST, read
from medha.guards.scan import is_quoted, pieces

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medha.guards.literals import Literal
    from medha.models import CacheEntry, Metadata

_DAY: Final = 86_400
_YEAR: Final = 31_556_952
_GAP: Final = 2
"""How many words may stand between "last" and "days"."""
_NEAR: Final = 1
"""A date of this many years before or after the entry may have been made from the clock."""
_RESOLVED: Final = re.compile(r"\d{4}-\d\d(-\d\d)?([T ]\d\d.*)?|\d{4}-?(W|Q)\d{1,2}")
_WORD: Final = re.compile(r"[^\W_]+")


class Bound(IntEnum):
    """For how long an entry's query answers its question."""

    NEVER = 0
    """At any time."""
    DAY = 1
    """On the day (UTC) on which it was stored."""
    MOMENT = 2
    """Only when it was made."""


def untimely(entry: CacheEntry, now: float | None, filters: Metadata) -> str | None:
    """Why the entry is not right any more at ``now``, or ``None``; ``None`` for now is no time at all."""
    held = bound_of(entry)
    if held is Bound.NEVER or _resolved(filters):
        return None
    if held is Bound.MOMENT:
        return "its query holds the very moment it was made for"
    if now is None:
        return "its query holds a date of the day it was stored, and the time of asking is unknown"
    if int(now // _DAY) != int(entry.created_at // _DAY):
        return "its query holds a date of the day (UTC) on which it was stored, and that is another day"
    return None


def until_midnight(entry: CacheEntry, filters: Metadata) -> CacheEntry:
    """The entry, expiring with its day where it is right for that day only; so do the answers taken from it."""
    if bound_of(entry) is Bound.NEVER or _resolved(filters):
        return entry
    midnight = (entry.created_at // _DAY + 1) * _DAY
    return (
        entry if entry.expires_at is not None and entry.expires_at <= midnight else replace(entry, expires_at=midnight)
    )


def bound_of(entry: CacheEntry) -> Bound:
    """What the entry's question and query say about its time."""
    year = int(1970 + entry.created_at / _YEAR)
    return bound(entry.normalized_question, entry.generated_query, year)


def _resolved(filters: Metadata) -> bool:
    """Whether the scope of the lookup names a date: then the entry was stored for that date."""
    return any(isinstance(value, str) and _RESOLVED.fullmatch(value) for value in filters.values())


@lru_cache(maxsize=16_384)
def bound(question: str, query: str, year: int) -> Bound:
    """For how long a query that was stored in this year answers its question."""
    asked_of = relative(question)
    if asked_of is Bound.NEVER and not may_hold_a_date(query):
        return Bound.NEVER
    literals = literals_in(query)
    if not any(literal.years or literal.compared for literal in literals):
        return Bound.NEVER
    if asked_of is Bound.NEVER and not any(literal.years for literal in literals):
        return Bound.NEVER
    said = _said(question)
    if asked_of is Bound.NEVER:
        made = [literal for literal in literals if _near(literal, year) and not _years_said(literal, said)]
    else:
        made = [literal for literal in literals if _made(literal, said, year)]
        if not made:
            unsaid = [literal for literal in literals if literal.compared and not literal.words <= said]
            moves = moves_with_the_clock(query)
            made = [literal for literal in unsaid if literal.digits or not moves]
    if not made:
        return Bound.NEVER
    if any(literal.moment for literal in made):
        return Bound.MOMENT
    # a query for "now" without any time of day is right for the day
    hours = asked_of is Bound.MOMENT and any(
        literal.may_be_an_hour and not literal.words <= said for literal in literals
    )
    return Bound.MOMENT if hours else Bound.DAY


def _near(literal: Literal, year: int) -> bool:
    return any(abs(each - year) <= _NEAR for each in literal.years)


def _years_said(literal: Literal, said: frozenset[str]) -> bool:
    return all(str(year) in said for year in literal.years) and not literal.moment


def _made(literal: Literal, said: frozenset[str], year: int) -> bool:
    """Whether the literal is a date that the question, which has a moving date, does not say itself."""
    if not literal.years or literal.words <= said:
        return bool(literal.years) and _near(literal, year) and len(literal.words) == 1
    return _near(literal, year) or not _years_said(literal, said)


def _said(question: str) -> frozenset[str]:
    """Every word and number of the question, numbers in figures too."""
    words = {word.lower() for word in _WORD.findall(question)}
    if len(question) <= LONGEST:
        for number in read(question).numbers:
            words.update(_WORD.findall(number))
    return frozenset(words)


@lru_cache(maxsize=8192)
def relative(question: str) -> Bound:
    """Whether the question names a date that moves with the clock, and how fast; in any language that is known."""
    if _moving_words().isdisjoint(_WORD.findall(question.lower())):
        return Bound.NEVER
    words = [piece.lower().rstrip("-") for piece in pieces(question[:LONGEST]) if not is_quoted(piece)]
    found = Bound.NEVER
    for language in languages():
        moving = language.moving
        if not moving.instants.isdisjoint(words):
            return Bound.MOMENT
        if not moving.relative.isdisjoint(words):
            found = Bound.DAY
            if not moving.short_spans.isdisjoint(words):
                return Bound.MOMENT
        if not moving.steps.isdisjoint(words):
            if _beside(words, moving.steps, moving.short_spans):
                return Bound.MOMENT
            if _beside(words, moving.steps, moving.spans):
                found = Bound.DAY
    return found


@lru_cache(maxsize=1)
def _moving_words() -> frozenset[str]:
    """The words of all languages without which no date moves, cut as ``_WORD`` cuts them."""
    found = (
        word
        for language in languages()
        for words in (language.moving.relative, language.moving.steps, language.moving.instants)
        for word in words
    )
    return frozenset(part for word in found for part in _WORD.findall(word))


def _beside(words: Sequence[str], steps: frozenset[str], spans: frozenset[str]) -> bool:
    """Whether a step stands a little before a unit of time ("last 7 days") or right behind one."""
    for index, word in enumerate(words):
        if word in steps and (
            not spans.isdisjoint(words[index + 1 : index + 2 + _GAP]) or (index and words[index - 1] in spans)
        ):
            return True
    return False
