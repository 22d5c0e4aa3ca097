"""A backend that runs apart: each call in its thread while it is connected, and never a caller that waits for ever."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from medha import CacheEntry, CollectionSpec, Match, Page, Where
from medha.apart import ApartBackend
from medha.errors import BackendUnavailableError
from medha.memory import MemoryBackend

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medha.models import Vector

SPEC = CollectionSpec(dimension=2, model_name="words")


class Sheltered(ApartBackend):
    """The memory backend, noting the threads of its calls; ``held`` keeps a count from ending."""

    capabilities = MemoryBackend.capabilities

    def __init__(self) -> None:
        self.inner = MemoryBackend()
        self.threads: dict[str, int] = {}
        self.fails = self.held = False
        self.let_close: threading.Event | None = None
        self.counting, self.given_up = threading.Event(), threading.Event()

    def note(self, what: str) -> None:
        self.threads[what] = threading.get_ident()

    async def connect(self) -> None:
        self.note("connect")
        if self.fails:
            raise BackendUnavailableError("nobody there")

    async def close(self) -> None:
        self.note("close")
        if self.let_close is not None:
            await asyncio.to_thread(self.let_close.wait)

    async def initialize(self, collection: str, spec: CollectionSpec) -> None:
        self.note("initialize")
        await self.inner.initialize(collection, spec)

    async def drop_collection(self, collection: str) -> None:
        await self.inner.drop_collection(collection)

    async def upsert(self, collection: str, entries: Sequence[CacheEntry]) -> None:
        await self.inner.upsert(collection, entries)

    async def get(self, collection: str, ids: Sequence[str]) -> list[CacheEntry]:
        return await self.inner.get(collection, ids)

    async def search(
        self, collection: str, vector: Vector, *, limit: int, min_similarity: float, where: Where, now: float
    ) -> list[Match]:
        self.note("search")
        # a call within a call stays where it is
        await self.count(collection)
        return await self.inner.search(
            collection, vector, limit=limit, min_similarity=min_similarity, where=where, now=now
        )

    async def scroll(
        self,
        collection: str,
        *,
        where: Where | None = None,
        limit: int = 500,
        cursor: str | None = None,
        with_vectors: bool = False,
    ) -> Page:
        return await self.inner.scroll(collection, where=where, limit=limit, cursor=cursor, with_vectors=with_vectors)

    async def count(self, collection: str, *, where: Where | None = None) -> int:
        self.note("count")
        if self.held:
            self.counting.set()
            try:
                await asyncio.Event().wait()
            finally:
                self.given_up.set()
        return await self.inner.count(collection, where=where)

    async def delete(self, collection: str, *, where: Where) -> int:
        return await self.inner.delete(collection, where=where)

    async def add_feedback(
        self, collection: str, entry_id: str, *, correct: int = 0, incorrect: int = 0
    ) -> tuple[int, int] | None:
        return await self.inner.add_feedback(collection, entry_id, correct=correct, incorrect=incorrect)


async def used(backend: Sheltered) -> None:
    await backend.connect()
    await backend.initialize("music", SPEC)
    asked: Any = np.array([1, 0], np.float32)
    await backend.search("music", asked, limit=1, min_similarity=-1.0, where=Where(), now=0.0)


def threads_left() -> int:
    return sum(thread.name == "medha-loop" for thread in threading.enumerate())


async def test_every_call_runs_in_one_thread_that_ends_when_it_is_closed() -> None:
    before, backend = threads_left(), Sheltered()
    await used(backend)
    assert threads_left() == before + 1
    await backend.close()
    assert set(backend.threads) == {"connect", "initialize", "search", "count", "close"}
    assert len(set(backend.threads.values()) - {threading.get_ident()}) == 1
    assert threading.get_ident() not in backend.threads.values()
    assert threads_left() == before


async def test_it_can_be_connected_again() -> None:
    backend = Sheltered()
    for _ in range(2):
        await used(backend)
        await backend.close()
    await backend.close()
    assert threading.get_ident() == backend.threads["close"], "there was nothing to close, and no thread"


async def test_who_connects_while_another_closes_has_a_thread() -> None:
    before, backend = threads_left(), Sheltered()
    await used(backend)
    backend.let_close = threading.Event()
    closing = asyncio.ensure_future(backend.close())
    await asyncio.sleep(0)
    await backend.connect()
    backend.let_close.set()
    await closing
    await backend.count("music")
    assert threads_left() == before + 1
    assert backend.threads["count"] == backend.threads["connect"] != threading.get_ident()
    await backend.close()
    assert threads_left() == before


async def test_what_belongs_to_the_callers_loop_stays_there() -> None:
    backend = Sheltered()
    backend.apart = False
    await used(backend)
    await backend.close()
    assert set(backend.threads.values()) == {threading.get_ident()}


async def test_a_connection_that_fails_leaves_no_thread() -> None:
    before, backend = threads_left(), Sheltered()
    backend.fails = True
    for error in await asyncio.gather(*(backend.connect() for _ in range(3)), return_exceptions=True):
        assert isinstance(error, BackendUnavailableError)
    assert threads_left() == before
    backend.fails = False
    await used(backend)
    await backend.close()


async def test_a_call_that_is_cancelled_has_ended_when_the_caller_goes_on() -> None:
    backend = Sheltered()
    await used(backend)
    backend.held = True
    call = asyncio.ensure_future(backend.count("music"))
    await asyncio.to_thread(backend.counting.wait)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert backend.given_up.is_set()
    await backend.close()


async def test_closing_during_a_call_is_an_error_and_no_cancellation() -> None:
    backend = Sheltered()
    await used(backend)
    backend.held = True
    call = asyncio.ensure_future(backend.count("music"))
    await asyncio.to_thread(backend.counting.wait)
    await backend.close()
    with pytest.raises(BackendUnavailableError, match="closed during a call"):
        await call


async def test_calls_that_race_with_closing_all_end() -> None:
    for _ in range(20):
        backend = Sheltered()
        await used(backend)
        calls = [asyncio.ensure_future(backend.count("music")) for _ in range(5)]
        closing = asyncio.ensure_future(backend.close())
        while not closing.done():
            calls.append(asyncio.ensure_future(backend.count("music")))
            await asyncio.sleep(0)
        async with asyncio.timeout(30):
            for answer in await asyncio.gather(*calls, return_exceptions=True):
                assert answer == 0 or isinstance(answer, BackendUnavailableError)
