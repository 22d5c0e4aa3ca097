"""Counters and latency percentiles."""

from __future__ import annotations

import math
from collections import Counter, deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from medha.jsonable import to_jsonable
from medha.models import SearchStrategy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from medha.embedder import EmbeddingUsage
    from medha.models import CacheHit, Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyStats:
    """Percentiles of the latest lookups, in milliseconds, by the nearest-rank method; ``None`` without lookups."""

    p50: float | None
    p95: float | None
    p99: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TierStats:
    """What one strategy answered."""

    count: int
    latency: LatencyStats


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheStats:
    """What happened since the start or the last reset.

    ``lookups`` = ``hits`` + ``misses``. A lookup that raised is in ``errors`` only; one that survived a fault as a miss
    is in both. ``guard_rejections`` counts rejected candidates, by guard. ``terms`` say what each tier may serve now,
    where ``max_false_hit_rate`` is set. ``embedding`` is what a remote embedder was asked for, and what it cost;
    ``None`` where nothing is billed.
    """

    lookups: int
    hits: int
    misses: int
    hit_rate: float
    generated: int
    stored: int
    removed: int
    by_strategy: Mapping[str, TierStats]
    latency: LatencyStats
    errors: Mapping[str, int]
    guard_rejections: Mapping[str, int]
    terms: Terms | None = None
    embedding: EmbeddingUsage | None = None

    def to_dict(self) -> dict[str, Any]:
        """The statistics as plain JSON-able values."""
        return to_jsonable(self)


class StatsRecorder:
    """Counts what the parts report; costs one call a lookup."""

    def __init__(self, *, enabled: bool, max_samples: int) -> None:
        self._enabled = enabled
        self._max_samples = max_samples
        self._usage: Callable[[], EmbeddingUsage | None] = lambda: None
        self.reset()

    def watch(self, usage: Callable[[], EmbeddingUsage | None]) -> None:
        """Take what embedding costs from here; an embedder that was used before starts at zero."""
        self._usage = usage
        self._usage_before = usage()

    def reset(self) -> None:
        """Start over."""
        self._samples: dict[SearchStrategy, deque[float]] = {}
        self._counts: Counter[SearchStrategy] = Counter()
        self._errors: Counter[str] = Counter()
        self._rejections: Counter[str] = Counter()
        self._generated = self._stored = self._removed = 0
        self._usage_before = self._usage()

    def lookup(self, hit: CacheHit, seconds: float) -> None:
        """A lookup ended, as a hit or a miss."""
        if not self._enabled:
            return
        strategy = hit.strategy
        self._counts[strategy] += 1
        samples = self._samples.get(strategy)
        if samples is None:
            samples = self._samples[strategy] = deque(maxlen=self._max_samples)
        samples.append(seconds)

    def error(self, error: BaseException) -> None:
        """A call failed, or a lookup survived a fault."""
        if self._enabled:
            self._errors[type(error).__name__] += 1

    def rejected(self, guard: str) -> None:
        """A guard rejected a candidate."""
        if self._enabled:
            self._rejections[guard] += 1

    def generated(self) -> None:
        """A query was generated for a miss."""
        self._generated += self._enabled

    def stored(self, entries: int) -> None:
        """Entries were stored."""
        self._stored += entries * self._enabled

    def removed(self, entries: int) -> None:
        """Entries were removed."""
        self._removed += entries * self._enabled

    def snapshot(self) -> CacheStats:
        """The statistics as they stand."""
        # copied first: MedhaSync asks from another thread than the one that counts
        counts = self._counts.copy()
        samples = {strategy: list(kept) for strategy, kept in self._samples.copy().items()}
        misses = counts[SearchStrategy.NO_MATCH]
        lookups = sum(counts.values())
        return CacheStats(
            lookups=lookups,
            hits=lookups - misses,
            misses=misses,
            hit_rate=(lookups - misses) / lookups if lookups else 0.0,
            generated=self._generated,
            stored=self._stored,
            removed=self._removed,
            by_strategy={
                str(strategy): TierStats(count=count, latency=_latency(samples.get(strategy, ())))
                for strategy, count in sorted(counts.items())
            },
            latency=_latency([sample for kept in samples.values() for sample in kept]),
            errors=dict(self._errors),
            guard_rejections=dict(self._rejections),
            embedding=_since(self._usage_before, self._usage()) if self._enabled else None,
        )


def _since(before: EmbeddingUsage | None, now: EmbeddingUsage | None) -> EmbeddingUsage | None:
    if before is None or now is None:
        return now
    tokens = None if now.tokens is None else now.tokens - (before.tokens or 0)
    cost = None if now.cost is None else now.cost - (before.cost or 0.0)
    requests, texts = now.requests - before.requests, now.texts - before.texts
    return replace(now, requests=requests, texts=texts, tokens=tokens, cost=cost)


def _latency(seconds: Sequence[float]) -> LatencyStats:
    ordered = sorted(seconds)

    def rank(share: float) -> float | None:
        return ordered[math.ceil(share * len(ordered)) - 1] * 1000 if ordered else None

    return LatencyStats(p50=rank(0.50), p95=rank(0.95), p99=rank(0.99))
