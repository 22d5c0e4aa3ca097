"""The values of a question in the slots of a stored query; anything doubtful binds nothing."""

from __future__ import annotations

import re
from itertools import combinations, product
from typing import TYPE_CHECKING, NamedTuple

from medha.learned.alignment import bare, lows_of
from medha.learned.queries import NUMBER, cut, written
from medha.learned.shapes import TEXT, in_order, is_day, number_kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medha.learned.shapes import Shape
    from medha.learned.values import Mention, Values

_DIGIT = re.compile("[0-9]")
_PATTERN_SIGNS = frozenset("%_")
_SHOWN_APART = 2
"""Different values that a slot must have held where one may have been equal by chance."""


class Binding(NamedTuple):
    """A query with other values."""

    query: str
    values: tuple[str, ...]
    """For each slot, in the order of the query."""


def bind(
    shape: Shape, mentions: Sequence[Mention], order: Sequence[int], values: Values, *, sure: bool = False
) -> Binding | str:
    """The query with these values; ``order`` is the slot of each mention. A text says why there is none."""
    bound = [""] * len(shape.slots)
    for mention, slot in zip(mentions, order, strict=True):
        if mention.span.number:
            value = _number(shape, slot, mention)
        elif is_day(mention.written):
            value = _day(shape, slot, mention)
        else:
            value = _text(shape, slot, mention, values, sure=sure)
        if value is None:
            return f"'{mention.value or ' '.join(mention.lows)}' is no value known for {_place(shape, slot)}"
        bound[slot] = value
    if not all(in_order(bound[low], bound[high]) for low, high in shape.ranges):
        return "the bounds of a range are the wrong way round"
    query = _rendered(shape, bound)
    return "the query would not be the same between its values" if query is None else Binding(query, tuple(bound))


def slots_alike(shape: Shape, values: Values) -> frozenset[int]:
    """The slots that would take the value of another one, so that only words tell which value is whose."""
    kinds = [{number_kind(value) for value in held} for held in shape.held]
    found: set[int] = set()
    for one, other in combinations(range(len(kinds)), 2):
        shared = kinds[one] & kinds[other]
        columns = product(shape.slots[one].columns, shape.slots[other].columns)
        if shared - {TEXT} or (shared and any(values.same_domain(here, there) for here, there in columns)):
            found |= {one, other}
    return frozenset(found)


def _place(shape: Shape, slot: int) -> str:
    return " and ".join(shape.slots[slot].columns) or "this place"


def _number(shape: Shape, slot: int, mention: Mention) -> str | None:
    held = shape.held[slot]
    if shape.slots[slot].quoted and mention.value != mention.written and _DIGIT.search(mention.written):
        # "1.50" and "1,500" are texts of their own
        return None
    if mention.value in held:
        return mention.value
    if shape.slots[slot].by_chance and len(held) < _SHOWN_APART:
        return None
    kind = number_kind(mention.value)
    return mention.value if kind != TEXT and kind in {number_kind(value) for value in held} else None


def _day(shape: Shape, slot: int, mention: Mention) -> str | None:
    held = shape.held[slot]
    shown = mention.written in held or not shape.slots[slot].by_chance or len(held) >= _SHOWN_APART
    return mention.written if shown and all(map(is_day, held)) else None


def _text(shape: Shape, slot: int, mention: Mention, values: Values, *, sure: bool) -> str | None:
    held = shape.held[slot]
    columns = shape.slots[slot].columns
    if values.is_written_elsewhere(mention.written, mention.lows, columns):
        return None
    if sure and values.is_of_several(mention.lows, columns):
        return None
    own = [value for value in held if lows_of(value) == mention.lows]
    if own:
        return own[0] if len(own) == 1 else None
    if shape.slots[slot].by_chance and len(held) < _SHOWN_APART:
        return None
    if all(number_kind(value) != TEXT for value in held) or values.belongs_elsewhere(mention.lows, columns):
        return None
    return values.spelling(mention.lows, columns, part=shape.slots[slot].pattern)


def _rendered(shape: Shape, bound: Sequence[str]) -> str | None:
    """The stored text with other literals, cut again: it must be the same text between them, token for token."""
    raws: list[str] = []
    for literal, slot in zip(shape.cut.literals, shape.numbers, strict=True):
        if slot is None:
            raws.append(literal.raw)
            continue
        before, _, after = bare(literal)
        if (before or after) and not _PATTERN_SIGNS.isdisjoint(bound[slot]):
            return None
        if literal.kind == NUMBER and number_kind(bound[slot]) == TEXT:
            return None
        if literal.quote and literal.quote in bound[slot] and literal.quote not in shape.doubled:
            return None
        raws.append(written(before + bound[slot] + after, literal.kind, literal.quote))
    query = shape.cut.with_literals(raws)
    again = cut(query)
    if again is None or again.texts != shape.cut.texts or [literal.raw for literal in again.literals] != raws:
        return None
    return query
