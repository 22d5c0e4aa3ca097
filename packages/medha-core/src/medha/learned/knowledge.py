"""What the entries of one scope teach, and the answer that follows from it for another question."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from typing import TYPE_CHECKING, Final, NamedTuple

from medha.guards.case import CaseGuard
from medha.guards.language import UNKNOWN
from medha.guards.reading import LONGEST
from medha.identity import query_hash
from medha.learned.binding import bind, slots_alike
from medha.learned.envelope import Near, encloses, nearest_shape, only_shape, orders, slots_in
from medha.learned.nearest import WordIndex
from medha.learned.phrasing import phrasing_of, reading_without
from medha.learned.rewrites import Rewrites, gaps, only_gap
from medha.learned.shapes import Shape, content, is_day
from medha.learned.values import Values
from medha.learned.wordings import Form, Worded, similarity, weights

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from medha.guards.language import Language
    from medha.guards.reading import Reading
    from medha.learned.binding import Binding
    from medha.learned.lesson import Known, Lesson
    from medha.learned.phrasing import Phrasing
    from medha.learned.values import Mention

Tokens = tuple[str, ...]

SAME_WORDS: Final = "in the same words, with other values"
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
    query_hash: str
    """Of the entry's own query."""
    how: str
    unchanged: bool
    """Whether it is the entry's own query, for the same words: what similarity and guards are for."""

    @property
    def parameters(self) -> dict[str, str]:
        """The values, by the column that each is compared with."""
        named: dict[str, str] = {}
        for slot, value in zip(self.shape.slots, self.binding.values, strict=True):
            name = slot.columns[0] if slot.columns else "value"
            number = next(n for n in range(1, len(named) + 2) if n == 1 or f"{name}_{n}" not in named)
            named[name if name not in named else f"{name}_{max(number, 2)}"] = value
        return named


