"""Which template a question is, and the values that it gives: every word of the question must be accounted for."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from medha.guards.case import CaseGuard
from medha.guards.reading import LONGEST, read, read_both
from medha.templates.blanks import BLANK, PLACEHOLDER, blank
from medha.templates.parameters import matches_pattern, read_date
from medha.templates.phrases import phrase_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from medha.templates.model import QueryTemplate
    from medha.templates.parameters import Parameter, Value
    from medha.templates.phrases import Phrase

_LONGEST_VALUE: Final = 12
"""Pieces of a value that is a text."""
_MOST_TRIES: Final = 200
_CASE: Final = CaseGuard()


@dataclass(frozen=True, slots=True)
class Match:
    """A template that fits, with a value for each of its parameters, and the words of the question that say it."""

    template: QueryTemplate
    values: Mapping[str, Value]
    confidence: float
    said: Mapping[str, str]


class Wording:
    """One way to ask for a template: its text or an alias, with its blanks in order."""

    def __init__(self, template: QueryTemplate, text: str) -> None:
        self.template = template
        by_name = {parameter.name: parameter for parameter in template.parameters}
        self.blanks: list[Parameter] = [by_name[name] for name in PLACEHOLDER.findall(text)]
        self.text = PLACEHOLDER.sub(lambda found: blank(found[1]), text)
        phrase = phrase_of(self.text)
        at = [index for index, raw in enumerate(phrase.raw) if BLANK in raw]
        self._before = [phrase.low[index - 1] if index else None for index in at]
        self._after = [phrase.low[index + 1] if index + 1 < phrase.end else None for index in at]
        said = read(self.text)
        self._language = said.language
        self._needed = frozenset(word for word in said.words if BLANK not in word)

    def may_match(self, question: str) -> bool:
        """Whether the question has all words of this wording."""
        return self._needed <= frozenset(read(question, self._language).words)

    def matches(self, phrase: Phrase) -> Iterator[Match]:
        """Every way in which the question fits."""
        for spans, values in islice(self._fillings(phrase, 0, 0), _MOST_TRIES):
            without = phrase.without(spans)
            if self._says_the_same(without):
                said = {name: phrase.span(start, end) for start, end, name in spans}
                yield Match(self.template, values, 1.0 if without.lower() == self.text.lower() else 0.95, said)

    def _says_the_same(self, without: str) -> bool:
        if max(len(without), len(self.text)) > LONGEST:
            return False
        asked, told = read_both(without, self.text)
        return asked.tokens == told.tokens and asked.marks == told.marks and _CASE.difference(asked, told) is None

    def _fillings(
        self, phrase: Phrase, number: int, position: int
    ) -> Iterator[tuple[list[tuple[int, int, str]], dict[str, Value]]]:
        """Spans for the blanks from ``number`` on, none before ``position``, with their values."""
        if number == len(self.blanks):
            yield [], {}
            return
        parameter = self.blanks[number]
        for start, end, value in self._candidates(phrase, number, position):
            for spans, values in self._fillings(phrase, number + 1, end):
                if values.get(parameter.name, value) == value:
                    yield [(start, end, parameter.name), *spans], values | {parameter.name: value}

    def _candidates(self, phrase: Phrase, number: int, position: int) -> Iterator[tuple[int, int, Value]]:
        parameter = self.blanks[number]
        for start in range(position, phrase.end):
            for end, value in _values_at(parameter, phrase, start):
                if parameter.type == "string" and not self._stands_between(phrase, number, start, end):
                    continue
                if parameter.allows(str(value)) and self._allows(parameter.name, str(value)):
                    yield start, end, value

    def _allows(self, name: str, text: str) -> bool:
        pattern = self.template.parameter_patterns.get(name)
        return pattern is None or matches_pattern(pattern, text)

    def _stands_between(self, phrase: Phrase, number: int, start: int, end: int) -> bool:
        """Whether the words beside a text are those of the wording: nothing else says where it begins and ends."""
        before = phrase.low[start - 1] if start else None
        after = phrase.low[end] if end < phrase.end else None
        wanted_before, wanted_after = self._before[number], self._after[number]
        return (wanted_before == before or BLANK in (wanted_before or "")) and (
            wanted_after == after or BLANK in (wanted_after or "")
        )


def _values_at(parameter: Parameter, phrase: Phrase, start: int) -> Iterator[tuple[int, Value]]:
    """Where each value of the parameter that begins at this piece ends, and what it is."""
    last = min(phrase.end, start + _LONGEST_VALUE)
    if parameter.type in {"int", "float"}:
        found = parameter.number(phrase, start)
        if found is not None:
            yield found
    elif parameter.values:
        for said, stored in parameter.values.items():
            low = phrase_of(said).low
            if phrase.low[start : start + len(low)] == low:
                yield start + len(low), stored
    else:
        for end in range(start + 1, last + 1):
            value = read_date(phrase.span(start, end)) if parameter.type == "date" else _text(phrase, start, end)
            if value is not None:
                yield end, value


def _text(phrase: Phrase, start: int, end: int) -> str | None:
    """The value that these pieces are, if they can be one: quoted, a name, or a single word that says something.

    Several words in lower case are none: "users from Germany that are not active" must not be read as users from
    a country of that name. An ``enum`` may have such values.
    """
    if end - start == 1 and phrase.raw[start][0] in "\"'“‘«`" and len(phrase.raw[start]) > 2:
        return phrase.raw[start][1:-1]
    pieces, low = phrase.raw[start:end], phrase.low[start:end]
    shouted = phrase.text.isupper()
    named = [piece[0].isdigit() or (piece.lower() != piece and not shouted) for piece in pieces]
    if end - start == 1:
        says_something = low[0] not in phrase.language.function and low[0] not in phrase.language.marks
        return pieces[0] if pieces[0][0].isalnum() and (named[0] or says_something) else None
    inside = all(name or word in phrase.language.inside_names for name, word in zip(named, low, strict=True))
    return phrase.span(start, end) if named[0] and named[-1] and inside else None


class Matcher:
    """All templates, those of the highest priority first."""

    def __init__(self, templates: Sequence[QueryTemplate]) -> None:
        ranked = sorted(templates, key=lambda template: -template.priority)
        self._wordings = [
            Wording(template, text) for template in ranked for text in (template.template_text, *template.aliases)
        ]

    def may_match(self, question: str) -> bool:
        """Whether any template is worth a closer look; fast."""
        return any(True for _ in self._near(question))

    def match(self, question: str) -> list[Match]:
        """The distinct ways to read the question as a template of the highest priority that fits; none, one or many."""
        phrase = phrase_of(question)
        found: list[Match] = []
        for wording in self._near(question):
            if found and wording.template.priority < found[0].template.priority:
                break
            for match in wording.matches(phrase):
                same = next((m for m in found if m.template is match.template and m.values == match.values), None)
                if same is None:
                    found.append(match)
        return found

    def _near(self, question: str) -> Iterator[Wording]:
        if BLANK not in question and len(question) <= LONGEST:
            yield from (wording for wording in self._wordings if wording.may_match(question))
