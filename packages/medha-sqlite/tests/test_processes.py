"""Several processes on one file, and processes that are killed."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from medha_conformance.connected import connected, opened
from medha_conformance.processes import other_process, other_processes
from medha_conformance.suite.processes import check_at_once, check_nothing_lost, check_shared_writes
from medha_sqlite import SqliteBackend, SqliteSettings

if TYPE_CHECKING:
    from pathlib import Path

BATCH = 5


@pytest.fixture
def settings(path: Path) -> SqliteSettings:
    """With the patience that several writers need."""
    return SqliteSettings(path=path, busy_timeout=30)


async def test_two_processes_see_each_others_writes_at_the_next_call(
    backend: SqliteBackend, settings: SqliteSettings
) -> None:
    with other_process("sqlite", settings) as other:
        await check_shared_writes(backend, other)


@pytest.mark.long
async def test_processes_that_open_a_new_file_at_the_same_moment_all_get_it_and_lose_no_feedback(
    settings: SqliteSettings,
) -> None:
    with other_processes("sqlite", *[settings] * 3) as others:
        async with connected(SqliteBackend(settings)) as backend:
            assert await check_at_once(backend, others) == list(range(1, 81))


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in (1, 2))])
async def test_a_killed_process_loses_nothing_that_was_acknowledged(settings: SqliteSettings, seed: int) -> None:
    luck = random.Random(seed)
    acknowledged: dict[str, set[int]] = {}
    for life in ("first", "second"):
        with other_process("sqlite", settings) as other:
            assert other.answer() == "ready"
            acknowledged[life] = other.kill_while_storing(life, after=luck.randint(1, 60), size=BATCH)
    async with opened(SqliteBackend(settings)) as backend:
        await check_nothing_lost(backend, acknowledged, size=BATCH)
    with closing(sqlite3.connect(settings.path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
