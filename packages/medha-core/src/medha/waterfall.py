"""Runs the tiers in order; the first answer wins."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from medha.errors import BackendError, EmbedderError
from medha.hits import hit_from, miss
from medha.lookup import Recorder
from medha.models import SearchStrategy
from medha.terms import HELD
from medha.tiers.near import near_misses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medha.lookup import Lookup, Tier
    from medha.models import CacheHit
    from medha.stats import StatsRecorder
    from medha.tiers.judging import Judge


class Waterfall:
    """The tiers behind L1."""

    def __init__(self, tiers: Sequence[Tier], stats: StatsRecorder, judge: Judge) -> None:
        self._tiers = tuple(tiers)
        self._stats = stats
        self._judge = judge

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
            why_shut = None if lookup.terms is None else lookup.terms.why_shut(tier.name)
            try:
                hit = None if why_shut is not None else await tier.answer(lookup)
                if why_shut is not None:
                    lookup.reasons.append(why_shut)
            except EmbedderError as exc:
                hit = await _last_resort(lookup) or await _exactly(lookup, exc)
            if lookup.recorder is not None:
                reason = hit.reason if hit else "; ".join(lookup.reasons[told:])
                lookup.recorder.tier(tier.name, hit, reason, started)
            if hit is not None:
                return hit
        hit = await _last_resort(lookup)
        if hit is not None:
            return hit
        if lookup.recorder is not None and not lookup.served:
            lookup.recorder.near_misses += await near_misses(self._judge, lookup)
        return miss("; ".join(lookup.reasons))

    async def held_back(self, lookup: Lookup) -> CacheHit:
        """What the tiers that the terms hold back would have answered after a miss; nothing is counted."""
        freed = replace(lookup, terms=None, recorder=Recorder(), reasons=[], last_resort=None)
        for tier in self._tiers:
            hit = await tier.answer(freed) if tier.name in HELD else None
            if hit is not None:
                return hit
        return miss("no tier is held back from an answer")


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
