"""Commits that many calls share, files that are put together, and the index of a large table."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest

from medha import Where
from medha.errors import BackendWriteError, CollectionMismatchError
from medha_conformance.corpus import NOW, make_entries, make_entry, make_id, unit_vectors, vector_at
from medha_conformance.suite.reading import closest, read_all, read_one
from medha_lancedb import LanceSettings
from medha_lancedb.writing import Delete, Feedback, Writer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

    from medha_lancedb import LanceBackend


async def test_single_stores_at_the_same_time_share_commits(
    table_only: LanceBackend, by_hand: Callable[[], Awaitable[Any]]
) -> None:
    before = await (await by_hand()).version()
    entries = make_entries(200)
    await asyncio.gather(*(table_only.upsert("music", [entry]) for entry in entries))
    assert {entry.id for entry in await read_all(table_only, "music")} == {entry.id for entry in entries}
    assert await (await by_hand()).version() - before <= 3


async def test_of_stores_of_one_id_in_one_commit_the_last_one_stays(backend: LanceBackend) -> None:
    versions = [make_entry("contested", generated_query=f"SELECT {number}") for number in range(50)]
    await asyncio.gather(*(backend.upsert("music", [version]) for version in versions))
    assert await read_one(backend, "music", make_id("contested")) == versions[-1]
    assert await backend.count("music") == 1


async def test_a_store_that_does_not_fit_spoils_no_other_of_its_commit(backend: LanceBackend) -> None:
    good = make_entries(20)
    bad = make_entry("long", vector=unit_vectors(1, 9)[0])
    outcomes = await asyncio.gather(
        *(backend.upsert("music", [entry]) for entry in (*good[:10], bad, *good[10:])), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes if outcome is not None] == [CollectionMismatchError]
    assert await backend.count("music") == 20


@pytest.mark.parametrize("refused", [{"feedback_correct": 2**70}, {"metadata": {"tenant": "\ud800"}}])
async def test_a_bulk_store_whose_values_are_refused_spoils_no_other_of_its_commit(
    backend: LanceBackend, refused: dict[str, Any]
) -> None:
    first, bad, last = [make_entries(150, name) for name in ("first", "bad", "last")]
    bad[70] = make_entry("refused", **refused)
    outcomes = await asyncio.gather(
        *(backend.upsert("music", entries) for entries in (first, bad, last)), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [type(None), BackendWriteError, type(None)]
    stored = {entry.id for entry in await read_all(backend, "music")}
    assert stored == {entry.id for entry in (*first, *last)}


async def test_work_is_done_in_the_order_in_which_it_came(backend: LanceBackend) -> None:
    entry, where = make_entry("albums"), Where(ids=[make_id("albums")])
    outcomes = await asyncio.gather(
        backend.upsert("music", [entry]),
        backend.add_feedback("music", entry.id, correct=1),
        backend.delete("music", where=where),
        backend.add_feedback("music", entry.id, correct=1),
        backend.upsert("music", [entry]),
        backend.add_feedback("music", entry.id, correct=2, incorrect=1),
        backend.add_feedback("music", entry.id, correct=3),
    )
    assert outcomes == [None, (1, 0), 1, None, None, (2, 1), (5, 1)]


async def test_a_batch_that_fails_fails_for_all_of_its_callers_and_the_next_one_works() -> None:
    done: list[Sequence[Any]] = []

    async def commit(batch: Sequence[Any]) -> Sequence[Any]:
        done.append(batch)
        await asyncio.sleep(0)
        if isinstance(batch[0], Delete):
            raise OSError("full")
        return [number for number, _ in enumerate(batch)]

    writer = Writer(commit)
    works: list[Any] = [
        Feedback("a", 1, 0),
        Feedback("b", 1, 0),
        Delete(Where()),
        Delete(Where(ids=["x"])),
        Feedback("c", 1, 0),
    ]
    outcomes = await asyncio.gather(*map(writer.do, works), return_exceptions=True)
    assert [len(batch) for batch in done] == [2, 1, 1, 1]
    assert outcomes[:2] == [0, 1]
    assert [str(outcome) for outcome in outcomes[2:4]] == ["full", "full"]
    assert outcomes[4] == 0
    await writer.finish()


async def test_work_that_is_given_up_before_it_began_is_not_done() -> None:
    done: list[Any] = []

    async def commit(batch: Sequence[Any]) -> Sequence[Any]:
        done.extend(batch)
        await asyncio.sleep(0)
        return [None for _ in batch]

    writer = Writer(commit)
    first_delete = Delete(Where(ids=["a"]))
    first = asyncio.create_task(writer.do(first_delete))
    second = asyncio.create_task(writer.do(Delete(Where(ids=["b"]))))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.gather(first, second, return_exceptions=True)
    await writer.finish()
    assert done == [first_delete]


@pytest.mark.long
async def test_many_commits_do_not_leave_many_files(
    folder: Path, open_backend: Callable[..., Awaitable[LanceBackend]], by_hand: Callable[[], Awaitable[Any]]
) -> None:
    backend = await open_backend(compact_after=20, write_ahead=False)
    entries = make_entries(205)
    for entry in entries:
        await backend.upsert("music", [entry])
    table = await by_hand()
    assert (await table.stats())["fragment_stats"]["num_fragments"] <= 20
    assert {entry.id: entry for entry in await read_all(backend, "music")} == {entry.id: entry for entry in entries}
    # old versions are kept for a while, for readers that are in the middle of one
    await table.optimize(cleanup_older_than=timedelta(milliseconds=1))
    assert sum(1 for file in folder.rglob("*") if file.is_file()) < 100


async def test_a_large_table_gets_an_index_whose_similarities_are_true_cosines(
    open_backend: Callable[..., Awaitable[LanceBackend]], by_hand: Callable[[], Awaitable[Any]]
) -> None:
    backend = await open_backend(compact_after=2, index_from=1000)
    entries = make_entries(2000)
    for start in range(0, 2000, 500):
        await backend.upsert("music", entries[start : start + 500])
    late = make_entries(50, "late", metadata={"tenant": "late"})
    await backend.upsert("music", late)
    assert {index.index_type for index in await (await by_hand()).list_indices()} == {"IvfFlat", "BTree", "LabelList"}
    by_id = {entry.id: entry for entry in [*entries, *late]}
    for query in unit_vectors(5, seed=3):
        found = await closest(backend, "music", query, limit=10)
        assert len(found) == 10
        for match in found:
            vector = by_id[match.entry.id].vector
            assert vector is not None
            assert match.similarity == pytest.approx(float(vector @ query), abs=1e-5)
        scoped = await closest(backend, "music", query, limit=50, where=Where(metadata={"tenant": "late"}))
        assert {match.entry.id for match in scoped} == {entry.id for entry in late}
    assert await backend.count("music", where=Where(metadata={"tenant": "late"})) == 50
    assert await read_one(backend, "music", late[7].id) == late[7]


async def test_a_table_gets_small_indexes_long_before_one_of_vectors(
    open_backend: Callable[..., Awaitable[LanceBackend]], by_hand: Callable[[], Awaitable[Any]]
) -> None:
    backend = await open_backend(compact_after=2, exact=True)
    entries = make_entries(1500)
    for start in range(0, 1500, 500):
        await backend.upsert("music", entries[start : start + 500])
    indexes = await (await by_hand()).list_indices()
    kinds = {(index.index_type, *index.columns) for index in indexes}
    assert kinds == {("BTree", "place"), ("LabelList", "metadata_facts")}
    for entry in (entries[0], entries[-1]):
        assert await read_one(backend, "music", entry.id) == entry.with_vector(None)
    assert await backend.get("music", [make_id("absent")]) == []


async def test_a_batch_adds_what_is_new_and_replaces_what_is_there(backend: LanceBackend) -> None:
    old = make_entries(300)
    await backend.upsert("music", old)
    new = [make_entry(f"row-{number}", generated_query="SELECT 'new'") for number in range(200, 500)]
    await backend.upsert("music", [*new, new[0]])
    stored = {entry.id: entry.with_vector(None) for entry in [*old, *new]}
    assert await backend.count("music") == len(stored) == 500
    assert {entry.id: entry for entry in await read_all(backend, "music")} == stored


async def test_the_closest_that_have_expired_keep_no_other_away(table_only: LanceBackend) -> None:
    expired = [make_entry(f"old-{number}", vector=vector_at(0.9), expires_at=NOW - 1) for number in range(20)]
    alive = [
        make_entry(f"new-{number}", vector=vector_at(0.1 + number / 100), expires_at=NOW + 1) for number in range(5)
    ]
    await table_only.upsert("music", [*expired, *alive])
    best = [entry.id for entry in reversed(alive)]
    for limit in (1, 3, 10, 100):
        for min_similarity in (-1.0, 0.05):
            found = await closest(table_only, "music", limit=limit, min_similarity=min_similarity)
            assert [match.entry.id for match in found] == best[:limit]
    assert await closest(table_only, "music", limit=10, min_similarity=0.5) == []


async def test_an_exact_search_finds_the_true_neighbours_of_a_table_with_an_index(
    open_backend: Callable[..., Awaitable[LanceBackend]],
) -> None:
    indexing = await open_backend(compact_after=2, index_from=1000)
    for start in range(0, 2000, 500):
        await indexing.upsert("music", make_entries(2000)[start : start + 500])
    exact = await open_backend(exact=True)
    vectors = unit_vectors(2000)
    for query in unit_vectors(10, seed=3):
        best = np.sort(vectors @ query)[::-1][:10].tolist()
        found = await closest(exact, "music", query, limit=10)
        assert [match.similarity for match in found] == pytest.approx(best, abs=1e-5)


async def test_a_table_that_cannot_be_put_in_order_is_told_and_loses_nothing(
    folder: Path, open_backend: Callable[..., Awaitable[LanceBackend]], caplog: pytest.LogCaptureFixture
) -> None:
    # no time from which on files could be removed
    backend = await open_backend(compact_after=2, write_ahead=False)
    fields: dict[str, Any] = {**LanceSettings(compact_after=2).model_dump(), "keep_versions": float("nan")}
    cast("Any", backend)._known["music"].table._settings = LanceSettings.model_construct(**fields)
    with caplog.at_level(logging.WARNING):
        for entry in make_entries(6):
            await backend.upsert("music", [entry])
    assert await backend.count("music") == 6
    assert any("could not be put in order" in record.message for record in caplog.records)


def test_settings_have_sane_defaults() -> None:
    assert LanceSettings().local
    assert not LanceSettings(uri="s3://bucket/folder").local
