"""The guard of negation: "not", "without", "except", "un-", and what each of them denies."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from medha.guards.rule import ReadingGuard, scopes_differ, words_differ
from medha.guards.signs import chosen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medha.guards.reading import Reading


class NegationGuard(ReadingGuard):
    """The same negations, each of the same thing."""

    name: ClassVar[str] = "negation"

    def difference(self, asked: Reading, stored: Reading) -> str | None:
        """A negation that one question lacks, one with another scope, or a negating prefix."""
        if asked.marks != stored.marks:
            negations = asked.language.negations
            ours, theirs = chosen(asked.marks, negations), chosen(stored.marks, negations)
            found = words_differ("negation", ours, theirs) or scopes_differ(asked, ours, stored, theirs)
            if found:
                return found
        if asked.words != stored.words:
            for one, other in ((asked, stored), (stored, asked)):
                for plain, negated in _negated_by_prefix(one, other):
                    return f"one denies the other: '{plain}' / '{negated}'"
        return None


def _negated_by_prefix(one: Reading, other: Reading) -> Iterator[tuple[str, str]]:
    """Words of one whose negation by a prefix ("active", "inactive") stands in the other."""
    theirs = set(other.words).difference(one.words)
    for word in set(one.words).difference(other.words):
        for prefix in one.language.prefixes:
            if prefix + word in theirs:
                yield word, prefix + word
