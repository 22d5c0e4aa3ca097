"""What a search sees: the vectors held in memory are those in the file, whoever wrote them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import pytest_asyncio

from medha import CollectionSpec, Where
from medha.errors import CollectionNotFoundError, CorruptEntryError
from medha_conformance.corpus import NOW, SPEC, axis, make_entries, make_entry, make_id, unit_vectors, vector_at
from medha_conformance.suite.reading import closest
from medha_sqlite import SqliteBackend, SqliteSettings
from medha_sqlite.backend import DELETIONS_ON_RECORD

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import AsyncIterator


@pytest_asyncio.fixture
async def other(backend: SqliteBackend, settings: SqliteSettings) -> AsyncIterator[SqliteBackend]:
    """A second backend on the same file, with vectors and a connection of its own."""
    other = SqliteBackend(settings)
    await other.connect()
    yield other
    await other.close()


async def found_ids(backend: SqliteBackend) -> set[str]:
    return {match.entry.id for match in await closest(backend, "music", limit=100_000)}


async def test_similarities_are_those_of_the_stored_vectors(backend: SqliteBackend) -> None:
    vectors = unit_vectors(3000)
    entries = [make_entry(f"{number}", vector=vector) for number, vector in enumerate(vectors)]
    await backend.upsert("music", entries)
    matches = await closest(backend, "music", vectors[7], limit=20)
    order = np.argsort(-(vectors @ vectors[7]), kind="stable")[:20]
    assert [match.entry.id for match in matches] == [make_id(f"{number}") for number in order]
    assert [match.similarity for match in matches] == pytest.approx((vectors @ vectors[7])[order], abs=1e-6)


async def test_a_search_sees_what_another_backend_stored_replaced_and_removed(
    backend: SqliteBackend, other: SqliteBackend
) -> None:
    await backend.upsert("music", [make_entry("a"), make_entry("b"), make_entry("c")])
    assert await found_ids(backend) == {make_id("a"), make_id("b"), make_id("c")}
    assert await found_ids(other) == await found_ids(backend)

    await other.upsert("music", [make_entry("d"), make_entry("a", vector=vector_at(0.5), question="Another?")])
    await other.delete("music", where=Where(ids=[make_id("b")]))
    matches = await closest(backend, "music")
    assert [match.entry.id for match in matches] == [make_id("c"), make_id("d"), make_id("a")]
    assert matches[2].similarity == pytest.approx(0.5)
    assert matches[2].entry.question == "Another?"

    # what is gone must not take the place of what is there
    matches = await closest(backend, "music", limit=2)
    assert [match.entry.id for match in matches] == [make_id("c"), make_id("d")]

    await other.upsert("music", [make_entry("b")])
    await other.delete("music", where=Where(ids=[make_id("c")]))
    await other.upsert("music", [make_entry("c")])
    await other.delete("music", where=Where(ids=[make_id("d")]))
    assert await found_ids(backend) == {make_id("a"), make_id("b"), make_id("c")}


async def test_feedback_counted_elsewhere_is_in_the_next_match(backend: SqliteBackend, other: SqliteBackend) -> None:
    await backend.upsert("music", [make_entry("a")])
    assert (await closest(backend, "music"))[0].entry.feedback_incorrect == 0
    await other.add_feedback("music", make_id("a"), incorrect=2)
    assert (await closest(backend, "music"))[0].entry.feedback_incorrect == 2


@pytest.mark.parametrize("at_once", [True, False])
async def test_more_deletions_than_are_on_record_are_all_seen(
    backend: SqliteBackend, other: SqliteBackend, by_hand: sqlite3.Connection, at_once: bool
) -> None:
    entries = make_entries(DELETIONS_ON_RECORD + 500)
    await backend.upsert("music", entries)
    await backend.upsert("music", [make_entry("stays")])
    assert len(await found_ids(backend)) == len(entries) + 1
    ids = [entry.id for entry in entries]
    for part in [ids] if at_once else [ids[:4000], ids[4000:8000], ids[8000:]]:
        assert await other.delete("music", where=Where(ids=part)) == len(part)
    assert by_hand.execute("SELECT count(*) FROM deletions").fetchone()[0] <= DELETIONS_ON_RECORD
    # the furthest of all, found only if the others are gone from memory too
    matches = await closest(backend, "music", -axis(0), limit=1)
    assert [match.entry.id for match in matches] == [make_id("stays")]


async def test_a_collection_dropped_and_made_anew_elsewhere_is_searched_as_it_is_now(
    backend: SqliteBackend, other: SqliteBackend
) -> None:
    await backend.upsert("music", make_entries(5))
    assert len(await found_ids(backend)) == 5
    await other.drop_collection("music")
    with pytest.raises(CollectionNotFoundError, match="'music'"):
        await found_ids(backend)
    await other.initialize("music", CollectionSpec(dimension=4, model_name="smaller"))
    await other.upsert("music", [make_entry("small", vector=axis(0, 4))])
    matches = await closest(backend, "music", axis(0, 4))
    assert [match.entry.id for match in matches] == [make_id("small")]


async def test_vectors_of_a_dropped_collection_never_pass_for_those_of_its_successor(
    backend: SqliteBackend, other: SqliteBackend
) -> None:
    await backend.upsert("music", [make_entry("a", vector=vector_at(0.5))])
    assert await found_ids(backend) == {make_id("a")}
    await other.drop_collection("music")
    await other.initialize("music", SPEC)
    await other.upsert("music", [make_entry("a"), make_entry("b")])
    assert [match.similarity for match in await closest(backend, "music")] == [1.0, 1.0]


async def test_dropping_a_collection_leaves_the_others_alone(backend: SqliteBackend) -> None:
    await backend.initialize("films", SPEC)
    await backend.upsert("films", make_entries(3))
    await backend.upsert("music", make_entries(5))
    await backend.drop_collection("music")
    await backend.drop_collection("music")
    assert await backend.count("films") == 3
    assert len(await closest(backend, "films")) == 3
    await backend.initialize("music", SPEC)
    assert await backend.count("music") == 0
    assert await found_ids(backend) == set()


async def test_expired_entries_are_left_out_at_the_instant_they_expire(backend: SqliteBackend) -> None:
    await backend.upsert("music", [make_entry("a", expires_at=NOW)])
    assert len(await closest(backend, "music", now=NOW - 0.001)) == 1
    assert await closest(backend, "music", now=NOW) == []


async def test_a_row_removed_by_another_program_is_not_found(
    backend: SqliteBackend, by_hand: sqlite3.Connection
) -> None:
    await backend.upsert("music", [make_entry("a"), make_entry("b")])
    assert len(await found_ids(backend)) == 2
    by_hand.execute("DELETE FROM entries WHERE id = ?", (make_id("a"),))
    assert await found_ids(backend) == {make_id("b")}


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (bytes(2), "vector of 2 bytes, not of 8 float32"),
        (np.full(8, np.nan, dtype="<f4").tobytes(), "values that are no numbers"),
    ],
)
async def test_a_damaged_vector_is_an_error_of_search_alone_until_the_entry_is_removed(
    backend: SqliteBackend, by_hand: sqlite3.Connection, damage: bytes, why: str
) -> None:
    await backend.upsert("music", [make_entry("a"), make_entry("b")])
    by_hand.execute("UPDATE entries SET vector = ? WHERE id = ?", (damage, make_id("a")))
    for _ in range(2):
        with pytest.raises(CorruptEntryError, match=rf"medha\.db: the entry '{make_id('a')}' has .*{why}"):
            await found_ids(backend)
    # these read no vectors: they work beside the damage
    assert await backend.count("music") == 2
    assert len(await backend.get("music", [make_id("a")])) == 1
    assert len((await backend.scroll("music")).entries) == 2
    await backend.upsert("music", [make_entry("c")])
    with pytest.raises(CorruptEntryError, match=why):
        await backend.scroll("music", with_vectors=True)
    assert await backend.delete("music", where=Where(ids=[make_id("a")])) == 1
    assert await found_ids(backend) == {make_id("b"), make_id("c")}


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE entries SET metadata = '{\"a\"'",
        "UPDATE entries SET metadata = '[1]'",
        "UPDATE entries SET metadata = '{\"a\": [1]}'",
        "UPDATE entries SET metadata = '{\"a\": null}'",
        "UPDATE entries SET question = CAST(x'ff' AS TEXT)",
    ],
)
async def test_a_damaged_text_is_an_error_and_never_a_miss(
    backend: SqliteBackend, by_hand: sqlite3.Connection, damage: str
) -> None:
    await backend.upsert("music", [make_entry("a", metadata={"a": 1})])
    by_hand.execute(damage)
    with pytest.raises(CorruptEntryError, match=r"medha\.db"):
        await backend.get("music", [make_id("a")])
    with pytest.raises(CorruptEntryError, match="delete by its id"):
        await found_ids(backend)
    await backend.upsert("music", [make_entry("a")])
    assert await found_ids(backend) == {make_id("a")}


async def test_damaged_comparable_metadata_is_an_error_of_conditions(
    backend: SqliteBackend, by_hand: sqlite3.Connection
) -> None:
    await backend.upsert("music", [make_entry("a", metadata={"a": 1})])
    by_hand.execute("UPDATE entries SET comparable = '{'")
    with pytest.raises(CorruptEntryError, match=r"counting 'music' in .*medha\.db.*malformed JSON"):
        await backend.count("music", where=Where(metadata={"a": 1}))
    with pytest.raises(CorruptEntryError, match=make_id("a")):
        await found_ids(backend)
