"""A language is a file of word lists in ``data/``: which words only frame a question, and which pull apart."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from medha.guards.scan import HYPHEN, SEPARATORS, is_number, is_quoted
from medha.guards.signs import Moving, Signs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

START: Final = -1
"""The place before the first piece that follows the head of a question."""


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """What a language knows of one piece, wherever it stands."""

    raw: str
    low: str
    capitals: int
    """0: none, or "I"; 1: some; 2: nothing but."""
    parts: tuple[str, ...]
    """What a contraction or a possessive is written out as; empty for all others."""
    content: bool
    """Whether it is more than a function word: a number, a quoted string, a word that says something."""
    separator: bool
    quoted: bool
    number: bool
    counts: bool
    """Whether it is a number, written in figures or spelled, or may be part of one."""
    plain: str
    """The word as it is compared, ending and all."""
    stem: str
    mark: str | None
    extreme: bool
    rules: tuple[Rule, ...]


class Line(NamedTuple):
    """The pieces of one question in order."""

    pieces: list[Piece]
    low: tuple[str, ...]
    capitals: list[int]
    """0: none that say anything; 1: capitalised inside the sentence; 2: all capitals in a sentence that has others."""
    uniform: bool
    """Whether capitals say nothing: there are none after the first letter, or nothing but."""
    shouted: bool


@dataclass(frozen=True, slots=True)
class Place:
    """What a rule asks of the piece beside its phrase: one of these words, or of these kinds."""

    words: frozenset[str]
    content: bool
    plural: bool
    number: bool
    end: bool

    def fits(self, line: Line, index: int, language: Language) -> bool:
        """Whether the piece at ``index`` is of this kind."""
        if index == START:
            return False
        if index >= len(line.low):
            return self.end
        if line.capitals[index] < 2 and line.low[index] in self.words:
            return True
        return (
            (self.content and is_content(line, index))
            or (self.number and line.pieces[index].number)
            or (self.plural and any(language.is_plural(word) for word in line.low[index : index + 2]))
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """A phrase that frames a question: what it becomes (``None``: nothing), and beside what."""

    phrase: tuple[str, ...]
    becomes: str | None
    before: Place | None
    not_before: Place | None
    after: Place | None

    def applies(self, line: Line, index: int, previous: int, language: Language) -> bool:
        """Whether the phrase stands at ``index``, in such a place."""
        end = index + len(self.phrase)
        if line.low[index:end] != self.phrase:
            return False
        if not line.uniform:
            most = max(line.capitals[index:end])
            if most == 2 or (most == 1 and not language.articles.issuperset(self.phrase)):
                return False
        return (
            (self.before is None or self.before.fits(line, end, language))
            and (self.not_before is None or not self.not_before.fits(line, end, language))
            and (self.after is None or self.after.fits(line, previous, language))
        )


@dataclass(frozen=True, slots=True, eq=False)
class Language:
    """The word lists of one language, as its data file holds them."""

    code: str
    signals: frozenset[str]
    articles: frozenset[str]
    function: frozenset[str]
    expand: Mapping[str, tuple[str, ...]]
    head: tuple[Mapping[str, tuple[Rule, ...]], ...]
    """The rules of each stage by their first word, the longest phrase first."""
    inner: Mapping[str, tuple[Rule, ...]]
    tail: tuple[tuple[str, ...], ...]
    synonyms: Mapping[str, str]
    after_number: Mapping[str, str]
    never_plural: frozenset[str]
    irregular: Mapping[str, str]
    endings: tuple[tuple[str, str], ...]
    """Endings of plurals with those of their singulars; the first that fits counts."""
    naming: frozenset[str]
    extremes: frozenset[str]
    extreme_ending: str
    negations: frozenset[str]
    logic: frozenset[str]
    prefixes: tuple[str, ...]
    opposites: Mapping[str, frozenset[str]]
    marks: frozenset[str]
    """Every word whose order and scope decide a question's direction."""
    numbers: Mapping[str, int]
    scales: Mapping[str, int]
    ordinals: Mapping[str, int]
    ordinal_endings: frozenset[str]
    thousand: frozenset[str]
    units: frozenset[str]
    currencies: frozenset[str]
    measures: frozenset[str]
    compared: frozenset[str]
    acronyms: frozenset[str]
    always_capital: frozenset[str]
    abbreviations: frozenset[str]
    before_signs: frozenset[str]
    """Words after which punctuation is what is asked for."""
    inside_names: frozenset[str]
    """What stands in lower case inside a name of several words."""
    signs: Signs
    """The words of the rules that are no matter of reading."""
    moving: Moving

    def singular(self, word: str) -> str:
        """The word without the ending of a plural or of a third person; other endings change what is asked."""
        return _singular(word, self.irregular, self.never_plural, self.endings)

    def may_drop(self, word: str) -> bool:
        """Whether the word may be read as frame, so that "all-day" must stay whole where "part-time" need not."""
        return word in self.inner or any(word in stage for stage in self.head)

    def is_plural(self, word: str) -> bool:
        """Whether the word has the ending of a plural."""
        if word in self.never_plural:
            return False
        return word in self.irregular or (
            len(word) > 3 and any(word.endswith(ending) and ending != stem for ending, stem in self.endings)
        )


