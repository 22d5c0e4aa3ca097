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
            verdicts = self.verdicts(lookup, match)
            rejection = next((v for v in verdicts if not v.verdict.accepted), None)
            if rejection is not None:
                outcome = f"rejected by {rejection.guard}: {rejection.verdict.reason}"
            elif self._contradicted(lookup, match):
                outcome = "rejected: the question has different queries in different scopes; pass filters"
            else:
                outcome = "accepted"
            if lookup.recorder is not None:
                lookup.recorder.candidate(tier, match, verdicts, outcome)
            if outcome == "accepted":
                return match
            lookup.reasons.append(f"{match.entry.question!r} {outcome}")
        return None

    def verdicts(self, lookup: Lookup, match: Match) -> tuple[GuardVerdict, ...]:
        """Verdicts up to the first rejection; all of them when a decision record is wanted."""
        question = lookup.asked.question
        candidate = Candidate(match.entry, ask(match.entry.question).question, match.similarity)
        verdicts: list[GuardVerdict] = []
        for guard in self._guards:
            verdict = _verify(guard, question, candidate)
            verdicts.append(GuardVerdict(guard.name, verdict))
            if not verdict.accepted and lookup.recorder is None:
                self._stats.rejected(guard.name)
                break
        return tuple(verdicts)

    def _contradicted(self, lookup: Lookup, match: Match) -> bool:
        """Whether another scope answers the question too, otherwise: only filters can tell which one is meant."""
        return any(
            other.entry.metadata != match.entry.metadata
            and other.entry.query_hash != match.entry.query_hash
            and self._accepts(lookup.asked.question, other)
            for other in lookup.fetched
        )

    def _accepts(self, question: Question, match: Match) -> bool:
        candidate = Candidate(match.entry, ask(match.entry.question).question, match.similarity)
        return all(_verify(guard, question, candidate).accepted for guard in self._guards)


def _verify(guard: Guard, question: Question, candidate: Candidate) -> Verdict:
    """The guard's verdict; a guard that raises, or gives none, has not accepted."""
    try:
        verdict = guard.verify(question, candidate)
    except Exception as exc:  # noqa: BLE001 - whatever a guard raises, it has not accepted
        _log.error("the guard %r failed with %s; its candidate is rejected", guard.name, type(exc).__name__)
        _log.debug("how the guard %r failed", guard.name, exc_info=exc)
        return Verdict(accepted=False, reason=f"the guard failed: {type(exc).__name__}: {exc}")
    if isinstance(verdict, Verdict):  # pyright: ignore[reportUnnecessaryIsInstance]
        return verdict
    return Verdict(accepted=False, reason=f"the guard gave no Verdict, but a {type(verdict).__name__}")
