"""Moving a collection, a file or rows into another collection."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pytest

from medha import CacheEntry, CollectionSource, FileSource, Medha, MedhaSync, NewEntry, RowSource, Settings
from medha.errors import (
    BackendWriteError,
    CollectionNotFoundError,
    InvalidEntryError,
    InvalidInputError,
    MigrationError,
    PartialWriteError,
)
from medha.memory import MemoryBackend

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from conftest import Clock, WatchedBackend, WordsEmbedder

ENTRIES: Final = [
    NewEntry(question="total sales", generated_query="SELECT 1"),
    NewEntry(question="total sales", generated_query="SELECT 2", metadata={"tenant": "acme", "year": 2024}),
    NewEntry(question="Umlaut “Ä”, 🎸", generated_query=";,\t\"'", response_summary="a\nb", template_id="t1"),
    NewEntry(question="sales of today", generated_query="SELECT 3", ttl=60, metadata={"open": True}),
    NewEntry(question="liked", generated_query="SELECT 4", feedback_correct=7, feedback_incorrect=2, created_at=5.25),
]


@pytest.fixture
def other() -> MemoryBackend:
    """The house to move into."""
    return MemoryBackend()


@pytest.fixture
async def source(embedder: WordsEmbedder, backend: WatchedBackend, clock: Clock) -> CollectionSource:
    """The five entries in the collection "old"."""
    async with Medha("old", embedder, backend, clock=clock) as cache:
        await cache.store_many(ENTRIES)
    embedder.calls.clear()
    return CollectionSource(backend, "old")


async def entries_of(backend: MemoryBackend, collection: str) -> dict[tuple[str, str], CacheEntry]:
    page = await backend.scroll(collection, with_vectors=True)
    return {(entry.question, str(sorted(entry.metadata.items()))): entry for entry in page.entries}


def with_model(embedder: WordsEmbedder, name: str) -> WordsEmbedder:
    another: Any = type(embedder)()
    another.model_name = name
    return another


async def test_everything_comes_along_and_nothing_is_embedded_for_the_same_model(
    source: CollectionSource, embedder: WordsEmbedder, backend: WatchedBackend, other: MemoryBackend, clock: Clock
) -> None:
    async with Medha("old", embedder, other, clock=clock) as cache:
        done = await cache.migrate_from(source)
        moved, left = await entries_of(other, "old"), await entries_of(backend, "old")
        assert moved == left
        assert all(np.allclose(moved[key].vector, left[key].vector) for key in left)  # pyright: ignore[reportArgumentType]
        assert (done.entries, done.stored, done.embedded, done.already_there) == (5, 5, 0, 0)
        assert embedder.calls == []
        assert (await cache.search("Total sales", filters={"tenant": "acme"})).generated_query == "SELECT 2"


async def test_under_another_name_the_entries_get_the_ids_of_that_collection(
    source: CollectionSource, embedder: WordsEmbedder, backend: WatchedBackend, other: MemoryBackend, clock: Clock
) -> None:
    async with Medha("new", embedder, other, clock=clock) as cache:
        await cache.migrate_from(source)
        moved, left = await entries_of(other, "new"), await entries_of(backend, "old")
        assert {entry.id for entry in moved.values()}.isdisjoint(entry.id for entry in left.values())
        assert (await cache.search("liked")).entry_id == moved["liked", "[]"].id
        assert embedder.calls == []
        await cache.store("liked", "SELECT 5")
        assert await cache.count() == len(ENTRIES)


async def test_another_model_embeds_anew_as_documents(
    source: CollectionSource, embedder: WordsEmbedder, other: MemoryBackend, clock: Clock
) -> None:
    new_model = with_model(embedder, "words 2")
    async with Medha("old", new_model, other, clock=clock) as cache:
        assert (await cache.migrate_from(source)).embedded == len(ENTRIES)
        assert {is_document for _, is_document in new_model.calls} == {True}
        assert not source.same_model
        assert all(entry.vector is not None for entry in (await entries_of(other, "old")).values())


async def test_a_run_that_was_stopped_goes_on_where_it_was(
    embedder: WordsEmbedder, backend: WatchedBackend, clock: Clock
) -> None:
    class FullAfter(MemoryBackend):
        room = 500

        async def upsert(self, collection: str, entries: Sequence[CacheEntry]) -> None:
            if self.room <= 0:
                raise BackendWriteError("the disk is full")
            self.room -= len(entries)
            await super().upsert(collection, entries)

    async with Medha("old", embedder, backend, clock=clock) as cache:
        await cache.store_many({"question": f"question {n}", "query": "SELECT 1"} for n in range(1200))
    target = FullAfter()
    source = CollectionSource(backend, "old")
    async with Medha("new", embedder, target, clock=clock) as cache:
        with pytest.raises(PartialWriteError, match=r"run it again.*the disk is full") as stopped:
            await cache.migrate_from(source)
        assert stopped.value.stored == await cache.count() == 500
        target.room = 10_000
        clock.now += 3600
        again = await cache.migrate_from(source)
        assert (again.entries, again.already_there, again.stored) == (1200, 500, 700)
        assert await cache.count() == 1200
        once_more = await cache.migrate_from(source)
        assert (once_more.stored, once_more.checksum) == (0, again.checksum)


async def test_a_collection_that_holds_something_else_is_refused_and_left_as_it_is(
    source: CollectionSource, embedder: WordsEmbedder, other: MemoryBackend, clock: Clock
) -> None:
    async with Medha("new", embedder, other, clock=clock) as cache:
        await cache.store("of somebody else", "SELECT 8")
        await cache.store("liked", "SELECT 9")
        before = await entries_of(other, "new")
        with pytest.raises(MigrationError, match=r"1 entries that .* lacks, and 1 with the same"):
            await cache.migrate_from(source)
        assert await entries_of(other, "new") == before
        done = await cache.migrate_from(source, merge=True)
        assert (done.stored, done.foreign) == (5, 1)
        assert (await cache.search("of somebody else")).generated_query == "SELECT 8"
        assert (await cache.search("liked")).generated_query == "SELECT 4"


async def test_an_answer_that_a_merge_replaces_is_withdrawn_from_l1(
    source: CollectionSource, embedder: WordsEmbedder, other: MemoryBackend, clock: Clock
) -> None:
    async with Medha("new", embedder, other, clock=clock) as cache:
        await cache.store("liked", "SELECT 9")
        assert (await cache.search("liked")).generated_query == "SELECT 9"
        await cache.migrate_from(source, merge=True)
        assert (await cache.search("liked")).generated_query == "SELECT 4"


async def test_a_dry_run_tells_the_same_and_writes_nothing(
    source: CollectionSource, embedder: WordsEmbedder, other: MemoryBackend, clock: Clock
) -> None:
    async with Medha("new", embedder, other, clock=clock) as cache:
        planned = await cache.migrate_from(source, dry_run=True)
        assert await cache.count() == 0
        done = await cache.migrate_from(source)
        assert (planned.stored, planned.checksum, planned.dry_run) == (done.stored, done.checksum, True)


async def test_a_collection_that_is_not_there_is_named_and_not_made(
    backend: WatchedBackend, embedder: WordsEmbedder, other: MemoryBackend
) -> None:
    async with Medha("new", embedder, other) as cache:
        with pytest.raises(CollectionNotFoundError, match="'gone'"):
            await cache.migrate_from(CollectionSource(backend, "gone"))
    with pytest.raises(CollectionNotFoundError):
        await backend.count("gone")


async def test_a_collection_cannot_be_migrated_into_itself(cache: Medha, backend: WatchedBackend) -> None:
    with pytest.raises(InvalidInputError, match="into itself"):
        await cache.migrate_from(CollectionSource(backend, "tests"))


def forgets(entries: Sequence[CacheEntry]) -> list[CacheEntry]:
    return list(entries[1:])


def swaps_scopes(entries: Sequence[CacheEntry]) -> list[CacheEntry]:
    return [_changed(entries[0], metadata={"tenant": "another"}), *entries[1:]]


def turns_a_vector(entries: Sequence[CacheEntry]) -> list[CacheEntry]:
    vector = entries[0].vector
    assert vector is not None
    return [entries[0].with_vector(np.roll(vector, 1)), *entries[1:]]


def adds_one(entries: Sequence[CacheEntry]) -> list[CacheEntry]:
    return [*entries, _changed(entries[0], id="00000000-0000-5000-8000-000000000000")]


def _changed(entry: CacheEntry, **values: Any) -> CacheEntry:
    fields = {name: getattr(entry, name) for name in CacheEntry.__dataclass_fields__}
    return CacheEntry(**{**fields, **values})


@pytest.mark.parametrize("fault", [forgets, swaps_scopes, turns_a_vector, adds_one])
async def test_a_copy_that_is_not_the_source_is_told(
    fault: Callable[[Sequence[CacheEntry]], list[CacheEntry]],
    source: CollectionSource,
    embedder: WordsEmbedder,
    clock: Clock,
) -> None:
    class Faulty(MemoryBackend):
        async def upsert(self, collection: str, entries: Sequence[CacheEntry]) -> None:
            await super().upsert(collection, fault(entries))

    async with Medha("new", embedder, Faulty(), clock=clock) as cache:
        with pytest.raises(MigrationError, match="is not what the collection 'old'"):
            await cache.migrate_from(source)


async def test_a_vector_embedded_anew_that_arrives_without_its_length_is_told(
    source: CollectionSource, embedder: WordsEmbedder, clock: Clock
) -> None:
    class Zeroing(MemoryBackend):
        async def upsert(self, collection: str, entries: Sequence[CacheEntry]) -> None:
            await super().upsert(collection, [entry.with_vector(np.zeros(64, np.float32)) for entry in entries])

    async with Medha("new", with_model(embedder, "words 2"), Zeroing(), clock=clock) as cache:
        with pytest.raises(MigrationError, match="5 differ"):
            await cache.migrate_from(source)


async def test_a_source_that_changes_meanwhile_is_told(
    source: CollectionSource, embedder: WordsEmbedder, backend: WatchedBackend, other: MemoryBackend, clock: Clock
) -> None:
    async with (
        Medha("old", embedder, backend, clock=clock) as writer,
        Medha("new", embedder, other, clock=clock) as new,
    ):
        writing = iter([True])

        async def store() -> None:
            await writer.store("written meanwhile", "SELECT 1")

        class Changing(CollectionSource):
            async def pages(self) -> AsyncIterator[Sequence[NewEntry]]:
                async for page in super().pages():
                    yield page
                if await new.count() and next(writing, False):
                    await store()

        with pytest.raises(MigrationError, match="the source was changed meanwhile"):
            await new.migrate_from(Changing(backend, "old"))
        assert (await new.migrate_from(source)).stored == 1


async def test_progress_is_told_step_by_step(
    source: CollectionSource, embedder: WordsEmbedder, other: MemoryBackend, clock: Clock
) -> None:
    told: list[tuple[str, int, int]] = []
    async with Medha("new", embedder, other, clock=clock) as cache:
        await cache.migrate_from(source, on_progress=lambda step, done, total: told.append((step, done, total)))
    assert told == [("looking", 5, 5), ("storing", 5, 5), ("verifying", 5, 5)]


LEGACY: Final[list[dict[str, Any]]] = [
    {
        "id": "1f0e",
        "original_question": "Show me total sales",
        "normalized_question": "total sales",
        "generated_query": "SELECT 1",
        "query_hash": "an md5",
        "usage_count": 12,
        "feedback_correct": 3,
        "feedback_incorrect": 1,
        "created_at": "2025-01-02T03:04:05+00:00",
        "expires_at": None,
        "metadata": {"tenant": "acme"},
        "vector": [0.0] * 3,
    },
    {
        "original_question": "total sales",
        "generated_query": "SELECT 2",
        "created_at": "2025-06-02 03:04:05",
        "expires_at": "2100-01-01T00:00:00+02:00",
        "metadata": '{"tenant": "acme"}',
    },
    {"original_question": "List artists", "generated_query": "SELECT 3", "metadata": None},
    {"original_question": "list the artists", "generated_query": "SELECT 4"},
]


@pytest.mark.parametrize("kind", ["rows", "jsonl", "json"])
async def test_rows_of_the_reference_package_move_in_and_the_newest_of_a_scope_counts(
    kind: str, embedder: WordsEmbedder, other: MemoryBackend, tmp_path: Path, clock: Clock
) -> None:
    file = tmp_path / f"export.{kind}"
    text = json.dumps(LEGACY) if kind == "json" else "".join(json.dumps(row) + "\n" for row in LEGACY)
    file.write_text(text, encoding="utf-8")
    source = RowSource(lambda: iter(LEGACY), "legacy") if kind == "rows" else FileSource(file)
    async with Medha("new", embedder, other, clock=clock) as cache:
        done = await cache.migrate_from(source)
        assert (done.entries, done.repeated, done.stored, done.embedded) == (3, 1, 3, 3)
        moved = await entries_of(other, "new")
        kept = moved["total sales", "[('tenant', 'acme')]"]
        assert (kept.generated_query, kept.created_at) == ("SELECT 2", 1748833445.0)
        assert kept.expires_at == 4102437600.0
        clock.now += 10
        again = await cache.migrate_from(source)
        assert (again.stored, again.already_there) == (0, 3)


async def test_of_rows_without_a_time_the_last_counts(embedder: WordsEmbedder, other: MemoryBackend) -> None:
    rows = [{"question": "how many?", "query": f"SELECT {number}"} for number in range(3)]
    async with Medha("new", embedder, other) as cache:
        assert (await cache.migrate_from(RowSource(lambda: iter(rows), "rows"))).repeated == 2
        assert (await cache.search("how many?")).generated_query == "SELECT 2"


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"original_question": "q"}, "generated_query"),
        ({"original_question": "q", "generated_query": "x", "created_at": "yesterday"}, "ISO 8601"),
        ({"original_question": "q", "generated_query": "x", "metadata": {"a": [1]}}, "metadata"),
        ({"original_question": "q" * 9000, "generated_query": "x"}, "MEDHA_MAX_QUESTION_LENGTH"),
    ],
)
async def test_a_bad_row_is_named_and_nothing_is_stored(
    row: Mapping[str, Any], says: str, embedder: WordsEmbedder, other: MemoryBackend
) -> None:
    def rows() -> Iterator[Mapping[str, Any]]:
        yield from ({"question": f"question {number}", "query": "SELECT 1"} for number in range(700))
        yield row

    async with Medha("new", embedder, other) as cache:
        with pytest.raises(InvalidEntryError, match=says) as refused:
            await cache.migrate_from(RowSource(rows, "legacy"))
        assert refused.value.index == 700
        assert await cache.count() == 0


async def test_a_ttl_by_default_holds_for_rows_and_not_for_entries_of_a_collection(
    source: CollectionSource, embedder: WordsEmbedder, clock: Clock
) -> None:
    settings = Settings(default_ttl_seconds=100)
    rows, moved = MemoryBackend(), MemoryBackend()
    async with Medha("new", embedder, rows, settings, clock=clock) as cache:
        await cache.migrate_from(RowSource(lambda: iter(LEGACY[2:]), "rows"))
        assert {e.expires_at for e in (await rows.scroll("new")).entries} == {clock.now + 100}
    async with Medha("new", embedder, moved, settings, clock=clock) as cache:
        await cache.migrate_from(source)
        assert {e.expires_at for e in (await moved.scroll("new")).entries} == {None, clock.now + 60}


def test_the_blocking_facade_migrates_too(embedder: WordsEmbedder, other: MemoryBackend) -> None:
    with MedhaSync("new", embedder, other) as cache:
        assert cache.migrate_from(RowSource(lambda: iter(LEGACY), "rows")).entries == 3
