"""The guard of polarity: negation and its scope, direction, comparison, and / or, any / all."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from medha.guards.rule import ReadingGuard, only_in, spelled_out

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medha.guards.reading import Reading


class PolarityGuard(ReadingGuard):
    """Words that turn a question round must be the same, in the same order, each before the same content."""

    name: ClassVar[str] = "polarity"

    def difference(self, asked: Reading, stored: Reading) -> str | None:
        """A mark that differs ("not", "most" / "least", "and" / "or"), its scope, or a negating prefix."""
        if asked.marks != stored.marks:
            return _marks_differ(asked, stored)
        if asked.words != stored.words:
            for one, other in ((asked, stored), (stored, asked)):
                for plain, negated in _negated_by_prefix(one, other):
                    return f"'{plain}' / '{negated}'"
        return None


def _marks_differ(asked: Reading, stored: Reading) -> str:
    here, there = tuple(mark for mark, _ in asked.marks), tuple(mark for mark, _ in stored.marks)
    mine, theirs = only_in(here, there), only_in(there, here)
    opposites = asked.language.opposites
    for mark in mine:
        for other in theirs:
            if other in opposites.get(mark, ()):
                return f"opposite directions: '{mark}' / '{other}'"
    if mine or theirs:
        return f"different direction, negation or logic: {spelled_out(mine, theirs)}"
    if here != there:
        return f"marks in another order: {', '.join(here)} / {', '.join(there)}"
    (mark, scope), (_, other_scope) = next((a, b) for a, b in zip(asked.marks, stored.marks, strict=True) if a != b)
    return f"'{mark}' bears on '{scope}' / '{other_scope}'"


def _negated_by_prefix(one: Reading, other: Reading) -> Iterator[tuple[str, str]]:
    """Words of one whose negation by a prefix ("active", "inactive") stands in the other."""
    theirs = set(other.words).difference(one.words)
    for word in set(one.words).difference(other.words):
        for prefix in one.language.prefixes:
            if prefix + word in theirs:
                yield word, prefix + word
