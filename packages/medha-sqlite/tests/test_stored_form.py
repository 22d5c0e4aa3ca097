"""What lies in the file, and that conditions in SQL mean what ``Where.matches`` means."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings

from medha import Capability, Where
from medha.errors import BackendWriteError, CollectionMismatchError, ConfigurationError
from medha.plugins import read_settings
from medha_conformance.corpus import HOSTILE_TEXTS, SPEC, make_entries, make_entry, make_id, unit_vectors
from medha_conformance.imports import imported_by
from medha_conformance.suite.metadata import check_conditions, stored_and_asked
from medha_conformance.suite.reading import read_all, read_one
from medha_sqlite import SqliteBackend, SqliteSettings

if TYPE_CHECKING:
    import sqlite3


def test_it_can_do_all_but_answer_in_one_round_trip() -> None:
    lacking = [name for name, support in SqliteBackend.capabilities.items() if not support]
    assert lacking == [Capability.ONE_ROUND_TRIP]


def test_looking_for_plugins_imports_neither_sqlite_nor_numpy() -> None:
    assert imported_by("import medha_sqlite.plugin").isdisjoint({"sqlite3", "numpy"})


def test_the_path_may_start_at_home_and_must_be_a_file() -> None:
    assert SqliteSettings(path=Path("~/medha.db")).path == Path.home() / "medha.db"
    with pytest.raises(ConfigurationError, match="use the backend 'memory'"):
        read_settings(SqliteSettings, path=":memory:")
    with pytest.raises(ConfigurationError, match="Did you mean 'path'"):
        read_settings(SqliteSettings, pth="medha.db")


def test_a_name_that_the_package_does_not_have_is_an_attribute_error() -> None:
    import medha_sqlite

    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = medha_sqlite.Nothing


async def test_the_file_says_whose_it_is_and_uses_the_write_ahead_log(
    backend: SqliteBackend, by_hand: sqlite3.Connection
) -> None:
    assert by_hand.execute("PRAGMA application_id").fetchone() == (int.from_bytes(b"Medh"),)
    assert by_hand.execute("PRAGMA user_version").fetchone() == (1,)
    assert by_hand.execute("PRAGMA journal_mode").fetchone() == ("wal",)


async def test_vectors_are_little_endian_float32_and_metadata_is_json(
    backend: SqliteBackend, by_hand: sqlite3.Connection
) -> None:
    vector = unit_vectors(1)[0]
    metadata = {"tenant": "acmé", "rows": 10, "share": 0.1, "final": True, "large": 10**30}
    await backend.upsert("music", [make_entry("albums", vector=vector, metadata=metadata)])
    blob, text = by_hand.execute("SELECT vector, metadata FROM entries").fetchone()
    assert blob == vector.astype("<f4").tobytes()
    assert json.loads(text) == metadata
    entry = (await read_all(backend, "music", with_vectors=True))[0]
    assert entry.vector is not None
    assert entry.vector.dtype == np.float32
    assert np.array_equal(entry.vector, vector)
    assert [type(value) for value in entry.metadata.values()] == [str, int, float, bool, int]


async def test_everything_is_there_after_closing_and_reopening(backend: SqliteBackend) -> None:
    entries = make_entries(30, expires_at=5.5, response_summary="s", template_id="t", metadata={"a": 1})
    await backend.upsert("music", entries)
    await backend.add_feedback("music", entries[0].id, correct=2, incorrect=1)
    await backend.close()
    await backend.connect()
    assert (await read_all(backend, "music"))[1:] == entries[1:]
    assert (await read_one(backend, "music", entries[0].id)).feedback_correct == 2
    with pytest.raises(CollectionMismatchError, match="made with 'conformance-model'"):
        await backend.initialize("music", type(SPEC)(dimension=9, model_name="other"))


async def test_collections_of_any_name_live_in_one_file(backend: SqliteBackend, tmp_path: Path) -> None:
    names = [*HOSTILE_TEXTS.values(), "Music", "music ", "entries", "sqlite_master"]
    for number, name in enumerate(names):
        await backend.initialize(name, SPEC)
        await backend.upsert(name, make_entries(number + 1))
    for number, name in enumerate(names):
        assert await backend.count(name) == number + 1
    assert files_in(tmp_path) <= {"medha.db", "medha.db-wal", "medha.db-shm"}


def files_in(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


async def test_upsert_stores_all_or_none(backend: SqliteBackend) -> None:
    good, bad = make_entry("good"), make_entry("bad", question="\ud800")
    with pytest.raises(BackendWriteError, match=r"nothing of this call was stored \(UnicodeEncodeError"):
        await backend.upsert("music", [good, bad])
    with pytest.raises(CollectionMismatchError, match=r"shape \(9,\).*8 dimensions"):
        await backend.upsert("music", [good, make_entry("long", vector=unit_vectors(1, 9)[0])])
    assert await backend.count("music") == 0


async def test_a_scroll_shows_what_stands_untouched_exactly_once_among_writes(backend: SqliteBackend) -> None:
    await backend.upsert("music", make_entries(100, "stays"))
    await backend.upsert("music", make_entries(50, "goes"))
    stays = {make_id(f"stays-{number}") for number in range(100)}
    seen: list[str] = []
    cursor: str | None = None
    for step in range(1000):
        page = await backend.scroll("music", limit=7, cursor=cursor)
        seen += [entry.id for entry in page.entries]
        cursor = page.cursor
        if cursor is None:
            break
        await backend.delete("music", where=Where(ids=[make_id(f"goes-{step}")]))
        await backend.upsert("music", [make_entry(f"new-{step % 20}")])
    assert sorted(entry for entry in seen if entry in stays) == sorted(stays)
    assert len(seen) == len(set(seen))


async def test_conditions_take_more_ids_than_a_statement_has_parameters(backend: SqliteBackend) -> None:
    entries = make_entries(12_000)
    await backend.upsert("music", entries)
    ids = [make_id(f"absent-{number}") for number in range(40_000)] + [entry.id for entry in entries]
    assert await backend.count("music", where=Where(ids=ids)) == 12_000
    assert len(await backend.get("music", ids)) == 12_000
    assert await backend.delete("music", where=Where(ids=frozenset(ids))) == 12_000
    assert await backend.delete("music", where=Where()) == 0


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(stored_and_asked())
async def test_metadata_conditions_mean_what_where_matches_means(
    backend: SqliteBackend, case: tuple[list[dict[str, Any]], dict[str, Any]]
) -> None:
    await check_conditions(backend, "music", *case)


async def test_conditions_on_columns_are_answered_from_an_index(
    backend: SqliteBackend, by_hand: sqlite3.Connection
) -> None:
    from medha_sqlite import statements
    from medha_sqlite.rows import Collection, condition

    await backend.upsert("music", make_entries(50))
    collection = Collection(1, "music", 8, "m", 1, 0)
    for where, index in [
        (Where(ids=["a", "b"]), "sqlite_autoindex_entries_1"),
        (Where(normalized_question="q"), "entries_by_question"),
        (Where(query_hash="h"), "entries_by_query"),
        (Where(template_id="t"), "entries_by_template"),
        (Where(expired_at=1.0), "entries_by_expiry"),
    ]:
        matching, values = condition(where, collection)
        plan = by_hand.execute("EXPLAIN QUERY PLAN " + statements.COUNT + matching, values).fetchall()
        assert any(index in row[3] for row in plan), plan
    for statement in (statements.GET_ENTRY, statements.GET_ENTRIES):
        plan = by_hand.execute("EXPLAIN QUERY PLAN " + statement, ('["a", "b"]', "music")).fetchall()
        assert any("sqlite_autoindex_entries_1 (collection=? AND id=?)" in row[3] for row in plan), plan
