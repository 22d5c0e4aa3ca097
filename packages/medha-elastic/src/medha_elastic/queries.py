"""Conditions and searches, as Elasticsearch takes them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from medha.rows import as_json

if TYPE_CHECKING:
    from medha.models import CacheEntry, Scalar, Vector
    from medha.where import Where

MOST_MATCHES: Final = 10_000
"""Elasticsearch looks at no more candidates, and returns no more documents, at a time."""

ADD_FEEDBACK: Final = """
    if (params.correct == 0 && params.incorrect == 0) { ctx.op = 'none'; return; }
    long correct = ctx._source.feedback_correct;
    long incorrect = ctx._source.feedback_incorrect;
    ctx._source.feedback_correct = correct + params.correct;
    ctx._source.feedback_incorrect = incorrect + params.incorrect;
"""

_LONGEST_TOKEN: Final = 512
_BELOW_BY_ROUNDING: Final = 1e-5


def tokens_of(entry: CacheEntry) -> list[str]:
    """What of the entry conditions ask for: one keyword each, equal exactly when the values are the same."""
    tokens = [_token("question", entry.normalized_question), _token("query", entry.query_hash)]
    if entry.template_id is not None:
        tokens.append(_token("template", entry.template_id))
    tokens.extend(_metadata_token(key, value) for key, value in entry.metadata.items())
    return tokens


def filters_of(where: Where | None) -> list[dict[str, Any]]:
    """The conditions, all of which must hold."""
    if where is None:
        return []
    asked = {"question": where.normalized_question, "query": where.query_hash, "template": where.template_id}
    tokens = [_token(kind, value) for kind, value in asked.items() if value is not None]
    tokens.extend(_metadata_token(key, value) for key, value in where.metadata.items())
    filters: list[dict[str, Any]] = [{"term": {"tokens": token}} for token in tokens]
    if where.ids is not None:
        filters.append({"ids": {"values": list(where.ids)}})
    if where.expired_at is not None:
        filters.append({"range": {"expires_at": {"lte": where.expired_at}}})
    return filters


def query_of(where: Where | None) -> dict[str, Any]:
    """The conditions as one query; no conditions match everything."""
    return {"bool": {"filter": filters_of(where)}}


def knn_search(
    vector: Vector, *, limit: int, min_similarity: float, where: Where, now: float, num_candidates: int
) -> dict[str, Any]:
    """The closest entries that match and have not expired.

    The filter stands inside, and is always there: only with one does the engine compare a segment entry by entry
    where no more than ``num_candidates`` match.
    """
    limit = min(limit, MOST_MATCHES)
    alive = {"range": {"expires_at": {"lte": now}}}
    return {
        "knn": {
            "field": "vector",
            "query_vector": vector.tolist(),
            "k": limit,
            "num_candidates": max(num_candidates, limit),
            "filter": {"bool": {"filter": filters_of(where), "must_not": [alive]}},
            # what is a rounding below the least one is left out by number, in this process
            "similarity": min_similarity - _BELOW_BY_ROUNDING,
        },
        "size": limit,
        "track_total_hits": False,
    }


def to_similarity(score: float) -> float:
    """The raw cosine in a score, which Elasticsearch gives as ``(1 + cosine) / 2``."""
    return min(1.0, max(-1.0, 2.0 * score - 1.0))


def _token(kind: str, value: str) -> str:
    # a keyword of more than 32,766 bytes would be refused
    if len(value) <= _LONGEST_TOKEN:
        return f"{kind}={value}"
    return f"{kind}#{hashlib.sha256(value.encode()).hexdigest()}"


def _metadata_token(key: str, value: Scalar) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    # JSON tells texts, numbers and booleans apart
    return _token("metadata", as_json([key, value]))
