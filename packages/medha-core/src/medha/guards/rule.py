"""What every built-in guard shares: equal questions agree, overlong ones never do, the rest is compared as read."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from medha.guard import Guard
from medha.guards.reading import LONGEST, read_both
from medha.models import ACCEPTED, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from medha.guards.reading import Reading
    from medha.models import Candidate, Question

Sign = tuple[str, str]
"""A word that a rule looks at, and the content word that it bears on."""


class ReadingGuard(Guard):
    """A guard that compares the readings of the two questions; the order of the two never matters."""

    @abstractmethod
    def difference(self, asked: Reading, stored: Reading) -> str | None:
        """What tells the two apart, or ``None``."""

    def verify(self, question: Question, candidate: Candidate) -> Verdict:
        """Accept when this guard finds no difference."""
        asked, stored = question.normalized, candidate.question.normalized
        if asked == stored:
            return ACCEPTED
        if len(asked) > LONGEST or len(stored) > LONGEST:
            return Verdict(accepted=False, reason=f"questions over {LONGEST} characters must be equal")
        here, there = read_both(asked, stored)
        found = self.difference(here, there)
        if found is None:
            return ACCEPTED
        return Verdict(accepted=False, reason=found, reviewable=self.reviewable(here, there, candidate))

    def reviewable(self, asked: Reading, stored: Reading, candidate: Candidate) -> bool:  # noqa: ARG002
        """Whether the difference that was found may leave the answer the same; not, unless a guard says so."""
        return False


def only_in(one: Iterable[str], other: Iterable[str]) -> list[str]:
    """The items of one that the other lacks, each as often as it lacks it."""
    left = list(other)
    missing: list[str] = []
    for item in one:
        if item in left:
            left.remove(item)
        else:
            missing.append(item)
    return missing


def spelled_out(asked: list[str], stored: list[str]) -> str:
    """The two sides of a difference, for a reason: few enough to read."""
    sides = [
        f"{', '.join(map(repr, items[:4]))} only in the {which} question"
        for items, which in ((asked, "asked"), (stored, "stored"))
        if items
    ]
    return "; ".join(sides)


def words_differ(what: str, asked: Sequence[Sign], stored: Sequence[Sign]) -> str | None:
    """The words of a rule that only one of the questions has."""
    if asked == stored:
        return None
    here, there = [word for word, _ in asked], [word for word, _ in stored]
    mine, theirs = only_in(here, there), only_in(there, here)
    return f"different {what}: {spelled_out(mine, theirs)}" if mine or theirs else None


def scopes_differ(asked: Reading, ours: Sequence[Sign], stored: Reading, theirs: Sequence[Sign]) -> str | None:
    """A word of a rule that bears on another of the words that both questions have, or stands after another."""
    if ours == theirs:
        return None
    here, there = [word for word, _ in ours], [word for word, _ in theirs]
    if here != there:
        return f"in another order: {', '.join(here)} / {', '.join(there)}"
    for (word, scope), (_, other) in zip(ours, theirs, strict=True):
        if scope != other and (scope in stored.tokens or other in asked.tokens or not (scope and other)):
            return f"'{word}' bears on '{scope}' / '{other}'"
    return None
