"""The wordings that entries were asked in, and what each of them asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from medha.guards.language import Language
    from medha.guards.reading import Reading
    from medha.learned.lesson import Lesson
    from medha.learned.shapes import Shape

Tokens = tuple[str, ...]

_FUNCTION: Final = 0.3


class Form:
    """A wording that asks for one shape, with its values in one order."""

    __slots__ = ("queries", "readings", "shape", "slots")

    def __init__(self, shape: Shape, slots: tuple[int, ...]) -> None:
        self.shape = shape
        self.slots = slots
        self.readings: dict[str, Reading] = {}
        """By the entries that were asked so."""
        self.queries: dict[str, dict[str, None]] = {}
        """The entries with each query, by the query's hash."""

    def add(self, lesson: Lesson, reading: Reading) -> None:
        """Learn of an entry that was asked so."""
        self.readings[lesson.entry_id] = reading
        self.queries.setdefault(lesson.query_hash, {})[lesson.entry_id] = None

    def remove(self, lesson: Lesson) -> None:
        """Forget an entry."""
        del self.readings[lesson.entry_id]
        same = self.queries[lesson.query_hash]
        del same[lesson.entry_id]
        if not same:
            del self.queries[lesson.query_hash]


class Worded:
    """A wording, and all that it was used for: more than one shape makes it ambiguous."""

    __slots__ = ("forms", "language", "tokens", "weights")

    def __init__(self, tokens: Tokens, language: Language) -> None:
        self.tokens = tokens
        self.language = language
        self.weights = weights(tokens, language)
        self.forms: list[Form] = []

    def form(self, shape: Shape, slots: tuple[int, ...]) -> Form | None:
        """What this wording asks of the shape, in this order."""
        return next((form for form in self.forms if form.shape is shape and form.slots == slots), None)


def weights(tokens: Tokens, language: Language) -> dict[str, float]:
    """How much each token says, as often as it stands there."""
    found: dict[str, float] = {}
    for token in tokens:
        found[token] = found.get(token, 0.0) + (_FUNCTION if token in language.function else 1.0)
    return found


def similarity(asked: dict[str, float], stored: dict[str, float]) -> float:
    """The weighted Jaccard similarity of two bags of words, in [0, 1]."""
    shared = 0.0
    for token, here in asked.items():
        there = stored.get(token, 0.0)
        shared += min(there, here)
    union = sum(asked.values()) + sum(stored.values()) - shared
    return shared / union if union else 0.0
