"""Searches by vector, in raw cosine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, cast

import numpy as np
from qdrant_client import models

from medha.models import Match
from medha_qdrant import points
from medha_qdrant.queries import matching, with_ids

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from medha.models import CacheEntry, Vector
    from medha.where import Where
    from medha_qdrant.settings import QdrantSettings
    from medha_qdrant.target import Target

_ROUNDING: Final = 1e-6
"""What a float32 threshold may be off by; whatever it lets through is compared again."""


class Asked(NamedTuple):
    """What a search asks for."""

    vector: Vector
    limit: int
    min_similarity: float
    where: Where
    now: float

    def accepts(self, match: Match) -> bool:
        """Whether it is asked for, as it is now: it may have been replaced after Qdrant applied the filter."""
        entry = match.entry
        return match.similarity >= self.min_similarity and self.where.matches(entry) and not entry.expired(self.now)


async def search(target: Target, asked: Asked) -> list[Match]:
    """One query, or several where strict mode has small pages."""
    matches: dict[str, Match] = {}
    page = target.limits.page
    for offset in range(0, asked.limit, page):
        limit = min(asked.limit - offset, page)
        (found,) = await target.query(_nearest(asked, target.settings, limit, offset))
        matches |= {match.entry.id: match for match in _matches(target, asked, found)}
        if len(found) < limit:
            break
    return list(matches.values())


async def get_and_search(target: Target, asked: Asked, entry_id: str) -> tuple[CacheEntry | None, list[Match]]:
    """One request with two queries; the limit must not exceed a page."""
    itself = models.QueryRequest.model_construct(
        filter=models.Filter(must=[with_ids([entry_id])]), limit=1, with_payload=points.ENTRY_FIELDS
    )
    same, near = await target.query(itself, _nearest(asked, target.settings, asked.limit, 0))
    entries = target.entries(same)
    return entries[0] if entries else None, _matches(target, asked, near)


async def paired(target: Target, asked: Asked, matches: list[Match], written: Sequence[Collection[str]]) -> list[Match]:
    """The matches, those that were written meanwhile compared anew, by the vector that belongs to the query."""
    doubtful = {match.entry.id for match in matches if any(match.entry.id in ids for ids in written)}
    if not doubtful:
        return matches
    settled = [match for match in matches if match.entry.id not in doubtful]
    for entry in await target.get(list(doubtful), with_vectors=True):
        product = float(np.dot(cast("Vector", entry.vector), asked.vector))
        settled += filter(asked.accepts, [Match(entry.with_vector(None), _cosine(product))])
    return sorted(settled, key=lambda match: -match.similarity)


def _nearest(asked: Asked, settings: QdrantSettings, limit: int, offset: int) -> models.QueryRequest:
    # not validated a second time, value by value
    return models.QueryRequest.model_construct(
        query=asked.vector.tolist(),
        filter=matching(asked.where, alive_at=asked.now),
        params=_params(settings),
        with_payload=points.ENTRY_FIELDS,
        # the rough similarities of quantized vectors must not decide
        score_threshold=asked.min_similarity - _ROUNDING if settings.quantization == "none" else None,
        limit=limit,
        offset=offset or None,
    )


def _params(settings: QdrantSettings) -> models.SearchParams | None:
    """How to search; the engine in this process compares every vector anyway."""
    if settings.embedded or not (settings.exact or settings.quantization != "none"):
        return None
    quantization = models.QuantizationSearchParams(rescore=True, oversampling=settings.oversampling)
    return models.SearchParams(
        exact=settings.exact or None, quantization=None if settings.quantization == "none" else quantization
    )


def _matches(target: Target, asked: Asked, found: Sequence[models.ScoredPoint]) -> list[Match]:
    pairs = zip(target.entries(found), found, strict=True)
    return [match for match in (Match(entry, _cosine(point.score)) for entry, point in pairs) if asked.accepts(match)]


def _cosine(product: float) -> float:
    return max(-1.0, min(1.0, product))
