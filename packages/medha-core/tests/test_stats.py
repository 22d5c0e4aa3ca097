"""Statistics, asked for while they are counted."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

import pytest

from medha import SearchStrategy
from medha.models import CacheHit
from medha.stats import StatsRecorder

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("hasty_threads")
def test_another_thread_may_ask_while_lookups_are_counted() -> None:
    stats = StatsRecorder(enabled=True, max_samples=10)
    hits = [CacheHit(strategy=strategy, reason="") for strategy in SearchStrategy]
    done = threading.Event()

    def count() -> None:
        while not done.is_set():
            stats.reset()
            for hit in hits:
                stats.lookup(hit, 0.001)

    counting = threading.Thread(target=count)
    counting.start()
    try:
        for _ in range(2_000):
            snapshot = stats.snapshot()
            assert snapshot.lookups == snapshot.hits + snapshot.misses
            assert snapshot.lookups == sum(tier.count for tier in snapshot.by_strategy.values())
    finally:
        done.set()
        counting.join()
