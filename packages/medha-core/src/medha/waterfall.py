"""Runs the tiers in order; the first answer wins."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from medha.errors import BackendError, EmbedderError
from medha.hits import hit_from, miss
from medha.models import SearchStrategy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medha.lookup import Lookup, Tier
    from medha.models import CacheHit
    from medha.stats import StatsRecorder


class Waterfall:
    """The tiers behind L1."""

    def __init__(self, tiers: Sequence[Tier], stats: StatsRecorder) -> None:
        self._tiers = tuple(tiers)
        self._stats = stats

    async def answer(self, lookup: Lookup) -> CacheHit:
        """The first tier's answer, or a miss that says why.

        Raises:
            BackendError, EmbedderError: unless ``on_backend_error`` is "miss", which makes it a miss that
                carries the error.
        """
        try:
            return await self._descend(lookup)
        except (BackendError, EmbedderError) as exc:
            if lookup.served:
                self._stats.error(exc)
            if lookup.settings.on_backend_error == "raise":
                raise
            return miss(f"the lookup failed: {exc}", exc)

    async def _descend(self, lookup: Lookup) -> CacheHit:
        for tier in self._tiers:
            started = time.perf_counter()
            told = len(lookup.reasons)
            try:
                hit = await tier.answer(lookup)
            except EmbedderError as exc:
                hit = await _last_resort(lookup) or await _exactly(lookup, exc)
            if lookup.recorder is not None:
                reason = hit.reason if hit else "; ".join(lookup.reasons[told:])
                lookup.recorder.tier(tier.name, hit, reason, started)
            if hit is not None:
                return hit
        return await _last_resort(lookup) or miss("; ".join(lookup.reasons))


async def _last_resort(lookup: Lookup) -> CacheHit | None:
    return None if lookup.last_resort is None else await lookup.last_resort(lookup)


async def _exactly(lookup: Lookup, fault: EmbedderError) -> CacheHit:
    """The answer to this very question in a wider scope, found without the embedder that just failed."""
    entries = await lookup.entries_without_embedder(fault)
    if len({entry.query_hash for entry in entries}) > 1:
        return miss("the same question has different queries in different scopes; pass filters", fault)
    return hit_from(
        entries[0],
        SearchStrategy.EXACT_MATCH,
        confidence=1.0,
        reason="the same question, after normalising; found without the embedder, which failed",
    )
