"""What each tier may serve, so that ``max_false_hit_rate`` is kept: decided from judged answers, purely.

The hypotheses "this tier, from this similarity on, is wrong more often than the bound" are tested as in Learn then Test
(Angelopoulos et al., 2021), the thresholds of the semantic tier with Bonferroni's correction.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, floor
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from medha.binomial import lower_bound, upper_bound
from medha.models import Terms, TierTerms

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medha.settings import Settings

CONFIDENCE: Final = 0.95
HELD: Final = ("learned", "semantic", "fuzzy", "review")
"""The tiers that must show how right they are. L1, exact and template answer by identity or by the user's own word."""
_STEP: Final = 2
"""Hundredths of similarity between two thresholds that are tried."""


class Tally(NamedTuple):
    """How many judged answers were right, and how many wrong."""

    right: int
    wrong: int


Evidence: TypeAlias = Mapping[tuple[str, int | None], Tally]
"""Judged answers by tier, and for the semantic tier by hundredths of similarity, rounded down."""


def band_of(tier: str, similarity: float | None) -> int | None:
    """Where an answer is counted; rounded down, so that it never speaks for a stricter threshold than its own."""
    return floor(similarity * 100 + 1e-6) if tier == "semantic" and similarity is not None else None


def decide(evidence: Evidence, settings: Settings, bound: float) -> Terms:
    """What the tiers may serve on this evidence, to be wrong at most as often as ``bound`` says."""
    tiers = {"semantic": _semantic(evidence, settings, bound)}
    tiers |= {tier: _alone(tier, evidence, bound) for tier in HELD if tier != "semantic"}
    tiers |= {tier: _free(tier, evidence) for tier in sorted({tier for tier, _ in evidence}.difference(HELD))}
    return Terms(max_false_hit_rate=bound, confidence=CONFIDENCE, tiers=tiers)


def _alone(tier: str, evidence: Evidence, bound: float) -> TierTerms:
    """A tier with one rule: off until it is proven."""
    tally = _sum(evidence, tier)
    most = _at_most(tally, CONFIDENCE)
    allowed = most <= bound
    state = "proven" if allowed else "not proven yet"
    return TierTerms(allowed=allowed, state=state, right=tally.right, wrong=tally.wrong, at_most=most)


def _free(tier: str, evidence: Evidence) -> TierTerms:
    tally = _sum(evidence, tier)
    most = _at_most(tally, CONFIDENCE)
    return TierTerms(allowed=True, state="not held", right=tally.right, wrong=tally.wrong, at_most=most)


def _semantic(evidence: Evidence, settings: Settings, bound: float) -> TierTerms:
    """The lowest threshold that is proven; else ``score_threshold_exact``, unless that one is disproven."""
    strict = ceil(settings.score_threshold_exact * 100 - 1e-6)
    loosest = ceil(settings.score_threshold_semantic * 100 - 1e-6)
    rungs = [*range(strict - _STEP, loosest, -_STEP), *([loosest] if loosest < strict else [])]
    confidence = 1 - (1 - CONFIDENCE) / max(1, len(rungs))
    for rung in reversed(rungs):
        tally = _sum(evidence, "semantic", rung)
        most = _at_most(tally, confidence)
        if most <= bound:
            # no answer below was judged, so that nothing speaks for it
            lowest = min(band for tier, band in evidence if tier == "semantic" and band is not None and band >= rung)
            threshold = min(lowest / 100, settings.score_threshold_exact)
            return _from(threshold, "proven", tally, most)
    tally = _sum(evidence, "semantic", strict)
    most = _at_most(tally, CONFIDENCE)
    total = sum(tally)
    if total and lower_bound(tally.wrong, total, CONFIDENCE) > bound:
        return _from(None, "disproven", tally, most)
    return _from(settings.score_threshold_exact, "strict, not proven yet" if most > bound else "proven", tally, most)


def _from(threshold: float | None, state: str, tally: Tally, most: float) -> TierTerms:
    return TierTerms(
        allowed=threshold is not None,
        state=state,
        right=tally.right,
        wrong=tally.wrong,
        at_most=most,
        threshold=threshold,
    )


def _sum(evidence: Evidence, tier: str, lowest: int | None = None) -> Tally:
    chosen: Iterable[Tally] = [
        tally
        for (name, band), tally in evidence.items()
        if name == tier and (lowest is None or (band is not None and band >= lowest))
    ]
    return Tally(sum(tally.right for tally in chosen), sum(tally.wrong for tally in chosen))


def _at_most(tally: Tally, confidence: float) -> float:
    total = sum(tally)
    return upper_bound(tally.wrong, total, confidence) if total else 1.0


def tighter(new: Terms, old: Terms) -> bool:
    """Whether something may no longer be served that might have been."""
    for tier in HELD:
        then, now = old.tiers[tier], new.tiers[tier]
        if then.allowed and (not now.allowed or (now.threshold or -1.0) > (then.threshold or -1.0)):
            return True
    return False
