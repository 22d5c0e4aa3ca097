"""A language is a file of word lists in ``data/``: which words only frame a question, and which pull apart."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from medha.guards.frame import Line, Piece, Place, Rule
from medha.guards.scan import HYPHEN, SEPARATORS, is_number, is_quoted
from medha.guards.signs import Moving, Signs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


@dataclass(frozen=True, slots=True, eq=False)
class Language:
    """The word lists of one language, as its data file holds them."""

    code: str
    signals: frozenset[str]
    articles: frozenset[str]
    function: frozenset[str]
    relating: frozenset[str]
    """The function words that tell roles, times and possibilities apart: "by" and "for", "did" and "can"."""
    expand: Mapping[str, tuple[str, ...]]
    apart: tuple[str, ...]
    """Endings that are pieces of their own: "'s"."""
    elided: frozenset[str]
    """Beginnings that are pieces of their own, up to and with their apostrophe: "dell'"."""
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
    grouping: str
    """What parts the thousands of a number, and (``decimal``) its fraction; with neither, figures stay as written."""
    decimal: str
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


@lru_cache(maxsize=32_768)
def piece_of(language: Language, raw: str) -> Piece:
    """A piece as the language knows it; one that is quoted or not in use is cheap to make again."""
    if is_quoted(raw):
        return Piece(raw, raw, 0, (), True, False, True, False, False, raw, raw, None, False, ())
    if raw[-1] == HYPHEN and len(raw) > 1 and not language.may_drop(raw[:-1].lower()):
        return piece_of(language, raw[:-1])
    low = raw.lower().replace("’", "'")
    parts = language.expand.get(low, ())
    if not parts and "'" in low:
        parts = _parts(raw, low, language)
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


def _parts(raw: str, low: str, language: Language) -> tuple[str, ...]:
    """The two sides of an apostrophe, where the language sets them apart ("Ann's", "dell'anno")."""
    for ending in language.apart:
        if low.endswith(ending) and len(low) > len(ending):
            return raw[: -len(ending)], ending
    cut = low.index("'") + 1
    return (low[:cut], raw[cut:]) if cut < len(raw) and low[:cut] in language.elided else ()


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
    if "'" in "".join(lowered):
        lowered = [part for word in lowered for part in _with_beginning(word)]
    best, most = UNKNOWN, 0
    for language in languages():
        if not language.signals.isdisjoint(lowered):
            count = len([word for word in lowered if word in language.signals])
            if count > most:
                best, most = language, count
    return best


def _with_beginning(word: str) -> tuple[str, ...]:
    cut = word.find("'") + 1
    return (word, word[:cut]) if cut else (word,)


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
    synonyms: Mapping[str, str] = data.get("synonyms", {})
    digits, case = data.get("digits", {}), data.get("case", {})
    opposites = _opposites(polarity.get("opposites", ()))
    negations, logic = _words(polarity.get("negations", "")), _words(polarity.get("logic", ""))
    irregular, never = plurals.get("irregular", {}), _words(plurals.get("never", ""))
    endings = tuple(plurals.get("endings", {}).items())
    measures = _words(digits.get("measures", "")) | _words(digits.get("units", "").lower())
    singular = partial(_singular, irregular=irregular, never=never, endings=endings)
    return Language(
        code=code,
        signals=_words(data.get("signals", "")),
        articles=_words(data.get("articles", "")),
        function=frozenset[str]().union(*function.values()),
        relating=frozenset(
            synonyms.get(word, word) for kind in ("preposition", "auxiliary") for word in function.get(kind, ())
        ),
        apart=tuple(data.get("apart", "").split()),
        elided=_words(data.get("elided", "")),
        expand={short: tuple(full.split()) for short, full in data.get("expand", {}).items()},
        head=_stages(data.get("head", ()), groups),
        inner=_rules(data.get("inner", ()), groups),
        tail=tuple(tuple(phrase.split()) for phrase in data.get("tail", {}).get("phrases", ())),
        synonyms=synonyms,
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
        grouping=digits.get("grouping", ""),
        decimal=digits.get("decimal", ""),
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


def _opposites(rows: Sequence[str]) -> dict[str, frozenset[str]]:
    """Each word with those that pull in another direction."""
    opposites: dict[str, frozenset[str]] = {}
    for row in rows:
        for word in _words(row):
            opposites[word] = opposites.get(word, frozenset()) | _words(row) - {word}
    return opposites


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
