"""Checks of backends that several processes share, for packages' own tests; the memory of one process is not shared."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from medha import VectorStorageBackend, Where
from medha_conformance.corpus import SPEC, make_entry, make_id
from medha_conformance.processes import OtherProcess, batch
from medha_conformance.suite.reading import closest, read_all, read_one

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

_TIMES: Final = 20


async def check_shared_writes(backend: VectorStorageBackend, other: OtherProcess, collection: str = "music") -> None:
    """What one process writes to the open collection, the other sees at its next call; it has just been started."""
    assert await asyncio.to_thread(other.answer) == "ready"
    mine, theirs = make_id("mine"), make_id("theirs")
    await backend.upsert(collection, [make_entry("mine")])
    assert await asyncio.to_thread(other.ask, "search") == [mine], "the other process misses what was stored here"
    await asyncio.to_thread(other.ask, "store", "theirs")
    assert await _found(backend, collection) == sorted([mine, theirs]), "what the other process stored is missing here"
    assert await asyncio.to_thread(other.ask, "delete", "mine") == 1
    assert await backend.get(collection, [mine]) == [], "what the other process deleted is still there"
    assert await _found(backend, collection) == [theirs], "what the other process deleted is still found"
    assert await backend.add_feedback(collection, theirs, correct=1) == (1, 0)
    assert await asyncio.to_thread(other.ask, "feedback", "theirs") == [[2, 0]], "a count of feedback is lost"
    assert await backend.delete(collection, where=Where(ids=[theirs])) == 1
    assert await asyncio.to_thread(other.ask, "search") == [], "what was deleted here is still found there"


async def check_at_once(
    backend: VectorStorageBackend, others: Sequence[OtherProcess], collection: str = "music", *, times: int = _TIMES
) -> list[int]:
    """Processes that make a new collection at once all get it, store one entry, and lose no feedback.

    The backend is connected, the others have just been started. Returns the counts that the calls told, in order: a
    backend that counts in one step tells each number once.
    """
    assert await _answers(others) == ["ready"] * len(others)
    await backend.initialize(collection, SPEC)
    for other in others:
        other.begin("store", "rated")
    assert await _answers(others) == [None] * len(others)
    assert await backend.count(collection) == 1, "all stored an entry with the same id"
    for other in others:
        other.begin("feedback", "rated", times)
    mine = asyncio.gather(*(backend.add_feedback(collection, make_id("rated"), correct=1) for _ in range(times)))
    told = [counters for given in await _answers(others) for counters in given] + [*await mine]
    total = (len(others) + 1) * times
    assert (await read_one(backend, collection, make_id("rated"))).feedback_correct == total
    return sorted(correct for correct, _ in told)


async def check_nothing_lost(
    backend: VectorStorageBackend,
    acknowledged: Mapping[str, Collection[int]],
    collection: str = "music",
    *,
    size: int = 1,
    tasks: int = 1,
) -> None:
    """After ``kill_while_storing``: what was acknowledged is there, and of what was under way whole batches or nothing.

    The collection is open and holds nothing else; ``acknowledged`` are the numbers of each label.
    """
    stored = {entry.id: entry for entry in await read_all(backend, collection, with_vectors=True)}
    expected = [
        entry for label, numbers in acknowledged.items() for number in numbers for entry in batch(label, number, size)
    ]
    assert [stored.get(entry.id) for entry in expected] == expected, "what was acknowledged is not there, or not whole"
    assert len(stored) % size == 0, "a batch that was under way is there in part"
    assert len(stored) - len(expected) <= size * tasks * len(acknowledged), "more is there than was ever under way"
    assert await _found(backend, collection, len(stored) + 1) == sorted(stored), "search and scroll disagree"
    await backend.upsert(collection, [make_entry("after")])
    assert await backend.count(collection) == len(stored) + 1


async def _answers(others: Sequence[OtherProcess]) -> list[Any]:
    return [await asyncio.to_thread(other.answer) for other in others]


async def _found(backend: VectorStorageBackend, collection: str, limit: int = 1000) -> list[str]:
    return sorted(match.entry.id for match in await closest(backend, collection, limit=limit))
