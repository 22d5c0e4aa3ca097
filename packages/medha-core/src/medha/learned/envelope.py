"""A question between the wordings of one shape: it says what some of them say, and leaves out nothing that all say."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, islice, permutations
from typing import TYPE_CHECKING, Final, NamedTuple

from medha.learned.phrasing import SLOTS
from medha.learned.shapes import content, is_extreme, neighbours, ordered, scopes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from medha.guards.language import Language
    from medha.learned.shapes import Profile, Shape
    from medha.learned.wordings import Form

Tokens = tuple[str, ...]

CLOSE: Final = 0.5
MARGIN: Final = 0.06
CLEAR: Final = 0.1
"""How much nearer than any other query's wording: with two wordings of the shape nearer than it, and with one."""
_MANY: Final = 3
"""Wordings of a shape that show which of their words stand for each other; of two, one must be said whole."""
_WELL_KNOWN: Final = 5
"""Wordings of a shape that may answer though others are as near, if no other shape can have been meant."""
_RIVAL: Final = 0.15
"""Another shape that may have been meant, and is less than this farther, is a rival."""
_MOST_ORDERS: Final = 16


class Near(NamedTuple):
    """A wording of a shape, and how near it is to a question."""

    form: Form
    tokens: Tokens
    similarity: float

    @property
    def shape(self) -> Shape:
        """What the wording asks for."""
        return self.form.shape


def nearest_shape(ranked: Sequence[Near]) -> Near | None:
    """The shape that is nearest by far; ``ranked`` are wordings, the nearest first."""
    best = ranked[0]
    rival = next((near.similarity for near in ranked if near.shape is not best.shape), 0.0)
    second = next((near.similarity for near in ranked[1:] if near.shape is best.shape), 0.0)
    clear = MARGIN if second > rival else CLEAR
    return best if best.similarity >= CLOSE and best.similarity - rival >= clear else None


def only_shape(ranked: Sequence[Near], tokens: Tokens, slots: int, language: Language) -> Near | None:
    """The one shape that may have been asked for, though another is nearer, or nearly as near: its words say so.

    Of the others none is asked for with these words, as far as many wordings tell.
    """
    nearest: dict[int, Near] = {}
    for near in ranked:
        nearest.setdefault(id(near.shape), near)
    left = [
        near
        for near in nearest.values()
        if len(near.shape.slots) == slots and _misses(near.shape.profile(language), tokens, language) is None
    ]
    if not left or left[0].similarity < CLOSE or left[0].shape.profile(language).size < _WELL_KNOWN:
        return None
    best = left[0]
    # what else a shape of two wordings may be asked for with is not known
    rivals = [*left[1:2], *(near for near in nearest.values() if near.shape.profile(language).size < _MANY)]
    return None if any(near.similarity > best.similarity - _RIVAL for near in rivals) else best


def encloses(near: Near, tokens: Tokens, language: Language, named: Collection[str]) -> str | None:
    """Why the question is not between the wordings of the shape; ``None`` if it is."""
    profile = near.shape.profile(language)
    if profile.size < 2:
        return "there is only one wording of that query"
    return _misses(profile, tokens, language) or _differs(near, tokens, language, named, profile)


def _misses(profile: Profile, tokens: Tokens, language: Language) -> str | None:
    """A word that no wording says, or one that all say and the question does not."""
    counts = Counter(tokens)
    for word, count in counts.items():
        if count > profile.most[word] and word not in language.function:
            return f"no wording of that query says '{word}'"
    for word, count in profile.least.items():
        if counts[word] < count:
            return f"every wording of that query says '{word}'"
    return None


def _differs(near: Near, tokens: Tokens, language: Language, named: Collection[str], profile: Profile) -> str | None:
    strict = _strict(tokens, language)
    if not any(strict == _strict(wording.tokens, language) for wording in near.shape.wordings):
        return "no wording of that query has these words of direction, negation, counting or time"
    mine = [token for token in tokens if token in named]
    if not any(mine == [token for token in w.tokens if token in named] for w in near.shape.wordings):
        return "no wording of that query names these tables and columns in this order"
    said = frozenset(content(tokens, language))
    stored = frozenset(content(near.tokens, language))
    swapped = profile.size >= _MANY and len(stored - said) <= len(said - stored)
    if stored - said and not swapped and not any(bag <= said for bag in profile.bags):
        return f"it leaves out '{min(stored - said)}'"
    if not profile.scopes.issuperset(scopes(tokens, language)):
        return "a word of direction, negation or counting bears on another word"
    return None


def _strict(tokens: Tokens, language: Language) -> list[str]:
    signs = language.signs
    return sorted(
        token
        for token in tokens
        if token in language.marks
        or any(token in words for words in (signs.aggregation, signs.days, signs.asking))
        or is_extreme(token, language)
        or any(letter.isdigit() for letter in token)
    )


def orders(
    shape: Shape, tokens: Tokens, language: Language, named: Collection[str], alike: Collection[int]
) -> Iterator[tuple[int, ...]]:
    """The ways to give the values of a question to the slots: each beside a word, and in an order, that was seen.

    Of slots that are ``alike``, and would take each other's values, the words of one wording must say which is which.
    """
    profile = shape.profile(language)
    roles: set[Tokens] | None = None
    for order in islice(permutations(range(len(shape.slots))), _MOST_ORDERS):
        if not (_beside(profile, tokens, order) and _in_order(profile, tokens, order, language)):
            continue
        if alike and roles is None:
            roles = {_roles(said.tokens, said.slots, language, named, alike) for said in shape.wordings}
        if roles is None or _roles(tokens, order, language, named, alike) in roles:
            yield order


def _roles(
    tokens: Tokens, slots: Sequence[int], language: Language, named: Collection[str], alike: Collection[int]
) -> Tokens:
    """These slots by their number, with the words that say their roles: of one before the first, and all in between.

    Other words may stand beside a slot ("by Dr. Best to Dr. Lee"), and one clause before another.
    """
    numbers = iter(slots)
    found: list[str] = []
    since: list[str] = []
    for token in tokens:
        if token not in SLOTS:
            if token in language.relating or token in language.marks or token in named:
                since.append(token)
        elif (slot := next(numbers)) in alike:
            found += since if found else since[-1:]
            found.append(f"\ue000{slot}")
            since = []
    return tuple(found)


def _beside(profile: Profile, tokens: Tokens, order: Sequence[int]) -> bool:
    seen: dict[int, bool] = {}
    for slot, side, word in neighbours(tokens, order):
        seen[slot] = seen.get(slot, False) or (bool(word) and (slot, side, word) in profile.neighbours)
    return all(seen.values())


def _in_order(profile: Profile, tokens: Tokens, order: Sequence[int], language: Language) -> bool:
    """Whether no two words that stand together in a wording stand only the other way round there."""
    pairs = combinations(ordered(tokens, order, language), 2)
    return all(
        one == other or (one, other) in profile.orders or (other, one) not in profile.orders for one, other in pairs
    )


def slots_in(tokens: Tokens) -> list[str]:
    """The kinds of the slots."""
    return [token for token in tokens if token in SLOTS]
