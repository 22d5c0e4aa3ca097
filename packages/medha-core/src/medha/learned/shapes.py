"""A query with slots, and everything that its wordings have in common."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from decimal import Decimal
from itertools import combinations, permutations
from typing import TYPE_CHECKING, Final, NamedTuple

from medha.learned.alignment import bare, is_pattern
from medha.learned.phrasing import SLOTS
from medha.learned.queries import NUMBER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from medha.guards.language import Language
    from medha.learned.lesson import Lesson, Wording

Tokens = tuple[str, ...]
TEXT: Final = "text"
_DAY: Final = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Slot(NamedTuple):
    """A place for a value."""

    columns: tuple[str, ...]
    pattern: bool
    """Whether a part of a value will do."""
    quoted: bool
    """Whether it stands for a text, be it of digits."""
    by_chance: bool
    """Whether literal and question may be equal by chance.

    It stands for literals of several columns, or a figure of the question, or of the query, is found only there.
    """


class Shape:
    """A query whose slots take other values, with the wordings that asked for it."""

    def __init__(self, lesson: Lesson) -> None:
        self.cut = lesson.cut
        self.numbers = lesson.slots
        self.slots = tuple(_slots(lesson))
        self.doubled = lesson.sites.doubled
        self.ranges = tuple(_ranges(lesson))
        """Pairs of slots, the first of which must not hold more than the second."""
        self.doubted = False
        """Whether an answer of it was judged wrong: it competes with others, and is not served."""
        self.entries: dict[str, Lesson] = {}
        self.held: list[Counter[str]] = [Counter() for _ in self.slots]
        self.wordings: Counter[Wording] = Counter()
        self._profile: Profile | None = None

    def add(self, lesson: Lesson) -> None:
        """Learn of an entry."""
        self.entries[lesson.entry_id] = lesson
        self._count(lesson, 1)
        wording = _wording(lesson)
        self.wordings[wording] += 1
        if self.wordings[wording] == 1 and self._profile is not None:
            self._profile.add(wording)

    def remove(self, lesson: Lesson) -> None:
        """Forget an entry."""
        del self.entries[lesson.entry_id]
        self._count(lesson, -1)
        wording = _wording(lesson)
        self.wordings[wording] -= 1
        if not self.wordings[wording]:
            del self.wordings[wording]
            self._profile = None

    def profile(self, language: Language) -> Profile:
        """What the wordings have in common, by the words of this language."""
        if self._profile is None or self._profile.language is not language:
            self._profile = Profile(language)
            for wording in self.wordings:
                self._profile.add(wording)
        return self._profile

    def explains(self, other: Shape) -> bool:
        """Whether every entry of the other shape is one of this one too, which has fewer slots.

        ``BETWEEN 100 AND 100 + 100`` alone does not show that its last literal is no slot; with 200 in place of 100 it
        does.
        """
        if self.cut.texts != other.cut.texts:
            return False
        more = False
        for index, (mine, theirs) in enumerate(zip(self.numbers, other.numbers, strict=True)):
            literal = self.cut.literals[index]
            if mine is None and theirs is not None:
                if set(other.held[theirs]) != {bare(literal)[1]}:
                    return False
                more = True
            elif mine != theirs or (mine is None and literal.raw != other.cut.literals[index].raw):
                return False
        return more

    def _count(self, lesson: Lesson, count: int) -> None:
        counted: set[int] = set()
        for literal, slot in zip(lesson.cut.literals, lesson.slots, strict=True):
            if slot is not None and slot not in counted:
                counted.add(slot)
                value = bare(literal)[1]
                self.held[slot][value] += count
                if self.held[slot][value] <= 0:
                    del self.held[slot][value]


def _wording(lesson: Lesson) -> Wording:
    assert lesson.wording is not None, "a lesson without a wording has no shape"  # noqa: S101
    return lesson.wording


def _slots(lesson: Lesson) -> Iterator[Slot]:
    for slot in range(len(lesson.wording.slots) if lesson.wording else 0):
        at = [index for index, number in enumerate(lesson.slots) if number == slot]
        sites = [lesson.sites.sites[index] for index in at]
        literals = [lesson.cut.literals[index] for index in at]
        figure = any(literal.kind == NUMBER for literal in literals)
        yield Slot(
            columns=tuple(dict.fromkeys(site.column for site in sites if site is not None)),
            pattern=all(map(is_pattern, literals)),
            quoted=any(literal.quote for literal in literals),
            by_chance=len({site and site.column for site in sites}) > 1 or (figure and lesson.unmatched),
        )


_LOW: Final = frozenset({"between_low", "gt", "gte"})
_HIGH: Final = frozenset({"between_high", "lt", "lte"})


def _ranges(lesson: Lesson) -> Iterator[tuple[int, int]]:
    bounds = [
        (site.column, site.relation.removeprefix("not_"), slot, bare(literal)[1])
        for literal, site, slot in zip(lesson.cut.literals, lesson.sites.sites, lesson.slots, strict=True)
        if site is not None and slot is not None
    ]
    for low, high in permutations(bounds, 2):
        if low[0] == high[0] and low[1] in _LOW and high[1] in _HIGH and in_order(low[3], high[3]):
            yield low[2], high[2]


def in_order(low: str, high: str) -> bool:
    """Whether the first is not above the second."""
    if TEXT in {number_kind(low), number_kind(high)}:
        return low <= high
    return Decimal(low) <= Decimal(high)


class Profile:
    """What is between the wordings of one shape: counts of words, their order, what stands beside a slot."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self.size = 0
        self.most: Counter[str] = Counter()
        self.least: Counter[str] = Counter()
        self.orders: set[tuple[str, str]] = set()
        self.scopes: set[tuple[str, str]] = set()
        self.neighbours: set[tuple[int, int, str]] = set()
        self.bags: list[frozenset[str]] = []

    def add(self, wording: Wording) -> None:
        """Widen it by a wording."""
        language = self.language
        counts = Counter(wording.tokens)
        self.least = counts.copy() if not self.size else self.least & counts
        self.most |= counts
        self.size += 1
        self.orders.update(combinations(ordered(wording.tokens, wording.slots, language), 2))
        self.scopes.update(scopes(wording.tokens, language))
        self.neighbours.update(neighbours(wording.tokens, wording.slots))
        self.bags.append(frozenset(content(wording.tokens, language)))


