"""The frame of a question: pieces, and the phrases that only introduce what is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from medha.guards.language import Language

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


def is_content(line: Line, index: int) -> bool:
    """Whether the piece does more than frame the question; capitals make a name of any word."""
    return line.capitals[index] == 2 or line.pieces[index].content
