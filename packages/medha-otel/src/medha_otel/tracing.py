"""The spans: one for a lookup, and one in it for each tier that was tried."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.trace import Status, StatusCode

from medha_otel import names
from medha_otel.measuring import rejected_by

if TYPE_CHECKING:
    from collections.abc import Generator

    from opentelemetry.trace import Span, Tracer

    from medha import Decision
    from medha.models import ConsideredCandidate, TierTrace
    from medha_otel.settings import OtelSettings


class Tracing:
    """Makes spans after the fact, with the times at which things happened, below the span of whoever asked."""

    def __init__(self, tracer: Tracer, settings: OtelSettings) -> None:
        self._tracer = tracer
        self._questions, self._scopes = settings.record_questions, settings.record_scopes

    @contextmanager
    def lookup(self, decision: Decision, ended: int) -> Generator[None]:
        """The span of a lookup that ended at this nanosecond of the epoch; it is the current one inside."""
        span = self._tracer.start_span(names.LOOKUP_SPAN, start_time=ended - _nanoseconds(decision.milliseconds))
        try:
            with trace.use_span(span):
                if span.is_recording():
                    self._describe(span, decision)
                    self._tiers(decision, ended)
                yield
        finally:
            span.end(ended)

    def _describe(self, span: Span, decision: Decision) -> None:
        hit = decision.hit
        span.set_attributes(
            {
                names.COLLECTION: decision.collection,
                names.OUTCOME: names.outcome_of(decision),
                names.TIER: names.tier_of(decision),
                names.STRATEGY: str(hit.strategy),
                names.CONFIDENCE: hit.confidence,
                names.CANDIDATES: len(decision.candidates),
            }
        )
        if hit.similarity is not None:
            span.set_attribute(names.SIMILARITY, hit.similarity)
        if hit.entry_id is not None:
            span.set_attribute(names.ENTRY_ID, hit.entry_id)
        if hit.error is not None:
            # what an error says may come from a driver, which may quote what it was given
            span.set_attribute(names.ERROR_TYPE, type(hit.error).__name__)
            span.set_status(Status(StatusCode.ERROR))
        if self._questions:
            span.set_attributes({names.QUESTION: decision.question, names.REASON: hit.reason})
            if hit.matched_question is not None:
                span.set_attribute(names.MATCHED_QUESTION, hit.matched_question)
        if self._scopes:
            span.set_attributes({names.SCOPE_VALUE + key: value for key, value in decision.filters.items()})

    def _tiers(self, decision: Decision, ended: int) -> None:
        """One after the other, the last one up to the end."""
        began = ended - sum(_nanoseconds(tier.milliseconds) for tier in decision.tiers)
        for tier in decision.tiers:
            until = began + _nanoseconds(tier.milliseconds)
            span = self._tracer.start_span(names.TIER_SPAN + tier.tier, start_time=began)
            if span.is_recording():
                self._describe_tier(span, tier, decision.candidates, until)
            span.end(until)
            began = until

    def _describe_tier(
        self, span: Span, tier: TierTrace, candidates: tuple[ConsideredCandidate, ...], until: int
    ) -> None:
        span.set_attributes({names.TIER: tier.tier, names.ANSWERED: tier.answered})
        if self._questions:
            span.set_attribute(names.REASON, tier.reason)
        for candidate in candidates:
            if candidate.tier == tier.tier:
                guard = rejected_by(candidate)
                told = {names.ENTRY_ID: candidate.entry_id, names.SIMILARITY: candidate.similarity}
                told |= {names.GUARD: guard} if guard is not None else {}
                if self._questions:
                    told |= {names.QUESTION: candidate.question, names.REASON: candidate.outcome}
                span.add_event(names.CANDIDATE_EVENT, told, until)


def _nanoseconds(milliseconds: float) -> int:
    return round(milliseconds * 1_000_000)
