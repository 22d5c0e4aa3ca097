"""Which template a question is, and the values that it gives: every word of the question must be accounted for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from medha.guards.case import CaseGuard
from medha.guards.language import UNKNOWN, languages
from medha.guards.reading import LONGEST, read, read_both
from medha.templates.blanks import BLANK, PLACEHOLDER, blank
from medha.templates.extracting import NOTHING_EXTRACTED, labels_asked
from medha.templates.parameters import matches_pattern, read_date
from medha.templates.phrases import phrase_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from medha.extractor import Span
    from medha.guards.language import Language
    from medha.templates.extracting import Extracted, Labels
    from medha.templates.model import QueryTemplate
    from medha.templates.parameters import Parameter, Value
    from medha.templates.phrases import Phrase

_LONGEST_VALUE: Final = 12
"""Pieces of a value that is a text."""
_MOST_TRIES: Final = 200
_CASE: Final = CaseGuard()
_POSSESSIVE: Final = ("'s", "’s")
# "orders of 2020" are of a time, and of no customer
_YEAR: Final = re.compile("(?:18|19|20|21)[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Match:
    """A template that fits, with a value for each of its parameters, and the words of the question that say it."""

    template: QueryTemplate
    values: Mapping[str, Value]
    confidence: float
    said: Mapping[str, str]


class Filling(NamedTuple):
    """The pieces that fill a blank, the value that they are, and how sure an extractor is of it."""

    start: int
    end: int
    value: Value
    confidence: float = 1.0


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
        self.language = said.language
        self._needed = frozenset(word for word in said.words if BLANK not in word)

    def may_match(self, question: str) -> bool:
        """Whether the question has all words of this wording."""
        return self._needed <= frozenset(read(question, self.language).words)

    @property
    def extractors(self) -> set[str]:
        """Those that its parameters ask."""
        return {parameter.extractor for parameter in self.blanks if parameter.extractor is not None}

    def matches(self, phrase: Phrase, extracted: Extracted) -> Iterator[Match]:
        """Every way in which the question fits; of two confidences, that of the wording and the labels, the lower."""
        for fillings, values in islice(self._fillings(phrase, extracted, 0, 0), _MOST_TRIES):
            named = zip(fillings, self.blanks, strict=True)
            without = phrase.without([(filling.start, filling.end, blank.name) for filling, blank in named])
            if self._says_the_same(without):
                confidence = 1.0 if without.lower() == self.text.lower() else 0.95
                lowest = min([confidence, *(filling.confidence for filling in fillings)])
                said = {
                    blank.name: phrase.span(filling.start, filling.end)
                    for filling, blank in zip(fillings, self.blanks, strict=True)
                }
                yield Match(self.template, values, lowest, said)

    def _says_the_same(self, without: str) -> bool:
        if max(len(without), len(self.text)) > LONGEST:
            return False
        asked, told = read_both(without, self.text)
        return asked.tokens == told.tokens and asked.marks == told.marks and _CASE.difference(asked, told) is None

    def _fillings(
        self, phrase: Phrase, extracted: Extracted, number: int, position: int
    ) -> Iterator[tuple[tuple[Filling, ...], dict[str, Value]]]:
        """What fills the blanks from ``number`` on, nothing before ``position``, with the values by name."""
        if number == len(self.blanks):
            yield (), {}
            return
        name = self.blanks[number].name
        for filling in self._candidates(phrase, extracted, number, position):
            for others, values in self._fillings(phrase, extracted, number + 1, filling.end):
                if values.get(name, filling.value) == filling.value:
                    yield (filling, *others), values | {name: filling.value}

    def _candidates(self, phrase: Phrase, extracted: Extracted, number: int, position: int) -> Iterator[Filling]:
        parameter = self.blanks[number]
        for filling in self._possible(phrase, extracted, number, position):
            text = str(filling.value)
            patterns = parameter.pattern, self.template.parameter_patterns.get(parameter.name)
            year = parameter.type == "string" and _YEAR.fullmatch(phrase.span(filling.start, filling.end))
            if year and patterns == (None, None):
                continue
            if all(pattern is None or matches_pattern(pattern, text) for pattern in patterns):
                yield filling

    def _possible(self, phrase: Phrase, extracted: Extracted, number: int, position: int) -> Iterator[Filling]:
        parameter = self.blanks[number]
        if parameter.extractor is not None:
            labelled = labelled_fillings(parameter, phrase, extracted.spans.get(parameter.extractor, ()))
            yield from (filling for filling in labelled if filling.start >= position)
            return
        for start in range(position, phrase.end):
            for end, value in _values_at(parameter, phrase, start):
                if parameter.type != "string" or self._stands_between(phrase, number, start, end):
                    yield Filling(start, end, value)

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
    if _owns_what_follows(phrase, end):
        return None
    shouted = phrase.text.isupper()
    named = [piece[0].isdigit() or (piece.lower() != piece and not shouted) for piece in pieces]
    if end - start == 1:
        return pieces[0] if pieces[0][0].isalnum() and _says_what(low[0], phrase.language, named=named[0]) else None
    inside = all(name or word in phrase.language.inside_names for name, word in zip(named, low, strict=True))
    return phrase.span(start, end) if named[0] and named[-1] and inside else None


def _says_what(word: str, language: Language, *, named: bool) -> bool:
    """Whether the word may be a value; where no language shows, in none may it be a word that turns the question."""
    return all(
        word not in known.moving.relative
        and word not in known.moving.instants
        and (named or (word not in known.function and word not in known.marks))
        for known in ((language,) if language.code else languages())
    )


def _owns_what_follows(phrase: Phrase, end: int) -> bool:
    """Whether "'s" behind the text is no part of it: "Acme's orders" are not of "Acme's"; those "of Wendy's" are."""
    return (
        phrase.low[end - 1].endswith(_POSSESSIVE)
        and end < phrase.end
        and phrase.low[end][0].isalnum()
        and phrase.low[end] not in phrase.language.function
    )


def labelled_fillings(parameter: Parameter, phrase: Phrase, spans: Sequence[Span]) -> Iterator[Filling]:
    """What an extractor labelled as the parameter asks, where it can be a value.

    A span has to begin and end where pieces do. Its articles and prepositions in lower case are left to the words of
    the template: the value of "the United States" is "United States".
    """
    starts = {start: index for index, (start, _) in enumerate(phrase.places)}
    ends = {end: index + 1 for index, (_, end) in enumerate(phrase.places)}
    for span in spans:
        start, end = starts.get(span.start), ends.get(span.end)
        if span.label != parameter.label or start is None or end is None or end > phrase.end:
            continue
        while start < end and phrase.raw[start] in phrase.language.function:
            start += 1
        value = None if start == end else _labelled_value(parameter, phrase, start, end)
        if value is not None:
            yield Filling(start, end, value, span.confidence)


def _labelled_value(parameter: Parameter, phrase: Phrase, start: int, end: int) -> Value | None:
    if parameter.type == "date":
        return read_date(phrase.span(start, end))
    return _text(phrase, start, end) or (phrase.span(start, end) if _only_names(phrase, start, end) else None)


def _only_names(phrase: Phrase, start: int, end: int) -> bool:
    """Whether several words may be one name although they are in lower case, as an extractor says.

    Not when one of them can turn the question: however sure it is, "germany that are not active" and "germany or
    france" are no names. In a language without word lists none can be told, so there are no such names.
    """
    language = phrase.language
    turning = (language.function | language.negations | language.logic) - language.inside_names
    return bool(language.function) and all(
        (piece[0].isalnum() and word not in turning) or word in language.inside_names
        for piece, word in zip(phrase.raw[start:end], phrase.low[start:end], strict=True)
    )


class Matcher:
    """All templates, those of the highest priority first."""

    def __init__(self, templates: Sequence[QueryTemplate]) -> None:
        ranked = sorted(templates, key=lambda template: -template.priority)
        self._wordings = [
            Wording(template, text) for template in ranked for text in (template.template_text, *template.aliases)
        ]
        self._labels = labels_asked(templates)
        shown = {wording.language for wording in self._wordings} - {UNKNOWN}
        self._language = shown.pop() if len(shown) == 1 else UNKNOWN
        """That of the templates, if they show one: a question of few words shows none."""

    def may_match(self, question: str) -> bool:
        """Whether any template is worth a closer look; fast."""
        return any(True for _ in self._near(question))

    def asked(self, question: str) -> Labels:
        """The extractors that have to read the question before it can be matched, with the labels to look for."""
        if not self._labels:
            return {}
        names = {name for wording in self._near(question) for name in wording.extractors}
        return {name: labels for name, labels in self._labels.items() if name in names}

    def match(self, question: str, extracted: Extracted = NOTHING_EXTRACTED) -> list[Match]:
        """The distinct ways to read the question as a template of the highest priority that fits; none, one or many.

        A template whose extractor failed might have fitted, so nothing of the same or a lower priority may answer.
        """
        phrase = phrase_of(question, self._language)
        found: list[Match] = []
        for wording in self._near(question):
            if found and wording.template.priority < found[0].template.priority:
                break
            if not extracted.failures.keys().isdisjoint(wording.extractors):
                return []
            for match in wording.matches(phrase, extracted):
                same = [m for m in found if m.template is match.template and m.values == match.values]
                if not same:
                    found.append(match)
                elif match.confidence > same[0].confidence:
                    found[found.index(same[0])] = match
        return found

    def _near(self, question: str) -> Iterator[Wording]:
        if BLANK not in question and len(question) <= LONGEST:
            yield from (wording for wording in self._wordings if wording.may_match(question))
