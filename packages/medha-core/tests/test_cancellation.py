"""Cancelled at any await, every operation leaves the cache whole and healthy."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest

from medha import Medha

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from conftest import MakeCache, WatchedBackend, WordsEmbedder

OLD, NEW = "SELECT 'old'", "SELECT 'new'"
TURNS = [*range(60), *(int(60 * 1.5**power) for power in range(30))]
"""Of the loop, after which to cancel: each of the first ones, and so many that no busy thread outlasts the last."""


async def _cancel_after(steps: int, work: Coroutine[Any, Any, Any]) -> bool:
    """Run the work for so many turns of the loop, then cancel it; whether it was cancelled before its end."""
    task = asyncio.create_task(work)
    for _ in range(steps):
        await asyncio.sleep(0)
        if task.done():
            break
    task.cancel()
    outcome = (await asyncio.gather(task, return_exceptions=True))[0]
    if isinstance(outcome, Exception):
        raise outcome
    return isinstance(outcome, asyncio.CancelledError)


OPERATIONS: dict[str, Callable[[Medha, Path], Coroutine[Any, Any, Any]]] = {
    "search": lambda cache, _: cache.search("Albums by Queen"),
    "semantic search": lambda cache, _: cache.search("albums by Queen"),
    "search_batch": lambda cache, _: cache.search_batch(["albums by Queen", "tracks", "Albums by Queen"]),
    "explain": lambda cache, _: cache.explain("albums by Queen"),
    "get_or_generate": lambda cache, _: cache.get_or_generate("tracks", lambda _: "SELECT 1"),
    "store": lambda cache, _: cache.store("Albums by Queen", NEW),
    "store_many": lambda cache, _: cache.store_many(
        [{"question": "Albums by Queen", "query": NEW}, {"question": "tracks", "query": NEW}], batch_size=1
    ),
    "invalidate": lambda cache, _: cache.invalidate("Albums by Queen"),
    "invalidate_collection": lambda cache, _: cache.invalidate_collection(),
    "expire": lambda cache, _: cache.expire(),
    "dedup_collection": lambda cache, _: cache.dedup_collection(),
    "feedback": lambda cache, _: cache.feedback("Albums by Queen", False),
    "clear_caches": lambda cache, _: cache.clear_caches(),
    "export_to_file": lambda cache, folder: cache.export_to_file(folder / "out.jsonl"),
}


@pytest.mark.parametrize("name", OPERATIONS)
async def test_cancelled_anywhere_the_cache_agrees_with_its_backend_and_goes_on(
    make_cache: MakeCache, backend: WatchedBackend, tmp_path: Path, name: str
) -> None:
    for steps in TURNS:
        async with make_cache(feedback_incorrect_threshold=1) as cache:
            await cache.invalidate_collection()
            await cache.store("Albums by Queen", OLD)
            await cache.search("Albums by Queen")
            await cache.search("albums by Queen")
            cancelled = await _cancel_after(steps, OPERATIONS[name](cache, tmp_path))
        # closing has waited for what the cancelled caller left to be finished
        async with make_cache() as cache:
            stored = {
                entry.normalized_question: entry.generated_query for entry in (await backend.scroll("tests")).entries
            }
            for question in ("Albums by Queen", "tracks"):
                for _ in range(2):
                    assert (await cache.search(question)).generated_query == stored.get(question)
            await cache.store("still works", NEW)
            assert (await cache.search("still works")).generated_query == NEW
        assert not list(tmp_path.glob(".*.part"))
        if not cancelled:
            return
    pytest.fail(f"{name} did not end within {TURNS[-1]} turns of the loop")


@pytest.mark.parametrize("name", ["store", "invalidate", "invalidate_collection", "feedback", "store_many"])
async def test_a_cancelled_change_never_leaves_a_stale_answer_in_l1(
    make_cache: MakeCache, backend: WatchedBackend, tmp_path: Path, name: str
) -> None:
    for steps in TURNS:
        async with make_cache(feedback_incorrect_threshold=1) as cache:
            await cache.invalidate_collection()
            await cache.store("Albums by Queen", OLD)
            for question in ("Albums by Queen", "albums by Queen"):
                await cache.search(question)
            cancelled = await _cancel_after(steps, OPERATIONS[name](cache, tmp_path))
            # a change that was begun is carried to its end, in the background
            await cache._live.parts.settle()
            stored = {
                entry.normalized_question: entry.generated_query for entry in (await backend.scroll("tests")).entries
            }
            for question in ("Albums by Queen", "albums by Queen"):
                assert (await cache.search(question)).generated_query == stored.get("Albums by Queen")
        if not cancelled:
            return
    pytest.fail(f"{name} did not end within {TURNS[-1]} turns of the loop")


class HaltingClock:
    """Halts whoever asks for the time in another thread, after so many times."""

    def __init__(self, times: int) -> None:
        self._left = times
        self.halted, self.go = threading.Event(), threading.Event()

    def __call__(self) -> float:
        if threading.current_thread() is not threading.main_thread():
            self._left -= 1
            if self._left < 0:
                self.halted.set()
                self.go.wait(10)
        return 1_000_000.0


async def test_warming_that_is_cancelled_while_a_thread_reads_the_file_is_cancelled(
    embedder: WordsEmbedder, tmp_path: Path
) -> None:
    path = tmp_path / "some.jsonl"
    path.write_text('{"question": "tracks", "query": "SELECT 1"}\n' * 3)
    # the file is read through once to check it, and then to store it
    clock = HaltingClock(times=3)
    async with Medha("tests", embedder, clock=clock) as cache:
        warming = asyncio.create_task(cache.warm_from_file(path))
        await asyncio.to_thread(clock.halted.wait, 10)
        warming.cancel()
        await asyncio.sleep(0)
        clock.go.set()
        with pytest.raises(asyncio.CancelledError):
            await warming
        assert await cache.count() == 0


async def test_cancelled_start_closes_what_it_opened(make_cache: MakeCache) -> None:
    for steps in TURNS:
        cache = make_cache()
        cancelled = await _cancel_after(steps, cache.start())
        await cache.start()
        await cache.store("Albums by Queen", OLD)
        assert (await cache.search("Albums by Queen")).generated_query == OLD
        await cache.close()
        if not cancelled:
            return
    pytest.fail("start did not end")