def is_content(line: Line, index: int) -> bool:
    """Whether the piece does more than frame the question; capitals make a name of any word."""
    return line.capitals[index] == 2 or line.pieces[index].content


@lru_cache(maxsize=32_768)
def piece_of(language: Language, raw: str) -> Piece:
    """A piece as the language knows it; one that is quoted or not in use is cheap to make again."""
    if is_quoted(raw):
        return Piece(raw, raw, 0, (), True, False, True, False, False, raw, raw, None, False, ())
    if raw[-1] == HYPHEN and len(raw) > 1 and not language.may_drop(raw[:-1].lower()):
        return piece_of(language, raw[:-1])
    low = raw.lower().replace("’", "'")
    parts = language.expand.get(low, ())
    if not parts and low.endswith("'s") and len(low) > 2:
        parts = (raw[:-2], "'s")
    number = is_number(low)
    plain = language.synonyms.get(low, low)
    ending = language.extreme_ending
    return Piece(
        raw=raw,
        low=low,
        capitals=0 if raw.lower() == raw or low in language.always_capital else 1 + raw.isupper(),
        parts=parts,
        content=low not in language.function and (low[0].isalnum() or low[0] == "_" or len(low) > 1),
        separator=low in SEPARATORS,
        quoted=False,
        number=number,
        counts=number or low in language.numbers or low in language.ordinals or low in language.after_number,
        plain=plain,
        stem=language.singular(plain),
        mark=plain if plain in language.marks else None,
        extreme=low in language.extremes or bool(ending and len(low) > 4 and low.endswith(ending)),
        rules=language.inner.get(low, ()),
    )


def line_of(text: str, found: Sequence[str], language: Language) -> Line:
    """The pieces with contractions written out, possessive endings set apart, and their capitals judged."""
    pieces: list[Piece] = []
    for raw in found:
        piece = piece_of(language, raw)
        if piece.parts:
            pieces.extend(piece_of(language, part) for part in piece.parts)
        else:
            pieces.append(piece)
    shouted = text.isupper()
    capitals = [0] * len(pieces) if shouted else [piece.capitals for piece in pieces]
    if capitals and capitals[0]:
        capitals[0] = _initial(pieces[0])
    return Line(pieces, tuple([piece.low for piece in pieces]), capitals, shouted or not any(capitals), shouted)


def _initial(piece: Piece) -> int:
    """The first word is capitalised by habit."""
    raw = piece.raw
    return 0 if len(raw) == 1 or raw[1:].islower() else piece.capitals


def language_of(lowered: Sequence[str]) -> Language:
    """The language with the most signal words among these, or the one without any list."""
    best, most = UNKNOWN, 0
    for language in languages():
        if not language.signals.isdisjoint(lowered):
            count = sum(word in language.signals for word in lowered)
            if count > most:
                best, most = language, count
    return best


