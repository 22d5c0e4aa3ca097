"""What expires before, while and after a collection moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from medha import CollectionSource, Medha, NewEntry, RowSource, Settings, Where
from medha.errors import MigrationError
from medha.memory import MemoryBackend

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from conftest import Clock, WatchedBackend, WordsEmbedder


@pytest.fixture
def other() -> MemoryBackend:
    """The house to move into."""
    return MemoryBackend()


@pytest.fixture
async def source(embedder: WordsEmbedder, backend: WatchedBackend, clock: Clock) -> CollectionSource:
    """Three entries in the collection "old", of which one expires after a minute."""
    async with Medha("old", embedder, backend, clock=clock) as cache:
        await cache.store("total sales", "SELECT 1")
        await cache.store("sales of today", "SELECT 3", ttl=60)
        await cache.store("liked", "SELECT 4")
    return CollectionSource(backend, "old")


async def test_what_has_expired_stays_behind(
    source: CollectionSource, embedder: WordsEmbedder, other: MemoryBackend, clock: Clock
) -> None:
    clock.now += 61
    async with Medha("new", embedder, other, clock=clock) as cache:
        done = await cache.migrate_from(source)
        assert (done.entries, done.expired, await cache.count()) == (2, 1, 2)


async def test_what_expires_after_a_stop_is_not_foreign_to_the_next_run(
    source: CollectionSource, embedder: WordsEmbedder, other: MemoryBackend, clock: Clock
) -> None:
    async with Medha("new", embedder, other, clock=clock) as cache:
        await cache.migrate_from(source)
        clock.now += 61
        again = await cache.migrate_from(source)
        assert (again.already_there, again.expired, again.foreign) == (2, 1, 0)


async def test_what_had_expired_in_the_target_only_is_stored_again(
    embedder: WordsEmbedder, other: MemoryBackend, clock: Clock
) -> None:
    rows = RowSource(lambda: iter([{"question": "List artists", "query": "SELECT 3"}]), "rows")
    async with Medha("new", embedder, other, Settings(default_ttl_seconds=60), clock=clock) as cache:
        await cache.migrate_from(rows)
        clock.now += 61
        assert not await cache.search("List artists")
        again = await cache.migrate_from(rows)
        assert (again.stored, again.already_there, again.foreign) == (1, 0, 0)
        assert (await cache.search("List artists")).generated_query == "SELECT 3"


async def test_an_expired_entry_of_the_target_does_not_hide_one_that_the_source_lacks(
    source: CollectionSource, embedder: WordsEmbedder, other: MemoryBackend, clock: Clock
) -> None:
    async with Medha("new", embedder, other, clock=clock) as cache:
        await cache.store("liked", "SELECT 4", ttl=1)
        await cache.store("of somebody else", "SELECT 8")
        clock.now += 2
        with pytest.raises(MigrationError, match=r"1 entries that .* lacks, and 0 with the same"):
            await cache.migrate_from(source)


@pytest.mark.parametrize("at", ["storing", "verifying"])
async def test_what_expires_meanwhile_and_is_removed_from_the_source_is_no_fault(
    at: str,
    source: CollectionSource,
    embedder: WordsEmbedder,
    backend: WatchedBackend,
    other: MemoryBackend,
    clock: Clock,
) -> None:
    reads: Iterator[str] = iter(["looking", "storing", "verifying"])

    class Purging(CollectionSource):
        async def pages(self) -> AsyncIterator[Sequence[NewEntry]]:
            if next(reads) == at:
                clock.now += 61
                await backend.delete("old", where=Where(expired_at=clock.now))
            async for page in super().pages():
                yield page

    async with Medha("new", embedder, other, clock=clock) as cache:
        assert (await cache.migrate_from(Purging(backend, "old"))).entries == 3
        assert await other.count("new", where=Where(expired_at=clock.now)) == int(at == "verifying")


async def test_what_is_removed_from_the_source_before_it_expires_is_told(
    source: CollectionSource, embedder: WordsEmbedder, backend: WatchedBackend, other: MemoryBackend, clock: Clock
) -> None:
    reads: Iterator[int] = iter(range(3))

    class Removing(CollectionSource):
        async def pages(self) -> AsyncIterator[Sequence[NewEntry]]:
            if next(reads) == 1:
                await backend.delete("old", where=Where(expired_at=clock.now + 61))
            async for page in super().pages():
                yield page

    async with Medha("new", embedder, other, clock=clock) as cache:
        with pytest.raises(MigrationError, match="the source was changed meanwhile"):
            await cache.migrate_from(Removing(backend, "old"))
