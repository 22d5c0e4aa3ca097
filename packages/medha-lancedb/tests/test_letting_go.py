"""What is let go of when a backend is closed too soon, or a table goes while its file is opened."""

from __future__ import annotations

import asyncio
import shutil
import threading
import time
from typing import TYPE_CHECKING

import pytest

from medha import Where
from medha.errors import CollectionNotFoundError
from medha_conformance.corpus import SPEC, make_entry
from medha_lancedb import LanceSettings
from medha_lancedb.buffer import Buffer
from medha_lancedb.lock import acquire
from medha_lancedb.pending import PendingFile

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from medha_lancedb import LanceBackend

    Open = Callable[..., Awaitable[LanceBackend]]


async def test_a_close_that_is_given_up_leaves_no_thread_and_no_turn(open_backend: Open, beside: Path) -> None:
    def threads() -> int:
        return sum(thread.name.startswith("medha-lancedb") for thread in threading.enumerate())

    before = threads()
    backend = await open_backend()
    await backend.upsert("music", [make_entry("albums")])
    lock = acquire(beside)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(backend.close(), 0.05)
    lock.close()
    # its own turn comes now, and nobody waits for it
    await asyncio.to_thread(lambda: acquire(beside).close())
    other = await open_backend()
    assert await other.delete("music", where=Where()) == 1
    await other.close()
    await asyncio.to_thread(_until, lambda: threads() == before)


def _until(reached: Callable[[], bool]) -> None:
    while not reached():
        time.sleep(0.001)


async def test_a_table_that_is_dropped_while_its_file_is_opened_is_not_found(
    open_backend: Open, beside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare = PendingFile._prepare  # pyright: ignore[reportPrivateUsage]

    def dropped(file: PendingFile, database: sqlite3.Connection) -> None:
        prepare(file, database)
        shutil.rmtree(beside)

    await open_backend(write_ahead=False)
    buffer = Buffer(beside, SPEC.dimension, "music", LanceSettings(uri=str(beside.parent)))
    monkeypatch.setattr(PendingFile, "_prepare", dropped)
    with pytest.raises(CollectionNotFoundError):
        await buffer.open()
    await buffer.close()


@pytest.mark.parametrize(("longest", "pauses"), [(0.0, 4), (3600.0, 0)])
async def test_who_has_turn_after_turn_pauses_so_that_others_get_one(
    backend: LanceBackend, monkeypatch: pytest.MonkeyPatch, longest: float, pauses: int
) -> None:
    paused: list[float] = []
    sleep = asyncio.sleep

    async def pause(seconds: float) -> None:
        if seconds > 0:
            paused.append(seconds)
        await sleep(0)

    monkeypatch.setattr("medha_lancedb.buffer._LONGEST_STREAK", longest)
    monkeypatch.setattr("medha_lancedb.buffer._GAP", 3600.0)
    monkeypatch.setattr("medha_lancedb.buffer.asyncio.sleep", pause)
    await backend.delete("music", where=Where())
    for _ in range(4):
        await backend.delete("music", where=Where())
    assert paused == [3600.0] * pauses
