"""What stands in one gap between two wordings, and whether it has ever made a difference."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable

    from medha.guards.language import Language
    from medha.learned.shapes import Shape

Tokens = tuple[str, ...]
GapKey = tuple[Tokens, Tokens]

_LONGEST: Final = 4
"""Words on either side of a gap that is still taken for another way to say the same."""
_SHAPES_TO_REPHRASE: Final = 2
_SHAPES_TO_RENAME: Final = 3
"""In how many other queries a rewrite must have made no difference before it leaves out a function word, or swaps words
that count; and before it leaves out a word that says something, swaps the name of a table or column, or a relation."""


_NEVER_ELSEWHERE: Final = 1_000_000
"""No number of other queries is enough."""


class Gap(NamedTuple):
    """What one wording has where the other has something else; either may be empty."""

    here: Tokens
    there: Tokens

    @property
    def key(self) -> GapKey:
        """The same for both directions."""
        return (self.here, self.there) if self.here <= self.there else (self.there, self.here)


def only_gap(one: Tokens, other: Tokens) -> Gap | None:
    """The one stretch in which two wordings differ; ``None`` if it is long."""
    shortest, start, end = min(len(one), len(other)), 0, 0
    while start < shortest and one[start] == other[start]:
        start += 1
    while end < shortest - start and one[-1 - end] == other[-1 - end]:
        end += 1
    here, there = one[start : len(one) - end], other[start : len(other) - end]
    return Gap(here, there) if max(len(here), len(there)) <= _LONGEST else None


def gaps(asked: Tokens, stored: Tokens) -> list[Gap]:
    """Every stretch in which two wordings differ, by their longest common subsequence."""
    from rapidfuzz.distance import Indel

    found: list[Gap] = []
    here: Tokens = ()
    there: Tokens = ()
    for step in Indel.opcodes(asked, stored):
        if step.tag == "equal":
            if here or there:
                found.append(Gap(here, there))
                here = there = ()
        else:
            here += asked[step.src_start : step.src_end]
            there += stored[step.dest_start : step.dest_end]
    if here or there:
        found.append(Gap(here, there))
    return found


class Rewrites:
    """For every gap between two stored wordings: the shapes in which it made no difference, and how often it did.

    The evidence is kept per pair of wordings, so that it goes when one of them does.
    """

    def __init__(self) -> None:
        self._same: dict[GapKey, Counter[Shape]] = defaultdict(Counter)
        self._different: Counter[GapKey] = Counter()
        self._pairs: dict[Hashable, dict[Hashable, tuple[GapKey, Shape | None]]] = defaultdict(dict)

    def add(self, one: Hashable, other: Hashable, gap: Gap, shape: Shape | None) -> None:
        """Two wordings differ in this gap alone; ``shape`` is what both ask for, ``None`` where they ask for two."""
        self._pairs[one][other] = self._pairs[other][one] = (gap.key, shape)
        self._count(gap.key, shape, 1)

    def remove(self, one: Hashable) -> None:
        """Forget what a wording showed."""
        for other, (key, shape) in self._pairs.pop(one, {}).items():
            self._pairs[other].pop(one, None)
            self._count(key, shape, -1)

    def _count(self, key: GapKey, shape: Shape | None, count: int) -> None:
        counts = self._different if shape is None else self._same[key]
        entry = key if shape is None else shape
        counts[entry] += count  # type: ignore[index]
        if counts[entry] <= 0:  # type: ignore[index]
            del counts[entry]  # type: ignore[arg-type]
        if shape is not None and not counts:
            del self._same[key]

    def licenses(self, gap: Gap, shape: Shape, language: Language, named: Collection[str]) -> bool:
        """Whether the gap may separate a question from a wording of the shape."""
        if self._licenses_whole(gap, shape, language, named):
            return True
        return 1 < len(gap.here) == len(gap.there) and all(
            one == other or self._licenses_whole(Gap((one,), (other,)), shape, language, named)
            for one, other in zip(gap.here, gap.there, strict=True)
        )

    def _licenses_whole(self, gap: Gap, shape: Shape, language: Language, named: Collection[str]) -> bool:
        same = self._same.get(gap.key)
        if not same or self._different[gap.key]:
            return False
        needed = _shapes_needed(gap, language, named)
        return needed is not None and len(same) >= (needed.with_this_one if shape in same else needed.of_others)


class _Needed(NamedTuple):
    """In how many shapes a gap must have made no difference, if the shape in question is one of them, and if not."""

    with_this_one: int
    of_others: int


def _shapes_needed(gap: Gap, language: Language, named: Collection[str]) -> _Needed | None:
    """What evidence a gap needs; ``None`` where no evidence is enough."""
    words = gap.here + gap.there
    if len(words) == 2 and _same_direction(words[0], words[1], language):
        return _Needed(1, _SHAPES_TO_REPHRASE)
    if any(_never(word, language) for word in words) or _asks_otherwise(gap, language):
        return None
    swaps = 0 < _content(gap.here, language) == _content(gap.there, language)
    counted = sum(word in language.signs.aggregation for word in words)
    if counted:
        return _Needed(_SHAPES_TO_REPHRASE, _SHAPES_TO_REPHRASE) if len(words) == counted == 2 else None
    if any(word in named for word in words):
        return _Needed(1, _SHAPES_TO_RENAME) if swaps else _Needed(1, _NEVER_ELSEWHERE)
    related = _relates(gap.here, language) and _relates(gap.there, language)
    rare = related or (not swaps and _says_something(words, language))
    return _Needed(1, _SHAPES_TO_RENAME if rare else _SHAPES_TO_REPHRASE)


def _same_direction(one: str, other: str, language: Language) -> bool:
    """Whether two words of direction have an opposite in common and are none themselves: "largest", "biggest"."""
    opposites = language.opposites.get(one, frozenset())
    return other not in opposites and not opposites.isdisjoint(language.opposites.get(other, ()))


def _never(word: str, language: Language) -> bool:
    """Whether a word is never another way to say the same.

    Values, quotes, figures, dates, units, and words of direction, negation and logic.
    """
    signs = language.signs
    fixed = (language.marks, signs.days, signs.steps, signs.spans, signs.measures)
    return word[0] == '"' or any(word in words for words in fixed) or any(letter.isdigit() for letter in word)


def _asks_otherwise(gap: Gap, language: Language) -> bool:
    """Whether one asks who and the other asks when."""
    asking = language.signs.asking
    return not asking.isdisjoint(gap.here) and not asking.isdisjoint(gap.there)


def _relates(words: Tokens, language: Language) -> bool:
    """Whether the words say in which relation or time something is, and nothing else: "by", "can", "did"."""
    return not language.relating.isdisjoint(words) and not _says_something(words, language)


def _says_something(words: Tokens, language: Language) -> bool:
    return _content(words, language) > 0


def _content(words: Tokens, language: Language) -> int:
    """How many words say something: where one side has fewer, one is left out."""
    return sum(word not in language.function for word in words)