def content(tokens: Tokens, language: Language) -> list[str]:
    """The tokens that say something: no function words, no slots."""
    return [token for token in tokens if token not in language.function and token not in SLOTS]


def ordered(tokens: Tokens, slots: Sequence[int], language: Language) -> list[str]:
    """The content words and the slots, these by their number, in order."""
    numbers = iter(slots)
    found: list[str] = []
    for token in tokens:
        if token in SLOTS:
            found.append(f"\ue000{next(numbers)}")
        elif token not in language.function:
            found.append(token)
    return found


def scopes(tokens: Tokens, language: Language) -> list[tuple[str, str]]:
    """Words of direction, negation and logic and superlatives, each with the content word that follows it."""
    found: list[tuple[str, str]] = []
    for index, token in enumerate(tokens):
        if token in language.marks or is_extreme(token, language):
            after = (word for word in tokens[index + 1 :] if word in SLOTS or word not in language.function)
            found.append((token, next(after, "")))
    return found


def is_extreme(token: str, language: Language) -> bool:
    """Whether the word is a superlative."""
    ending = language.extreme_ending
    return token in language.extremes or bool(ending and len(token) > 4 and token.endswith(ending))


def neighbours(tokens: Tokens, slots: Sequence[int]) -> Iterator[tuple[int, int, str]]:
    """Each slot with the token on either side."""
    numbers = iter(slots)
    for index, token in enumerate(tokens):
        if token in SLOTS:
            number = next(numbers)
            yield number, -1, tokens[index - 1] if index else ""
            yield number, 1, tokens[index + 1] if index + 1 < len(tokens) else ""


def is_day(text: str) -> bool:
    """Whether the text is a date as databases write them: it says by itself what it is, as a number does."""
    if _DAY.fullmatch(text) is None:
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def number_kind(text: str) -> str:
    """A year is no count, and a count is no measure."""
    digits = text.removeprefix("-")
    if not digits.replace(".", "", 1).isdigit():
        return TEXT
    if "." in digits:
        return "decimal"
    return "year" if len(digits) == 4 and 1800 <= int(digits) < 2200 and text == digits else NUMBER
