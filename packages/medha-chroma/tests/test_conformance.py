"""The standard tests of every backend, in each mode."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from medha_chroma import ChromaSettings
from medha_chroma.schema import engine_name
from medha_conformance import BackendSuite

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from medha_conformance.suite.corruption import Corrupt


@pytest.mark.variant
class TestMemory(BackendSuite):
    backend_name = "chroma"

    @pytest.fixture
    def settings(self) -> ChromaSettings:
        return ChromaSettings(mode="memory")


class TestPath(BackendSuite):
    backend_name = "chroma"

    @pytest.fixture
    def settings(self, tmp_path: Path) -> ChromaSettings:
        return ChromaSettings(mode="path", path=tmp_path / "chroma")


class TestServer(BackendSuite):
    backend_name = "chroma"
    service = "chroma"

    @pytest.fixture
    def settings(self, service_url: str) -> ChromaSettings:
        return ChromaSettings(url=service_url)

    @pytest.fixture
    def corrupt(self, service_url: str, bare_api: Callable[[str], Any]) -> Corrupt:
        async def damage(collection: str, entry_id: str) -> None:
            api = bare_api(service_url)
            model = api.get_collection(engine_name("medha", collection))
            api._update(model.id, ids=[entry_id], metadatas=[{"details": "{"}])

        return damage
