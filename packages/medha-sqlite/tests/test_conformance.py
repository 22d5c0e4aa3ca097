"""The standard tests of every backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from medha_conformance import BackendSuite
from medha_sqlite import SqliteSettings

if TYPE_CHECKING:
    from pathlib import Path


class TestSqlite(BackendSuite):
    backend_name = "sqlite"

    @pytest.fixture
    def settings(self, tmp_path: Path) -> SqliteSettings:
        return SqliteSettings(path=tmp_path / "medha.db")
