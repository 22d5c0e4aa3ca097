"""The metrics: how many lookups, how long, by which tier; what the guards rejected; what was saved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from medha_otel import names

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter
    from opentelemetry.util.types import Attributes

    from medha import Decision
    from medha.models import ConsideredCandidate
    from medha_otel.settings import OtelSettings

SECONDS: Final = (
    *(5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0),
)
"""Bounds of the histograms: an L1 hit takes microseconds, an embedding over the network up to seconds."""


class Measuring:
    """The instruments of one meter."""

    def __init__(self, meter: Meter, settings: OtelSettings) -> None:
        self._tokens, self._money = settings.tokens_per_query, settings.money_per_query
        self._currency = settings.currency
        self._lookups = meter.create_counter(names.LOOKUPS, "{lookup}", "Lookups, by tier and outcome.")
        self._duration = meter.create_histogram(
            names.LOOKUP_DURATION, "s", "How long lookups take.", explicit_bucket_boundaries_advisory=SECONDS
        )
        self._tier_duration = meter.create_histogram(
            names.TIER_DURATION,
            "s",
            "How long each tier takes, whether it answers or passes on.",
            explicit_bucket_boundaries_advisory=SECONDS,
        )
        self._rejections = meter.create_counter(
            names.GUARD_REJECTIONS, "{candidate}", "Candidates that a guard rejected, by guard and tier."
        )
        self._tokens_saved = meter.create_counter(
            names.TOKENS_SAVED, "{token}", "Tokens that hits did not take: tokens_per_query for each."
        )
        self._money_saved = meter.create_counter(
            names.MONEY_SAVED, "{currency}", "What those tokens would have cost, in the currency that is told."
        )

    def lookup(self, decision: Decision) -> None:
        """Count and time it."""
        here = {names.COLLECTION: decision.collection}
        outcome = {**here, names.TIER: names.tier_of(decision), names.OUTCOME: names.outcome_of(decision)}
        self._duration.record(decision.milliseconds / 1000, outcome)
        counted = {**outcome, names.STRATEGY: str(decision.hit.strategy)}
        if decision.hit.error is not None:
            counted[names.ERROR_TYPE] = type(decision.hit.error).__name__
        self._lookups.add(1, counted)
        for tier in decision.tiers:
            told = {**here, names.TIER: tier.tier, names.ANSWERED: tier.answered}
            self._tier_duration.record(tier.milliseconds / 1000, told)
        for candidate in decision.candidates:
            guard = rejected_by(candidate)
            if guard is not None:
                self._rejections.add(1, {**here, names.TIER: candidate.tier, names.GUARD: guard})
        if decision.hit:
            self._saved(here)

    def _saved(self, here: Attributes) -> None:
        if self._tokens is not None:
            self._tokens_saved.add(self._tokens, here)
        if self._money is not None:
            self._money_saved.add(self._money, {**(here or {}), names.CURRENCY: self._currency})


def rejected_by(candidate: ConsideredCandidate) -> str | None:
    """The guard that rejected it, ``other_scope`` where a scope did, ``None`` when it was accepted."""
    guard = next((given.guard for given in candidate.verdicts if not given.verdict.accepted), None)
    if guard is None and candidate.outcome.startswith("rejected"):
        return names.OTHER_SCOPE
    return guard