@lru_cache(maxsize=1)
def languages() -> tuple[Language, ...]:
    """Every language that has a data file, in alphabetical order."""
    data = files("medha.guards").joinpath("data")
    found = sorted((file for file in data.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)
    return tuple(
        language_from(file.name.removesuffix(".toml"), tomllib.loads(file.read_text("utf-8"))) for file in found
    )


def language_from(code: str, data: Mapping[str, Any]) -> Language:
    """A language from the content of its data file; what the file leaves out is empty."""
    function = {name: _words(words) for name, words in data.get("function", {}).items()}
    groups = {name: _words(words) for name, words in data.get("groups", {}).items()} | function
    plurals, polarity = data.get("plurals", {}), data.get("polarity", {})
    digits, case = data.get("digits", {}), data.get("case", {})
    opposites: dict[str, frozenset[str]] = {}
    for row in polarity.get("opposites", ()):
        for word in _words(row):
            opposites[word] = opposites.get(word, frozenset()) | _words(row) - {word}
    negations, logic = _words(polarity.get("negations", "")), _words(polarity.get("logic", ""))
    irregular, never = plurals.get("irregular", {}), _words(plurals.get("never", ""))
    endings = tuple(plurals.get("endings", {}).items())
    measures = _words(digits.get("measures", "")) | _words(digits.get("units", "").lower())

    def singular(word: str) -> str:
        return _singular(word, irregular, never, endings)

    return Language(
        code=code,
        signals=_words(data.get("signals", "")),
        articles=_words(data.get("articles", "")),
        function=frozenset[str]().union(*function.values()),
        expand={short: tuple(full.split()) for short, full in data.get("expand", {}).items()},
        head=_stages(data.get("head", ()), groups),
        inner=_rules(data.get("inner", ()), groups),
        tail=tuple(tuple(phrase.split()) for phrase in data.get("tail", {}).get("phrases", ())),
        synonyms=data.get("synonyms", {}),
        after_number=data.get("after_number", {}),
        never_plural=never,
        irregular=irregular,
        endings=endings,
        naming=_words(plurals.get("naming", "")),
        extremes=_words(plurals.get("extremes", "")),
        extreme_ending=plurals.get("extreme_ending", ""),
        negations=negations,
        logic=logic,
        prefixes=tuple(polarity.get("prefixes", "").split()),
        opposites=opposites,
        marks=negations | logic | opposites.keys(),
        numbers=data.get("numbers", {}),
        scales=data.get("scales", {}),
        ordinals=data.get("ordinals", {}),
        ordinal_endings=_words(digits.get("ordinal_endings", "")),
        thousand=_words(digits.get("thousand", "")),
        units=_words(digits.get("units", "")),
        currencies=_words(digits.get("currencies", "")),
        measures=measures,
        compared=_words(digits.get("compared", "")),
        acronyms=_words(case.get("acronyms", "")),
        always_capital=_words(case.get("always_capital", "")),
        abbreviations=_words(case.get("abbreviations", "")),
        before_signs=_words(data.get("signs", {}).get("after", "")),
        inside_names=_words(case.get("inside_names", "")),
        signs=Signs.of(data, measures, singular),
        moving=Moving.of(data),
    )


def _singular(
    word: str, irregular: Mapping[str, str], never: frozenset[str], endings: Sequence[tuple[str, str]]
) -> str:
    if word in irregular:
        return irregular[word]
    if len(word) < 4 or word in never or not word.isalpha():
        return word
    for ending, stem in endings:
        if word.endswith(ending):
            return word[: len(word) - len(ending)] + stem
    return word


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _stages(
    tables: Sequence[Mapping[str, Any]], groups: Mapping[str, frozenset[str]]
) -> tuple[Mapping[str, tuple[Rule, ...]], ...]:
    last = max((table["stage"] for table in tables), default=-1)
    return tuple(_rules((t for t in tables if t["stage"] == stage), groups) for stage in range(last + 1))


def _rules(tables: Iterable[Mapping[str, Any]], groups: Mapping[str, frozenset[str]]) -> Mapping[str, tuple[Rule, ...]]:
    found: dict[str, list[Rule]] = {}
    for table in tables:
        before, not_before, after = (_place(table.get(key), groups) for key in ("before", "not_before", "after"))
        for phrase in table["phrases"]:
            words = tuple(phrase.split())
            found.setdefault(words[0], []).append(Rule(words, table.get("becomes"), before, not_before, after))
    return {
        first: tuple(sorted(rules, key=lambda rule: len(rule.phrase), reverse=True)) for first, rules in found.items()
    }


def _place(names: Sequence[str] | None, groups: Mapping[str, frozenset[str]]) -> Place | None:
    """A name that is no group is a word."""
    if names is None:
        return None
    kinds = {"content", "plural", "number", "end"}
    words = frozenset[str]().union(*(groups.get(name, frozenset({name})) for name in names if name not in kinds))
    return Place(
        words, content="content" in names, plural="plural" in names, number="number" in names, end="end" in names
    )


UNKNOWN: Final = language_from("", {})
"""No list: every piece is content, and only equal pieces in equal order agree."""
