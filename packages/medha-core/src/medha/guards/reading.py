"""Reading one question once: the frame falls away, and what is asked is left in order."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from medha.guards.figures import canonical_number, ordinal, spelled_number
from medha.guards.frame import START, is_content
from medha.guards.language import UNKNOWN, language_of, line_of
from medha.guards.scan import pieces

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medha.guards.frame import Line, Piece, Rule
    from medha.guards.language import Language

LONGEST: Final = 4096
"""Longer questions are not read: no rephrasing of a page of text is worth its risk."""


class Reading(NamedTuple):
    """What a question asks, each part as the guards compare it."""

    language: Language
    tokens: tuple[str, ...]
    """Everything but the frame, in order and in canonical form; a quoted string begins with its quote."""
    surfaces: tuple[str, ...]
    """The tokens as written; empty for numbers, quotes and symbols, whose case is no matter of style."""
    words: tuple[str, ...]
    """The tokens that are neither numbers nor quoted strings, sorted."""
    numbers: tuple[str, ...]
    quoted: tuple[str, ...]
    marks: tuple[tuple[str, str], ...]
    """Words of direction, negation and logic, each with the content word that follows it."""
    uniform: bool
    shouted: bool
    names: int
    """How many words are capitalised inside the sentence."""
    signs: tuple[tuple[str, str], ...] = ()
    """Words of time, order, aggregation and asking, each with the content word that follows it."""


def read_both(asked: str, stored: str) -> tuple[Reading, Reading]:
    """The readings of two questions; one of mere keywords is read in the language that the other shows."""
    here, there = read(asked), read(stored)
    if here.language is there.language:
        return here, there
    if here.language is UNKNOWN:
        return read(asked, there.language), there
    return (here, read(stored, here.language)) if there.language is UNKNOWN else (here, there)


@lru_cache(maxsize=8192)
def read(text: str, spoken: Language | None = None) -> Reading:
    """The reading of a normalised question of at most ``LONGEST`` characters, in the language that it shows or another.

    A language must be one of ``languages()``, since readings are kept.
    """
    found = pieces(text)
    language = spoken or language_of([piece.lower() for piece in found])
    line = line_of(text, found, language)
    start, opening = _after_head(line, language)
    walk = _Walk(line, language)
    if opening is not None:
        walk.word(opening)
    walk.run(start, max(start, _before_tail(line, language)))
    return walk.reading(text)


def _after_head(line: Line, language: Language) -> tuple[int, str | None]:
    """Where the head of the question ends, and the word that stands for it, if any."""
    index, opening = 0, None
    for stage, rules in enumerate(language.head):
        while index < len(line.low) and (rule := _first_that_applies(rules, line, index, language)):
            index += len(rule.phrase)
            opening = rule.becomes or opening
            if stage == 0 and line.low[index : index + 1] == (",",):
                index += 1
            if stage > 0:
                break
    return (index, opening) if index < len(line.low) else (0, None)


def _before_tail(line: Line, language: Language) -> int:
    end = len(line.low)
    while end and line.pieces[end - 1].separator and not _is_sign(line, end - 1, language):
        end -= 1
    for phrase in language.tail:
        start = end - len(phrase)
        if start > 0 and line.low[start:end] == phrase and not any(line.capitals[start:end]):
            return start
    return end


def _first_that_applies(
    rules: Mapping[str, tuple[Rule, ...]], line: Line, index: int, language: Language
) -> Rule | None:
    for rule in rules.get(line.low[index], ()):
        if rule.applies(line, index, START, language):
            return rule
    return None


class _Walk:
    """One pass over the pieces behind the head."""

    def __init__(self, line: Line, language: Language) -> None:
        self._line = line
        self._language = language
        # The first or the most: then one row and many rows are different answers, and endings must agree.
        self._inflected = not any(piece.extreme for piece in line.pieces)
        self._all_separators = _mixes_logic(line.low, language)
        self._separated = False
        self._last_content = False
        self._tokens: list[str] = []
        self._surfaces: list[str] = []
        self._words: list[str] = []
        self._numbers: list[str] = []
        self._quoted: list[str] = []
        self._marked: list[tuple[int, str]] = []
        self._content: list[bool] = []

    def word(self, token: str, surface: str = "", *, content: bool = False) -> None:
        self._words.append(token)
        self._add(token, surface, content)

    def _add(self, token: str, surface: str, content: bool) -> None:
        self._tokens.append(token)
        self._surfaces.append(surface)
        self._content.append(content)
        self._last_content = content

    def run(self, start: int, end: int) -> None:
        line = self._line
        index, previous = start, START
        while index < end:
            piece = line.pieces[index]
            if piece.separator and not _is_sign(line, index, self._language):
                self._separated |= self._separates(index)
                index += 1
                continue
            rule = self._rule_at(piece, index, previous) if piece.rules else None
            if rule is None:
                if self._separated:
                    self._separate(index)
                after = self._take(piece, index, previous)
            else:
                after = index + len(rule.phrase)
                if rule.becomes is not None:
                    self.word(rule.becomes)
            index, previous = after, after - 1

    def _rule_at(self, piece: Piece, index: int, previous: int) -> Rule | None:
        for rule in piece.rules:
            if rule.applies(self._line, index, previous, self._language):
                return rule
        return None

    def _separates(self, index: int) -> bool:
        """Whether a comma or full stop counts: never the one behind "Dr."."""
        return bool(self._tokens) and not (index and self._line.low[index - 1] in self._language.abbreviations)

    def _separate(self, index: int) -> None:
        """A comma between two content words parts them; before "and" or after "in 2020" it is style."""
        self._separated = False
        if self._all_separators or (self._last_content and is_content(self._line, index)):
            self.word(",")

    def _take(self, piece: Piece, index: int, previous: int) -> int:
        """Keep the piece at ``index``, with those that spell one number with it; return the place behind."""
        if piece.counts and (after := self._take_number(piece, index)):
            return after
        if piece.quoted:
            self._quoted.append(piece.raw)
            self._add(piece.raw, "", content=True)
            return index + 1
        if piece.mark is not None:
            self._marked.append((len(self._tokens), piece.mark))
        capitals = self._line.capitals[index]
        # A name keeps its ending and its spelling.
        name = capitals or (previous != START and self._line.low[previous] in self._language.naming)
        token = piece.low if name else piece.stem if self._inflected else piece.plain
        self._words.append(token)
        self._add(token, piece.raw if capitals else piece.low, content=capitals == 2 or piece.content)
        return index + 1

    def _take_number(self, piece: Piece, index: int) -> int | None:
        line, language = self._line, self._language
        if index and piece.low in language.after_number and self._counts(index - 1):
            self.word(language.after_number[piece.low], content=True)
            return index + 1
        if piece.low in language.numbers or (
            piece.number and index + 1 < len(line.low) and line.low[index + 1] in language.scales
        ):
            spelled = spelled_number(line.low, index, language)
            if spelled is not None:
                self._number(spelled[0])
                return spelled[1]
        if piece.number:
            measure = self._is_measure(index)
            amount = measure or (index > 0 and line.low[index - 1] in language.compared)
            value, unit = canonical_number(piece.raw, language, measure=measure, amount=amount)
            self._number(value)
            if unit is not None:
                self.word(language.after_number.get(unit.lower(), unit.lower()), unit, content=True)
            return index + 1
        if piece.low in language.ordinals and line.capitals[index] < 2:
            if piece.mark is not None:
                self._marked.append((len(self._tokens), piece.mark))
            self._number(ordinal(language.ordinals[piece.low]))
            return index + 1
        return None

    def _counts(self, index: int) -> bool:
        low, language = self._line.low[index], self._language
        return self._line.pieces[index].number or low in language.numbers or low in language.scales

    def _is_measure(self, index: int) -> bool:
        low, language = self._line.low, self._language
        if index and low[index - 1] in language.currencies:
            return True
        return index + 1 < len(low) and low[index + 1] in language.measures

    def _number(self, value: str) -> None:
        self._numbers.append(value)
        self._add(value, "", content=True)

    def reading(self, text: str) -> Reading:
        line, every = self._line, self._language.signs.every
        if not self._tokens:
            self.word(text)
        return Reading(
            language=self._language,
            tokens=tuple(self._tokens),
            surfaces=tuple(self._surfaces),
            words=tuple(sorted(self._words)),
            numbers=tuple(self._numbers),
            quoted=tuple(self._quoted),
            marks=tuple([(mark, self._scope(place)) for place, mark in self._marked]),
            uniform=line.uniform,
            shouted=line.shouted,
            names=line.capitals.count(1),
            signs=tuple([(t, self._scope(i)) for i, t in enumerate(self._tokens) if t in every]),
        )

    def _scope(self, place: int) -> str:
        for index in range(place + 1, len(self._tokens)):
            if self._content[index]:
                return self._tokens[index]
        return ""


def _is_sign(line: Line, index: int, language: Language) -> bool:
    """Whether the punctuation is what is asked for: "names that contain ;"."""
    return index > 0 and line.low[index - 1] in language.before_signs


def _mixes_logic(low: tuple[str, ...], language: Language) -> bool:
    """Whether commas group: "A and B, or C", "not A, or B"."""
    if not language.negations.isdisjoint(low):
        return True
    return not language.logic.isdisjoint(low) and len(language.logic.intersection(low)) > 1
