"""A caller that stops waiting leaves whole entries, no open transaction and a usable backend."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from medha import Where
from medha.errors import BackendUnavailableError
from medha_conformance.corpus import SPEC, make_entries, make_entry
from medha_sqlite import SqliteBackend, SqliteSettings

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from pathlib import Path


@pytest.fixture
def settings(path: Path) -> SqliteSettings:
    return SqliteSettings(path=path, busy_timeout=30)


async def cancelled(call: Awaitable[object]) -> None:
    """Begin the call, let it hand its work to the thread, and stop waiting for it."""
    task = asyncio.ensure_future(call)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancelled_write_is_finished_whole_or_never_begun(
    backend: SqliteBackend, by_hand: sqlite3.Connection
) -> None:
    by_hand.execute("BEGIN IMMEDIATE")
    waiting = asyncio.create_task(backend.upsert("music", make_entries(20, "waits")))
    await asyncio.sleep(0)
    # it is behind the one that waits for the lock, so it cannot have begun
    await cancelled(backend.upsert("music", make_entries(20, "queued")))
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    by_hand.execute("COMMIT")
    assert await backend.count("music") in {0, 20}
    await backend.upsert("music", [make_entry("next")])
    assert await backend.count("music") in {1, 21}


async def test_every_method_may_be_cancelled_at_any_moment(backend: SqliteBackend, settings: SqliteSettings) -> None:
    entries = make_entries(50)
    vector = entries[0].vector
    assert vector is not None
    for _ in range(20):
        await cancelled(backend.upsert("music", entries))
        await cancelled(backend.search("music", vector, limit=3, min_similarity=0.0, where=Where(), now=0.0))
        await cancelled(backend.get("music", [entries[0].id]))
        await cancelled(backend.scroll("music"))
        await cancelled(backend.delete("music", where=Where(ids=[entries[1].id])))
        await cancelled(backend.add_feedback("music", entries[0].id, correct=1))
        await cancelled(backend.initialize("films", SPEC))
        await cancelled(backend.drop_collection("films"))
        assert await backend.count("music") in {0, 49, 50}
    other = SqliteBackend(settings)
    await other.connect()
    await other.upsert("music", entries)
    await other.close()
    assert await backend.count("music") == 50
    found = await backend.search("music", vector, limit=99, min_similarity=-1.0, where=Where(), now=0.0)
    assert {match.entry.id for match in found} == {entry.id for entry in entries}


async def test_a_cancelled_connect_can_be_repeated_or_closed(settings: SqliteSettings) -> None:
    backend = SqliteBackend(settings)
    await cancelled(backend.connect())
    await backend.connect()
    await backend.initialize("music", SPEC)
    await backend.close()
    await cancelled(backend.connect())
    await backend.close()
    with pytest.raises(BackendUnavailableError):
        await backend.count("music")


async def test_a_cancelled_close_closes(settings: SqliteSettings, path: Path) -> None:
    backend = SqliteBackend(settings)
    await backend.connect()
    await backend.initialize("music", SPEC)
    await cancelled(backend.close())
    with pytest.raises(BackendUnavailableError, match="not connected"):
        await backend.count("music")
    # an open connection would keep the file in WAL mode
    with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        assert other.execute("PRAGMA journal_mode = DELETE").fetchone() == ("delete",)


async def test_closing_waits_for_the_work_that_was_handed_in(settings: SqliteSettings) -> None:
    backend = SqliteBackend(settings)
    await backend.connect()
    await backend.initialize("music", SPEC)
    writes = [asyncio.create_task(backend.upsert("music", make_entries(10, f"{n}"))) for n in range(5)]
    await asyncio.sleep(0)
    await backend.close()
    await asyncio.gather(*writes)
    await backend.connect()
    assert await backend.count("music") == 50
    await backend.close()


async def test_many_tasks_at_once_lose_nothing(backend: SqliteBackend) -> None:
    batches = [make_entries(10, f"task-{number}") for number in range(40)]
    vector = batches[0][0].vector
    assert vector is not None
    search = [backend.search("music", vector, limit=5, min_similarity=0.0, where=Where(), now=0.0) for _ in batches]
    await asyncio.gather(*(backend.upsert("music", batch) for batch in batches), *search)
    found = await backend.search("music", vector, limit=1000, min_similarity=-1.0, where=Where(), now=0.0)
    assert len(found) == await backend.count("music") == 400
