"""The standard tests of every backend."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from medha_conformance import BackendSuite
from medha_sqlite import SqliteSettings

if TYPE_CHECKING:
    from pathlib import Path

    from medha_conformance.suite.corruption import Corrupt


class TestSqlite(BackendSuite):
    backend_name = "sqlite"

    @pytest.fixture
    def settings(self, tmp_path: Path) -> SqliteSettings:
        return SqliteSettings(path=tmp_path / "medha.db")

    @pytest.fixture
    def corrupt(self, tmp_path: Path) -> Corrupt:
        async def damage(collection: str, entry_id: str) -> None:
            with closing(sqlite3.connect(tmp_path / "medha.db")) as database, database:
                database.execute("UPDATE entries SET metadata = '{' WHERE id = ?", [entry_id])

        return damage
