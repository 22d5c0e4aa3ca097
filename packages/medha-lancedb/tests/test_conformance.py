"""The standard tests of every backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from medha_conformance import BackendSuite
from medha_lancedb import LanceSettings
from medha_lancedb.arrow import connect
from medha_lancedb.names import table_name

if TYPE_CHECKING:
    from pathlib import Path

    from medha_conformance.suite.corruption import Corrupt


class TestFolder(BackendSuite):
    backend_name = "lancedb"

    @pytest.fixture
    def settings(self, tmp_path: Path) -> LanceSettings:
        return LanceSettings(uri=str(tmp_path / "lance"))

    @pytest.fixture
    def corrupt(self, tmp_path: Path) -> Corrupt:
        async def damage(collection: str, entry_id: str) -> None:
            database = await connect(tmp_path / "lance")
            table = await database.open_table(table_name("medha", collection))
            await table.update({"metadata": "{"}, where=f"id = '{entry_id}'")

        return damage
