"""What the entries of one scope teach, and the answer that follows from it for another question."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from typing import TYPE_CHECKING, Final, NamedTuple

from medha.guards.case import CaseGuard
from medha.guards.reading import LONGEST
from medha.learned.binding import bind
from medha.learned.envelope import Near, encloses, nearest_shape, orders, similarity, slots_in, weight
from medha.learned.nearest import WordIndex
from medha.learned.phrasing import phrasing_of, reading_without
from medha.learned.rewrites import Rewrites, gaps, only_gap
from medha.learned.shapes import Shape
from medha.learned.values import Values

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from medha.guards.reading import Reading
    from medha.learned.binding import Binding
    from medha.learned.lesson import Known, Lesson, Wording
    from medha.learned.phrasing import Phrasing
    from medha.learned.values import Mention

Tokens = tuple[str, ...]
Form = tuple["Shape", "Wording"]

_MOST_SLOTS: Final = 4
"""With more values in a question than this, either all of them are slots or none is."""
_COMPARED: Final = 32
_CONSIDERED: Final = 24
_MOST_GAPS: Final = 3
_CASE: Final = CaseGuard()


class Learned(NamedTuple):
    """An answer: the query of an entry, with the values of this question."""

    binding: Binding
    shape: Shape
    entry_id: str
    how: str


class Knowledge:
    """Shapes, their wordings, known values, and rewrites that make no difference. Not safe to use from two threads."""

    def __init__(self) -> None:
        self.values = Values()
        self._lessons: dict[str, Lesson] = {}
        self._shapes: dict[tuple[object, ...], Shape] = {}
        self._forms: dict[Tokens, dict[Form, dict[str, Reading]]] = {}
        self._weights: dict[Tokens, dict[str, float]] = {}
        self._index = WordIndex()
        self._rewrites = Rewrites()
        self._named: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._lessons)

    def __contains__(self, entry_id: str) -> bool:
        return entry_id in self._lessons

    # ---- learning

    def add(self, lesson: Lesson) -> None:
        """Learn from an entry, in place of what it taught before."""
        self.remove(lesson.entry_id)
        self._lessons[lesson.entry_id] = lesson
        self._count(lesson, 1)
        if lesson.wording is None or lesson.reading is None:
            return
        shape = self._shapes.get(lesson.shape_key)
        if shape is None:
            shape = self._shapes[lesson.shape_key] = Shape(lesson)
        tokens = lesson.wording.tokens
        forms = self._forms.setdefault(tokens, {})
        form = (shape, lesson.wording)
        known = forms.setdefault(form, {})
        known[lesson.entry_id] = lesson.reading
        if shape.add(lesson):
            self._compare(form)
        if len(forms) == len(known) == 1:
            self._index.add(tokens)
            self._weights[tokens] = weight(tokens, lesson.reading.language)

    def remove(self, entry_id: str) -> None:
        """Withdraw what an entry taught."""
        lesson = self._lessons.pop(entry_id, None)
        if lesson is None:
            return
        self._count(lesson, -1)
        if lesson.wording is None:
            return
        shape = self._shapes[lesson.shape_key]
        tokens = lesson.wording.tokens
        forms = self._forms[tokens]
        form = (shape, lesson.wording)
        del forms[form][entry_id]
        if shape.remove(lesson):
            del forms[form]
            self._rewrites.remove(form)
        if not forms:
            del self._forms[tokens]
            del self._weights[tokens]
            self._index.remove(tokens)
        if not shape.entries:
            del self._shapes[lesson.shape_key]

    def _count(self, lesson: Lesson, count: int) -> None:
        for known in lesson.known:
            self._know(known, count)
        self.values.join(lesson.sites.joined, count)
        for name in lesson.names:
            self._named[name] += count
            if self._named[name] <= 0:
                del self._named[name]

    def _know(self, known: Known, count: int) -> None:
        if count > 0:
            self.values.add(known)
        else:
            self.values.remove(known)

    def _compare(self, form: Form) -> None:
        """What a new wording shows beside those that are one gap away."""
        shape, wording = form
        for tokens in self._index.nearest(wording.tokens, _COMPARED):
            gap = only_gap(wording.tokens, tokens)
            if gap is None or tokens == wording.tokens:
                continue
            for other in self._forms[tokens]:
                if other[0] is shape and other[1].slots == wording.slots:
                    self._rewrites.add(form, other, gap, shape)
                elif other[0] is shape or _same_values(shape, other[0]):
                    self._rewrites.add(form, other, gap, None)

    # ---- answering

    def answer(self, question: str) -> Learned | str:
        """The answer to a normalised question, or why there is none."""
        if not self._shapes or len(question) > LONGEST:
            return "nothing was learnt yet" if not self._shapes else f"it is longer than {LONGEST} characters"
        phrasing = phrasing_of(question)
        mentions = self.values.mentions(phrasing)
        readings = [(chosen, _reading(phrasing, chosen)) for chosen in _choices(mentions)]
        exact = [found for chosen, reading in readings for found in self._worded(chosen, reading)]
        if exact:
            return _settled(exact)
        return self._near(readings[:2])

    def _worded(self, mentions: Sequence[Mention], reading: Reading) -> Iterator[Learned | str]:
        """Answers from the wordings that are the very same."""
        for (shape, wording), readings in self._forms.get(reading.tokens, {}).items():
            entry_id = next((e for e, stored in readings.items() if _CASE.difference(reading, stored) is None), None)
            if entry_id is None:
                yield "case tells it apart from the wording that is the same"
                continue
            yield self._bound(shape, mentions, wording.slots, entry_id, "in the same words, with other values")

    def _near(self, readings: Sequence[tuple[Sequence[Mention], Reading]]) -> Learned | str:
        reason = "no wording is near"
        for mentions, reading in readings:
            near = self._index.nearest(reading.tokens, _CONSIDERED)
            found = self._rewritten(mentions, reading, near)
            if isinstance(found, str):
                found = self._enclosed(mentions, reading, near) if not found else found
            if isinstance(found, Learned):
                return found
            reason = found
        return reason

    def _rewritten(self, mentions: Sequence[Mention], reading: Reading, near: Sequence[Tokens]) -> Learned | str:
        """The answer by rewrites that never made a difference; an empty text where there are none."""
        kinds = slots_in(reading.tokens)
        by_gaps: dict[int, list[Learned | str]] = {}
        for tokens in near:
            if slots_in(tokens) != kinds:
                continue
            found = gaps(reading.tokens, tokens)
            if len(found) > _MOST_GAPS:
                continue
            for (shape, wording), readings in self._forms[tokens].items():
                if all(self._rewrites.licenses(gap, shape, reading.language, self._named) for gap in found):
                    how = "; ".join(f"'{' '.join(gap.here)}' for '{' '.join(gap.there)}'" for gap in found)
                    bound = self._bound(shape, mentions, wording.slots, next(iter(readings)), f"with {how}")
                    by_gaps.setdefault(len(found), []).append(bound)
        return _settled(by_gaps[min(by_gaps)]) if by_gaps else ""

    def _enclosed(self, mentions: Sequence[Mention], reading: Reading, near: Sequence[Tokens]) -> Learned | str:
        """The answer of the shape between whose wordings the question is."""
        asked = weight(reading.tokens, reading.language)
        ranked = [
            Near(shape, tokens, close)
            for tokens in near
            for close in (similarity(asked, self._weights[tokens]),)
            for shape, _ in self._forms[tokens]
        ]
        ranked.sort(key=lambda found: -found.similarity)
        best = nearest_shape(ranked) if ranked else None
        if best is None or len(best.shape.slots) != len(mentions):
            return "no wording of one query is much nearer than all others"
        reason = encloses(best, reading.tokens, reading.language, self._named)
        if reason is not None:
            return reason
        entry_id = next(iter(next(r for (s, _), r in self._forms[best.wording].items() if s is best.shape)))
        found = [
            self._bound(best.shape, mentions, order, entry_id, "between the wordings of one query")
            for order in orders(best.shape, reading.tokens, reading.language)
        ]
        return _settled([one for one in found if isinstance(one, Learned)] or found or ["a value stands elsewhere"])

    def _bound(
        self, shape: Shape, mentions: Sequence[Mention], order: Sequence[int], entry_id: str, how: str
    ) -> Learned | str:
        if len(order) != len(mentions):
            return "another number of values"
        binding = bind(shape, mentions, order, self.values)
        return binding if isinstance(binding, str) else Learned(binding, shape, entry_id, how)


def _choices(mentions: Sequence[Mention]) -> list[Sequence[Mention]]:
    """Which of the known values are slots: all, then fewer; a word that is only spelled like a value is one last."""
    plain = [mention for mention in mentions if mention.plain]
    choices: list[Sequence[Mention]] = [plain] if len(plain) < len(mentions) else []
    choices.append(mentions)
    if 0 < len(mentions) <= _MOST_SLOTS:
        for size in range(len(mentions) - 1, -1, -1):
            choices += [chosen for chosen in map(list, combinations(mentions, size)) if chosen != plain]
    elif mentions:
        choices.append([])
    return choices


def _reading(phrasing: Phrasing, mentions: Sequence[Mention]) -> Reading:
    return reading_without(phrasing, [mention.span for mention in mentions])


def _same_values(one: Shape, other: Shape) -> bool:
    """Whether two shapes take the same kinds of values: only then does a difference between them lie in the words."""
    return sorted(slot.columns for slot in one.slots) == sorted(slot.columns for slot in other.slots)


def _settled(found: Sequence[Learned | str]) -> Learned | str:
    """The one answer, or why there is none or no single one."""
    answers = {one.binding.query: one for one in found if isinstance(one, Learned)}
    left = [
        one
        for one in answers.values()
        if not any(other.shape is not one.shape and other.shape.explains(one.shape) for other in answers.values())
    ]
    if len(left) == 1:
        return left[0]
    if left:
        return f"{len(left)} queries fit it"
    return next(one for one in found if isinstance(one, str))
