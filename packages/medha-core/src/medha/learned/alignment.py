"""Which words of a question a literal of its query is."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from medha.guards.scan import places
from medha.learned.phrasing import Span
from medha.learned.queries import NUMBER

if TYPE_CHECKING:
    from medha.learned.phrasing import Phrasing
    from medha.learned.queries import Cut, Literal
    from medha.learned.sites import Sites

WILDCARD: Final = "%"


class Aligned(NamedTuple):
    """The slots of an entry, in the order of its question."""

    spans: tuple[Span, ...]
    numbers: tuple[int | None, ...]
    """For each literal of the query, the number of the span that it is, or ``None``."""


@lru_cache(maxsize=65_536)
def lows_of(value: str) -> tuple[str, ...]:
    """The pieces of a value in lower case, as a question would hold them."""
    return tuple(value[start:end].lower() for start, end in places(value))


def bare(literal: Literal) -> tuple[str, str, str]:
    """What a pattern begins with, the value inside, what it ends with."""
    inner = literal.value.strip(WILDCARD)
    if not inner or literal.kind == NUMBER:
        return "", literal.value, ""
    start = len(literal.value) - len(literal.value.lstrip(WILDCARD))
    end = len(literal.value.rstrip(WILDCARD))
    return literal.value[:start], inner, literal.value[end:]


def is_pattern(literal: Literal) -> bool:
    """Whether the literal stands for every text that holds its own."""
    before, _, after = bare(literal)
    return bool(before or after)


def align(phrasing: Phrasing, cut: Cut, sites: Sites) -> Aligned | None:
    """The spans that the literals are; ``None`` where a literal could be several."""
    taken: list[Span | None] = [None] * len(cut.literals)
    order = sorted(range(len(cut.literals)), key=lambda i: -len(cut.literals[i].value))
    used: dict[Span, str] = {}
    for index in order:
        literal = cut.literals[index]
        if sites.sites[index] is None:
            continue
        found = _spans(phrasing, literal)
        key = bare(literal)[1].lower()
        free = [span for span in found if used.get(span) == key or not any(_overlap(span, other) for other in used)]
        if len(free) > 1:
            return None
        if free:
            taken[index] = free[0]
            used[free[0]] = key
    for index, literal in enumerate(cut.literals):
        # "NUMBER < 400 + 100": what is the same value elsewhere goes with it
        if sites.sites[index] is None:
            taken[index] = next((span for span, value in used.items() if value == bare(literal)[1].lower()), None)
    spans = tuple(sorted(used))
    return Aligned(spans, tuple(None if span is None else spans.index(span) for span in taken))


def _overlap(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end


def _spans(phrasing: Phrasing, literal: Literal) -> list[Span]:
    value = bare(literal)[1]
    if value.replace(".", "", 1).isdigit() and not (literal.kind != NUMBER and len(value) > 1 and value[0] == "0"):
        number = Decimal(value)
        return [Span(start, end, True) for start, end, found in phrasing.numbers if found == number]
    lows = lows_of(value)
    if not lows:
        return []
    joined = " ".join(value.lower().split())
    bland = len(lows) == 1 and (len(lows[0]) == 1 or phrasing.is_bland(lows[0]))
    spans: list[Span] = []
    for index, piece in enumerate(phrasing.pieces):
        if piece.quoted:
            if piece.low == joined:
                spans.append(Span(index, index + 1, False))
        elif not bland and piece.low == lows[0] and phrasing.lows[index : index + len(lows)] == lows:
            spans.append(Span(index, index + len(lows), False))
    return spans
