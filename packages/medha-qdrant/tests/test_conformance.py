"""The standard tests of every backend, in each mode."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from qdrant_client import AsyncQdrantClient

from medha_conformance import BackendSuite
from medha_qdrant import QdrantSettings
from medha_qdrant.schema import engine_name

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path


@pytest.mark.variant
class TestMemory(BackendSuite):
    backend_name = "qdrant"

    @pytest.fixture
    def settings(self) -> QdrantSettings:
        return QdrantSettings(mode="memory")


class TestPath(BackendSuite):
    backend_name = "qdrant"

    @pytest.fixture
    def settings(self, tmp_path: Path) -> QdrantSettings:
        return QdrantSettings(mode="path", path=tmp_path / "qdrant")


class TestRest(BackendSuite):
    backend_name = "qdrant"
    service = "qdrant"

    @pytest.fixture
    def settings(self, service_url: str) -> QdrantSettings:
        return QdrantSettings(url=service_url, prefer_grpc=False)

    @pytest.fixture
    def corrupt(self, service_url: str) -> Callable[[str, str], Awaitable[None]]:
        return damaging({"url": service_url})


@pytest.mark.long
class TestGrpc(BackendSuite):
    backend_name = "qdrant"
    service = "qdrant-grpc"

    @pytest.fixture
    def settings(self, service_url: str) -> QdrantSettings:
        return QdrantSettings(url=service_url, grpc_port=urlsplit(service_url).port)

    @pytest.fixture
    def corrupt(self, service_url: str) -> Callable[[str, str], Awaitable[None]]:
        return damaging({"url": service_url, "grpc_port": urlsplit(service_url).port, "prefer_grpc": True})


def damaging(address: dict[str, Any]) -> Callable[[str, str], Awaitable[None]]:
    async def corrupt(collection: str, entry_id: str) -> None:
        client = AsyncQdrantClient(**address, check_compatibility=False)
        await client.set_payload(engine_name("medha", collection), {"generated_query": 5}, [entry_id], wait=True)
        await client.close()

    return corrupt
