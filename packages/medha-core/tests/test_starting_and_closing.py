"""Calls that meet a start or a close that is under way, and plugins that take too long or say too little."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from medha import L1CacheBackend, L1Read, Medha, Settings
from medha.errors import BackendError, BackendTimeoutError, EmbedderOutputError, LifecycleError
from medha.memory import MemoryBackend

if TYPE_CHECKING:
    from collections.abc import Collection

    from conftest import MakeCache, WatchedBackend, WordsEmbedder

    from medha import CacheEntry, CacheHit


async def test_closing_a_cache_that_is_starting_stops_the_start(
    make_cache: MakeCache, embedder: WordsEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, go = asyncio.Event(), asyncio.Event()

    async def slow_connect(self: object) -> None:
        reached.set()
        await go.wait()

    monkeypatch.setattr(type(embedder), "connect", slow_connect)
    cache = make_cache()
    starting = asyncio.create_task(cache.start())
    await reached.wait()
    await cache.close()
    go.set()
    with pytest.raises(LifecycleError, match="was closed while it was starting"):
        await starting
    with pytest.raises(LifecycleError, match="is closed"):
        await cache.search("tracks")
    await cache.start()
    assert not await cache.search("tracks")
    await cache.close()


async def test_a_lookup_that_a_close_overtakes_says_so(
    embedder: WordsEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, go = asyncio.Event(), asyncio.Event()

    async def held_get(self: object, *_: object) -> list[CacheEntry]:
        reached.set()
        await go.wait()
        raise BackendError("the connection is gone")

    monkeypatch.setattr(MemoryBackend, "get", held_get)
    cache = Medha("tests", embedder, "memory")
    await cache.start()
    looking = asyncio.create_task(cache.search("tracks"))
    await reached.wait()
    await cache.close()
    go.set()
    with pytest.raises(LifecycleError, match="'tests' was closed while this was under way") as refused:
        await looking
    assert isinstance(refused.value.__cause__, BackendError)


async def test_a_drivers_own_timeout_is_not_taken_for_the_deadline(
    make_cache: MakeCache, backend: WatchedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def timed_out(*_: object) -> None:
        raise TimeoutError("the pool is exhausted")

    async with make_cache(backend_timeout=None) as cache:
        monkeypatch.setattr(backend, "get", timed_out)
        with pytest.raises(BackendError, match="TimeoutError: the pool is exhausted") as refused:
            await cache.search("tracks")
        assert not isinstance(refused.value, BackendTimeoutError)


@pytest.mark.parametrize("name", ["", "  ", None, 3])
async def test_an_embedder_without_a_name_for_its_model_is_refused(
    make_cache: MakeCache, embedder: WordsEmbedder, monkeypatch: pytest.MonkeyPatch, name: Any
) -> None:
    monkeypatch.setattr(type(embedder), "model_name", name)
    with pytest.raises(EmbedderOutputError, match="a str that names the model"):
        await make_cache().start()


class SilentL1(L1CacheBackend):
    """An L1 cache over the network whose server never answers; counts those who wait at once."""

    def __init__(self) -> None:
        self.waiting = self.most = 0

    async def get(self, collection: str, key: str) -> L1Read:
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        try:
            await asyncio.Event().wait()
        finally:
            self.waiting -= 1
        raise AssertionError

    async def set(self, collection: str, key: str, hit: CacheHit, *, tags: Collection[str], fence: int) -> bool:
        raise AssertionError

    async def invalidate(self, collection: str, tags: Collection[str]) -> int:
        return 0

    async def clear(self, collection: str) -> None:
        """Nothing is kept."""


async def test_a_batch_waits_for_a_silent_l1_once_and_not_for_every_question(embedder: WordsEmbedder) -> None:
    l1 = SilentL1()
    async with Medha("tests", embedder, "memory", Settings(backend_timeout=0.05), l1_backend=l1) as cache:
        await cache.store("tracks", "SELECT 1")
        hits = await cache.search_batch(["tracks"] * 10)
        assert all(hits)
        assert l1.most == 10
        assert cache.stats().errors["L1Error"] >= 10
