"""What spans, metrics and their attributes are called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from medha import Decision

SCOPE: Final = "medha"
"""The instrumentation scope."""

LOOKUP_SPAN: Final = "medha.lookup"
TIER_SPAN: Final = "medha.tier."
"""Followed by the tier."""
CANDIDATE_EVENT: Final = "medha.candidate"

LOOKUPS: Final = "medha.lookups"
LOOKUP_DURATION: Final = "medha.lookup.duration"
TIER_DURATION: Final = "medha.tier.duration"
GUARD_REJECTIONS: Final = "medha.guard.rejections"
TOKENS_SAVED: Final = "medha.tokens.saved"
MONEY_SAVED: Final = "medha.money.saved"

COLLECTION: Final = "medha.collection"
TIER: Final = "medha.tier"
STRATEGY: Final = "medha.strategy"
OUTCOME: Final = "medha.outcome"
ANSWERED: Final = "medha.answered"
GUARD: Final = "medha.guard"
CURRENCY: Final = "medha.currency"
ERROR_TYPE: Final = "error.type"
CONFIDENCE: Final = "medha.confidence"
SIMILARITY: Final = "medha.similarity"
ENTRY_ID: Final = "medha.entry_id"
CANDIDATES: Final = "medha.candidates"
REASON: Final = "medha.reason"
QUESTION: Final = "medha.question"
MATCHED_QUESTION: Final = "medha.matched_question"
SCOPE_VALUE: Final = "medha.scope."
"""Followed by the key of the scope."""

NO_TIER: Final = "none"
OTHER_SCOPE: Final = "other_scope"
"""In the place of a guard: the question has another query in another scope, and the lookup named neither."""


def outcome_of(decision: Decision) -> str:
    """``hit``, ``miss``, or ``error`` where a fault kept the tiers from an answer."""
    if decision.hit:
        return "hit"
    return "miss" if decision.hit.error is None else "error"


def tier_of(decision: Decision) -> str:
    """The tier that answered."""
    return next((trace.tier for trace in reversed(decision.tiers) if trace.answered), NO_TIER)
