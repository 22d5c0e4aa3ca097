"""How an entry becomes a hit, and the absence of one a miss."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medha.models import CacheHit, SearchStrategy

if TYPE_CHECKING:
    from medha.errors import MedhaError
    from medha.models import CacheEntry


def hit_from(
    entry: CacheEntry,
    strategy: SearchStrategy,
    *,
    confidence: float,
    reason: str,
    similarity: float | None = None,
) -> CacheHit:
    """The entry's query, served by a tier."""
    return CacheHit(
        strategy=strategy,
        reason=reason,
        generated_query=entry.generated_query,
        response_summary=entry.response_summary,
        confidence=min(max(confidence, 0.0), 1.0),
        matched_question=entry.question,
        similarity=similarity,
        entry_id=entry.id,
        template_used=entry.template_id,
        metadata=entry.metadata,
        expires_at=entry.expires_at,
    )


def miss(reason: str, error: MedhaError | None = None) -> CacheHit:
    """No answer, and why."""
    return CacheHit(strategy=SearchStrategy.NO_MATCH, reason=reason, error=error)
