"""What the tests share: a file, a backend on it, and a plain SQLite connection beside it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from medha_conformance.connected import opened
from medha_sqlite import SqliteBackend, SqliteSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "medha.db"


@pytest.fixture
def settings(path: Path) -> SqliteSettings:
    return SqliteSettings(path=path, busy_timeout=0.05)


@pytest_asyncio.fixture
async def backend(settings: SqliteSettings) -> AsyncIterator[SqliteBackend]:
    """Connected, with the collection ``music``."""
    async with opened(SqliteBackend(settings)) as backend:
        yield backend


@pytest.fixture
def by_hand(backend: SqliteBackend, path: Path) -> Iterator[sqlite3.Connection]:
    """Another program's connection to the same file, each statement its own transaction."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection
