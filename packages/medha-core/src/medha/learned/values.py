"""Which values are known, and in which columns: a text that no column is known to hold is bound nowhere."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

from medha.learned.alignment import lows_of
from medha.learned.lesson import PART
from medha.learned.phrasing import Span
from medha.learned.shapes import is_day

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from medha.learned.lesson import Known
    from medha.learned.phrasing import Phrasing

_LONGEST: Final = 12
"""Pieces of a value."""
_OFTEN: Final = 3
_RARELY: Final = 10
_SHARED: Final = 2
_SHARED_ACROSS: Final = 3
"""Values that two columns of one table, or of two, have in common before they hold the same things."""

Lows = tuple[str, ...]


class Mention(NamedTuple):
    """A span of a question that is a number or a known text."""

    span: Span
    value: str
    """The number in digits; empty for a text."""
    lows: Lows
    written: str
    """The number or text as the question writes it."""
    plain: bool
    """Whether it is written as the value is, capitals and all."""


class Values:
    """The texts that the entries' queries, and the user's catalog, hold of each column."""

    def __init__(self) -> None:
        self._spellings: dict[Lows, dict[str, Counter[str]]] = defaultdict(dict)
        self._lengths: dict[str, Counter[int]] = defaultdict(Counter)
        self._columns: dict[str, set[Lows]] = defaultdict(set)
        self._given: set[Known] = set()
        self._joined: Counter[frozenset[str]] = Counter()
        self._domains: dict[tuple[str, str], bool] = {}

    def add(self, known: Known) -> None:
        """Learn of a value."""
        if len(known.lows) > _LONGEST:
            return
        spellings = self._spellings[known.lows].setdefault(known.column, Counter())
        if not spellings:
            self._columns[known.column].add(known.lows)
            self._lengths[known.lows[0]][len(known.lows)] += 1
            self._domains.clear()
        spellings[known.spelling] += 1

    def give(self, known: Known) -> bool:
        """Learn of a value from the database itself, once and for good; whether it is new to the column."""
        if known in self._given or len(known.lows) > _LONGEST:
            return False
        self._given.add(known)
        self.add(known)
        return True

    def remove(self, known: Known) -> None:
        """Forget one mention of a value."""
        columns = self._spellings.get(known.lows, {})
        spellings = columns.get(known.column)
        if spellings is None:
            return
        spellings[known.spelling] -= 1
        if spellings[known.spelling] <= 0:
            del spellings[known.spelling]
        if not spellings:
            del columns[known.column]
            self._columns[known.column].discard(known.lows)
            lengths = self._lengths[known.lows[0]]
            lengths[len(known.lows)] -= 1
            if not lengths[len(known.lows)]:
                del lengths[len(known.lows)]
            self._domains.clear()
            if not columns:
                del self._spellings[known.lows]

    def join(self, pairs: Iterable[tuple[str, str]], count: int) -> None:
        """Learn, or with a negative count forget, that these columns are compared with each other."""
        for pair in pairs:
            key = frozenset(pair)
            before = self._joined[key]
            self._joined[key] = before + count
            if not before or before + count <= 0:
                self._domains.clear()

    def mentions(self, phrasing: Phrasing) -> list[Mention]:
        """The numbers and known texts of a question in order, the longest where they overlap."""
        found = [
            Mention(Span(start, end, True), format(value, "f"), (), phrasing.said(start, end), True)
            for start, end, value in phrasing.numbers
        ]
        for index, piece in enumerate(phrasing.pieces):
            if piece.quoted:
                found.append(Mention(Span(index, index + 1, False), "", lows_of(piece.low), piece.low, True))
                continue
            if is_day(piece.low) and (piece.low,) not in self._spellings:
                found.append(Mention(Span(index, index + 1, False), "", (piece.low,), piece.low, True))
            for length in self._lengths.get(piece.low, ()):
                lows = phrasing.lows[index : index + length]
                if len(lows) == length and lows in self._spellings:
                    text = phrasing.text[piece.start : phrasing.pieces[index + length - 1].end]
                    plain = any(text in spellings for spellings in self._spellings[lows].values())
                    if length == 1 and phrasing.is_bland(piece.low) and (not plain or phrasing.text.isupper()):
                        continue
                    found.append(Mention(Span(index, index + length, False), "", lows, text, plain))
        found.sort(key=lambda mention: (mention.span.start - mention.span.end, mention.span.start))
        taken: set[int] = set()
        chosen: list[Mention] = []
        for mention in found:
            places = range(mention.span.start, mention.span.end)
            if taken.isdisjoint(places):
                taken.update(places)
                chosen.append(mention)
        chosen.sort(key=lambda mention: mention.span.start)
        return chosen

    def spelling(self, lows: Lows, columns: Iterable[str], *, part: bool = False) -> str | None:
        """How each of these columns writes the text; ``None`` if one does not hold it, or they disagree.

        What was only sought as a part of a value is no value, but will do for another such search.
        """
        known = self._spellings.get(lows, {})
        found: set[str] = set()
        for column in columns:
            here = {
                spelling
                for other, spellings in known.items()
                if (part or not other.endswith(PART)) and self.same_domain(column, other.removesuffix(PART))
                for spelling in spellings
            }
            if not here:
                return None
            found |= here
        return found.pop() if len(found) == 1 else None

    def is_written_elsewhere(self, written: str, lows: Lows, columns: Iterable[str]) -> bool:
        """Whether only columns of other things write the text so: "Polish", where a product is "polish"."""
        known = self._spellings.get(lows, {})
        places = [column.removesuffix(PART) for column, spellings in known.items() if written in spellings]
        return bool(places) and not any(self.same_domain(place, one) for place in places for one in columns)

    def belongs_elsewhere(self, lows: Lows, columns: Iterable[str]) -> bool:
        """Whether columns of other things hold the text more often."""
        mine, others = self._mentioned(lows, columns)
        return others > mine

    def is_of_several(self, lows: Lows, columns: Collection[str]) -> bool:
        """Whether other columns hold the text too, and not just now and then."""
        mine = others = 0
        for column, spellings in self._spellings.get(lows, {}).items():
            if any(self._is_one(column.removesuffix(PART), own) for own in columns):
                mine += spellings.total()
            else:
                others += spellings.total()
        return others * _RARELY > mine

    def is_another_thing(self, lows: Lows, columns: Iterable[str]) -> bool:
        """Whether the text was met often enough, and never in these columns, to be no value of theirs."""
        mine, others = self._mentioned(lows, columns)
        return not mine and others >= _OFTEN

    def _mentioned(self, lows: Lows, columns: Iterable[str]) -> tuple[int, int]:
        """How often the text was met in these columns, and in those that hold other things."""
        mine = others = 0
        own = tuple(columns)
        for column, spellings in self._spellings.get(lows, {}).items():
            count = spellings.total()
            if any(self.same_domain(column.removesuffix(PART), one) for one in own):
                mine += count
            else:
                others += count
        return mine, others

    def same_domain(self, one: str, other: str) -> bool:
        """Whether two columns hold the same things: they are joined, or share most of their values."""
        if one == other:
            return True
        key = (one, other) if one < other else (other, one)
        same = self._domains.get(key)
        if same is None:
            same = self._is_one(one, other) or self._share(one, other)
            self._domains[key] = same
        return same

    def _is_one(self, one: str, other: str) -> bool:
        """Whether the queries themselves say that two columns hold the same things."""
        if one == other or self._joined[frozenset((one, other))] > 0 or _may_be_one(one, other):
            return True
        return _are_named_for_one(one, other) and not self._columns.get(one, set()).isdisjoint(
            self._columns.get(other, set())
        )

    def _share(self, one: str, other: str) -> bool:
        """Whether they share most of their values: a few rivers with the name of a state make no states of all."""
        here, there = self._columns.get(one, set()), self._columns.get(other, set())
        shared = len(here & there)
        least = _SHARED if one.rpartition(".")[0] == other.rpartition(".")[0] else _SHARED_ACROSS
        return shared >= least and shared * 2 >= max(len(here), len(there))


def _are_named_for_one(one: str, other: str) -> bool:
    """Whether columns of two tables have one name of several words: "state_name" says what it holds."""
    name = one.rpartition(".")[2]
    return name == other.rpartition(".")[2] and "_" in name.strip("_")


def _may_be_one(one: str, other: str) -> bool:
    """Whether they have one name, and a query does not say of which table it is."""
    here, there = one.rpartition("."), other.rpartition(".")
    return here[2] == there[2] and "?" in {here[0], there[0]}