class Knowledge:
    """Shapes, their wordings, known values, and rewrites that make no difference. Not safe to use from two threads."""

    def __init__(self) -> None:
        self.values = Values()
        self._lessons: dict[str, Lesson] = {}
        self._shapes: dict[tuple[object, ...], Shape] = {}
        self._wordings: dict[Tokens, Worded] = {}
        self._index = WordIndex()
        self._rewrites = Rewrites()
        self._named: Counter[str] = Counter()
        self._doubted: set[tuple[object, ...]] = set()

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
            shape.doubted = lesson.shape_key in self._doubted
        tokens, slots = lesson.wording
        worded = self._wordings.get(tokens)
        if worded is None:
            worded = self._wordings[tokens] = Worded(tokens, lesson.reading.language)
            self._index.add(worded)
        form = worded.form(shape, slots)
        if form is None:
            form = Form(shape, slots)
            self._compare(worded, form)
            worded.forms.append(form)
        form.add(lesson, lesson.reading)
        shape.add(lesson)

    def remove(self, entry_id: str) -> None:
        """Withdraw what an entry taught."""
        lesson = self._lessons.pop(entry_id, None)
        if lesson is None:
            return
        self._count(lesson, -1)
        if lesson.wording is None:
            return
        shape = self._shapes[lesson.shape_key]
        tokens, slots = lesson.wording
        worded = self._wordings[tokens]
        form = worded.form(shape, slots)
        assert form is not None, "a lesson that was added has its form"  # noqa: S101
        form.remove(lesson)
        shape.remove(lesson)
        if not form.readings:
            worded.forms.remove(form)
            self._rewrites.remove(form)
        if not worded.forms:
            del self._wordings[tokens]
            self._index.remove(worded)
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

    def _compare(self, worded: Worded, form: Form) -> None:
        """What a new wording shows beside those that are one gap away."""
        for other in self._index.nearest(worded.weights, _COMPARED):
            gap = only_gap(worded.tokens, other.tokens) if other is not worded else None
            if gap is None:
                continue
            for there in other.forms:
                if there.shape is form.shape and there.slots == form.slots:
                    self._rewrites.add(form, there, gap, form.shape)
                elif there.shape is form.shape or _same_values(form.shape, there.shape):
                    self._rewrites.add(form, there, gap, None)

    def query_hash(self, entry_id: str) -> str:
        """The hash of an entry's own query."""
        return self._lessons[entry_id].query_hash

    def doubt(self, entry_id: str) -> tuple[str, ...]:
        """Bind no other values into the query of an entry from now on; returns the entries with such a query."""
        key = self._lessons[entry_id].shape_key
        self._doubted.add(key)
        self._shapes[key].doubted = True
        return tuple(self._shapes[key].entries)

    def doubtful(self, question: str) -> tuple[str, ...]:
        """The entries with the query whose answer to a normalised question is withheld, since one was wrong."""
        found = self._answer(question)
        return tuple(found.shape.entries) if isinstance(found, Learned) and found.shape.doubted else ()

    def give(self, known: Known) -> bool:
        """Learn of a value that the database holds; whether the column was not known to hold it."""
        return self.values.give(known)

    # ---- answering

    def answer(self, question: str) -> Learned | str:
        """The answer to a normalised question, or why there is none."""
        found = self._answer(question)
        if isinstance(found, Learned) and found.shape.doubted:
            return "an answer with other values in that query was judged wrong"
        return found

    def _answer(self, question: str) -> Learned | str:
        if not self._shapes or len(question) > LONGEST:
            return "nothing was learnt yet" if not self._shapes else f"it is longer than {LONGEST} characters"
        phrasing = phrasing_of(question)
        mentions = self.values.mentions(phrasing)
        readings = [(chosen, _reading(phrasing, chosen)) for chosen in _choices(mentions)]
        exact = [found for chosen, reading in readings for found in self._worded(chosen, reading)]
        if exact:
            return _settled(exact)
        return self._near(readings[:4])

    def _worded(self, mentions: Sequence[Mention], reading: Reading) -> Iterator[Learned | str]:
        """Answers from the wordings that are the very same."""
        worded = self._wordings.get(reading.tokens)
        for form in () if worded is None else worded.forms:
            if self._asks_for_another_thing(form, mentions):
                continue
            stored = form.readings.items()
            entry_id = next((entry for entry, each in stored if _CASE.difference(reading, each) is None), None)
            if entry_id is None:
                yield "case tells it apart from the wording that is the same"
            else:
                found = self._bound(form.shape, mentions, form.slots, entry_id, SAME_WORDS)
                yield found if isinstance(found, str) else _of_its_own(found, form)

    def _near(self, readings: Sequence[tuple[Sequence[Mention], Reading]]) -> Learned | str:
        reason = "no wording is near"
        for mentions, reading in readings:
            near = self._index.nearest(reading.tokens, _CONSIDERED)
            language = _spoken(reading, near)
            if language is None:
                return "its language is not known, so that only the same words are the same question"
            reading = reading._replace(language=language)  # noqa: PLW2901 - judged by the words of that language
            near = [worded for worded in near if worded.language in {language, UNKNOWN}]
            found = self._rewritten(mentions, reading, near)
            if not found:
                found = self._enclosed(mentions, reading, near)
            if isinstance(found, Learned):
                return found
            reason = found
        return reason

    def _rewritten(self, mentions: Sequence[Mention], reading: Reading, near: Sequence[Worded]) -> Learned | str:
        """The answer by rewrites that never made a difference; an empty text where there are none."""
        kinds = slots_in(reading.tokens)
        by_gaps: dict[int, list[Learned | str]] = {}
        for worded in near:
            if slots_in(worded.tokens) != kinds:
                continue
            found = gaps(reading.tokens, worded.tokens)
            if len(found) > _MOST_GAPS:
                continue
            for form in worded.forms:
                if self._asks_for_another_thing(form, mentions):
                    continue
                if all(self._rewrites.licenses(gap, form.shape, reading.language, self._named) for gap in found):
                    how = "; ".join(f"'{' '.join(gap.here)}' for '{' '.join(gap.there)}'" for gap in found)
                    sure = self._names_less(reading, worded.tokens)
                    entry_id = next(iter(form.readings))
                    bound = self._bound(form.shape, mentions, form.slots, entry_id, f"with {how}", sure=sure)
                    by_gaps.setdefault(len(found), []).append(bound)
        return _settled(by_gaps[min(by_gaps)]) if by_gaps else ""

    def _enclosed(self, mentions: Sequence[Mention], reading: Reading, near: Sequence[Worded]) -> Learned | str:
        """The answer of the shape between whose wordings the question is."""
        asked = weights(reading.tokens, reading.language)
        ranked = [
            Near(form, worded.tokens, close)
            for worded in near
            for close in (similarity(asked, worded.weights),)
            for form in worded.forms
        ]
        ranked.sort(key=lambda found: -found.similarity)
        best = nearest_shape(ranked) if ranked else None
        if best is None:
            best = only_shape(ranked, reading.tokens, len(mentions), reading.language)
        if best is None or len(best.shape.slots) != len(mentions):
            return "no wording of one query is much nearer than all others"
        reason = encloses(best, reading.tokens, reading.language, self._named)
        if reason is not None:
            return reason
        entry_id = next(iter(best.form.readings))
        alike = slots_alike(best.shape, self.values)
        sure = self._names_less(reading, best.tokens)
        found = [
            self._bound(best.shape, mentions, order, entry_id, "between the wordings of one query", sure=sure)
            for order in orders(best.shape, reading.tokens, reading.language, self._named, alike)
        ]
        return _settled([one for one in found if isinstance(one, Learned)] or found or ["a value stands elsewhere"])

    def _names_less(self, asked: Reading, stored: Tokens) -> bool:
        """Whether the question says less, and no table or column that may be all that told what a value is.

        States that border "the Ohio river" are not those that border "Ohio", which is a state as well.
        """
        unnamed = any(word in self._named and word not in asked.tokens for word in stored)
        return unnamed and len(content(asked.tokens, asked.language)) < len(content(stored, asked.language))

    def _asks_for_another_thing(self, form: Form, mentions: Sequence[Mention]) -> bool:
        """Whether a text stands where only values of another kind stood: "in the bay area" where a city stood."""
        return len(form.slots) == len(mentions) and any(
            mention.lows
            and not is_day(mention.written)
            and self.values.is_another_thing(mention.lows, form.shape.slots[slot].columns)
            for mention, slot in zip(mentions, form.slots, strict=True)
        )

    def _bound(
        self,
        shape: Shape,
        mentions: Sequence[Mention],
        order: Sequence[int],
        entry_id: str,
        how: str,
        *,
        sure: bool = False,
    ) -> Learned | str:
        if len(order) != len(mentions):
            return "another number of values"
        binding = bind(shape, mentions, order, self.values, sure=sure)
        if isinstance(binding, str):
            return binding
        stored = self._lessons[entry_id].query_hash
        return Learned(binding, shape, entry_id, stored, how, unchanged=False)


def _of_its_own(found: Learned, form: Form) -> Learned:
    """The answer of the entry that has this very query, if there is one."""
    own = query_hash(found.binding.query)
    entry_id = next(iter(form.queries.get(own, ())), None)
    return found if entry_id is None else found._replace(entry_id=entry_id, query_hash=own, unchanged=True)


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


def _spoken(reading: Reading, near: Sequence[Worded]) -> Language | None:
    """The language of the question; of one of mere keywords, that of the nearest wording that shows one."""
    shown = (language for language in (reading.language, *(worded.language for worded in near)) if language.code)
    return next(shown, None)


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
