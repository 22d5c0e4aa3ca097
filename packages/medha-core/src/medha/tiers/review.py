"""The review tier: what similarity and guards left open is put before slow judges, if there are any."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from medha.hits import hit_from
from medha.models import GuardVerdict, SearchStrategy, Verdict
from medha.tiers.judging import checked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medha.guard import Reviewer
    from medha.lookup import Lookup
    from medha.models import CacheHit, Candidate, Match
    from medha.stats import StatsRecorder
    from medha.tiers.judging import Judge

_log = logging.getLogger(__name__)


class ReviewTier:
    """The last tier. It asks about the closest candidates that no guard rejected for good, and fails closed."""

    name = "review"

    def __init__(self, judge: Judge, reviewers: Sequence[Reviewer], stats: StatsRecorder) -> None:
        self._judge = judge
        self._reviewers = tuple(reviewers)
        self._stats = stats

    async def answer(self, lookup: Lookup) -> CacheHit | None:
        """The closest candidate of the band that every reviewer accepts in time."""
        settings = lookup.settings
        close = [match for match in await lookup.matches() if match.similarity >= settings.score_threshold_review]
        judged = ((match, self._judge.open_to_review(lookup, match)) for match in close)
        band = [(match, verdicts) for match, verdicts in judged if verdicts is not None][: settings.review_top_k]
        if not band:
            lookup.reasons.append("no candidate is open to review")
            return None
        deadline = asyncio.timeout(settings.review_timeout)
        try:
            async with deadline:
                for match, verdicts in band:
                    accepted = await self._accepted(lookup, match, verdicts)
                    if deadline.expired():
                        # the reviewer went on although it was cancelled
                        break
                    if accepted:
                        return hit_from(
                            match.entry,
                            SearchStrategy.REVIEWED_MATCH,
                            confidence=match.similarity,
                            similarity=match.similarity,
                            reason=f"accepted by {', '.join(reviewer.name for reviewer in self._reviewers)}",
                        )
        except TimeoutError:
            pass  # the deadline's own: what a reviewer raises does not get here
        if deadline.expired():
            lookup.reasons.append(f"the reviewers gave no answer within {settings.review_timeout:g} s")
        return None

    async def _accepted(self, lookup: Lookup, match: Match, verdicts: tuple[GuardVerdict, ...]) -> bool:
        candidate = self._judge.candidate(lookup, match)
        outcome = "accepted"
        for reviewer in self._reviewers:
            verdict = await _review(reviewer, lookup, candidate)
            verdicts += (GuardVerdict(reviewer.name, verdict),)
            if not verdict.accepted:
                outcome = f"rejected by {reviewer.name}: {verdict.reason}"
                if lookup.recorder is None:
                    self._stats.rejected(reviewer.name)
                break
        if outcome == "accepted":
            outcome = self._judge.contradiction(lookup, match, reviewed=True) or outcome
        if lookup.recorder is not None:
            lookup.recorder.candidate(self.name, match, verdicts, outcome)
        if outcome == "accepted":
            return True
        lookup.reasons.append(f"{match.entry.question!r} {outcome}")
        return False


async def _review(reviewer: Reviewer, lookup: Lookup, candidate: Candidate) -> Verdict:
    """The reviewer's verdict; one that raises, or gives none, has not accepted."""
    try:
        verdict = await reviewer.review(lookup.asked.question, candidate)
    except Exception as exc:  # noqa: BLE001 - whatever a reviewer raises, it has not accepted
        _log.error("the reviewer %r failed with %s; its candidate is rejected", reviewer.name, type(exc).__name__)
        _log.debug("how the reviewer %r failed", reviewer.name, exc_info=exc)
        return Verdict(accepted=False, reason=f"the reviewer failed: {type(exc).__name__}: {exc}")
    return checked(verdict, "reviewer")
