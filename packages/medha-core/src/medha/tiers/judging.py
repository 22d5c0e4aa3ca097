"""Which candidate may be served: every guard must accept it, and no other may contradict it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from medha.identity import ask
from medha.models import Candidate, GuardVerdict, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medha.guard import Guard
    from medha.lookup import Lookup
    from medha.models import Match, Question
    from medha.stats import StatsRecorder

_log = logging.getLogger(__name__)


class Judge:
    """Puts candidates before the guards, in order."""

    def __init__(self, guards: Sequence[Guard], stats: StatsRecorder) -> None:
        self._guards = tuple(guards)
        self._stats = stats

    def first_accepted(self, tier: str, lookup: Lookup, matches: Sequence[Match]) -> Match | None:
        """The first match that every guard accepts, unless another scope has another query for the question."""
        for match in matches:
            verdicts = self._verdicts(lookup, match)
            rejection = next((v for v in verdicts if not v.verdict.accepted), None)
            if rejection is not None:
                outcome = f"rejected by {rejection.guard}: {rejection.verdict.reason}"
            else:
                outcome = self.contradiction(lookup, match) or "accepted"
            if lookup.recorder is not None:
                lookup.recorder.candidate(tier, match, verdicts, outcome)
            if outcome == "accepted":
                return match
            lookup.reasons.append(f"{match.entry.question!r} {outcome}")
        return None

    def _verdicts(self, lookup: Lookup, match: Match) -> tuple[GuardVerdict, ...]:
        """Verdicts up to the first rejection; all of them when a decision record is wanted."""
        question, candidate = lookup.asked.question, self.candidate(lookup, match)
        verdicts: list[GuardVerdict] = []
        for guard in self._guards:
            verdict = _verify(guard, question, candidate)
            verdicts.append(GuardVerdict(guard.name, verdict))
            if not verdict.accepted and lookup.recorder is None:
                self._stats.rejected(guard.name)
                break
        return tuple(verdicts)

    def open_to_review(self, lookup: Lookup, match: Match) -> tuple[GuardVerdict, ...] | None:
        """Every guard's verdict, or ``None`` when one of them is final; nothing is counted."""
        question, candidate = lookup.asked.question, self.candidate(lookup, match)
        verdicts: list[GuardVerdict] = []
        for guard in self._guards:
            verdict = _verify(guard, question, candidate)
            if not (verdict.accepted or verdict.reviewable is True):
                return None
            verdicts.append(GuardVerdict(guard.name, verdict))
        return tuple(verdicts)

    def contradiction(self, lookup: Lookup, match: Match, *, reviewed: bool = False) -> str | None:
        """Why only filters can tell which query is meant, where another scope answers the question otherwise.

        What is ``reviewed`` is contradicted by every candidate that is open to review as well.
        """
        for other in lookup.fetched:
            if other.entry.metadata != match.entry.metadata and other.entry.query_hash != match.entry.query_hash:
                verdicts = self.open_to_review(lookup, other)
                if verdicts is None or not (reviewed or all(v.verdict.accepted for v in verdicts)):
                    continue
                return "rejected: the question has different queries in different scopes; pass filters"
        return None

    @staticmethod
    def candidate(lookup: Lookup, match: Match) -> Candidate:
        """The match as guards and reviewers see it."""
        return Candidate(match.entry, ask(match.entry.question).question, match.similarity, lookup.now, lookup.filters)


def checked(verdict: object, giver: str) -> Verdict:
    """The verdict, if it is one; anything else has not accepted."""
    if not isinstance(verdict, Verdict):
        return Verdict(accepted=False, reason=f"the {giver} gave no Verdict, but a {type(verdict).__name__}")
    if verdict.accepted is True or (verdict.accepted is False and verdict.reason):
        return verdict
    return Verdict(accepted=False, reason=verdict.reason or f"the {giver} gave no reason")


def _verify(guard: Guard, question: Question, candidate: Candidate) -> Verdict:
    """The guard's verdict; a guard that raises, or gives none, has not accepted."""
    try:
        return checked(guard.verify(question, candidate), "guard")
    except Exception as exc:  # noqa: BLE001 - whatever a guard raises, it has not accepted
        _log.error("the guard %r failed with %s; its candidate is rejected", guard.name, type(exc).__name__)
        _log.debug("how the guard %r failed", guard.name, exc_info=exc)
        return Verdict(accepted=False, reason=f"the guard failed: {type(exc).__name__}: {exc}")
