"""What the tests share: backends on a server, collections that are gone afterwards, and a bare client beside them."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from qdrant_client import AsyncQdrantClient

from medha_conformance.corpus import SPEC
from medha_qdrant import QdrantBackend, QdrantSettings
from medha_qdrant.schema import engine_name

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from medha import CollectionSpec


@pytest.fixture
def server(find_service: Callable[[str], str]) -> str:
    """The REST address of the server."""
    return find_service("qdrant")


class Workbench:
    """Makes backends with one prefix, which no other test has, and drops all that they made."""

    def __init__(self, server: str) -> None:
        self.server = server
        self.prefix = f"medha-test-{uuid.uuid4().hex[:12]}"
        self.address: dict[str, Any] = {"url": server, "prefix": self.prefix}
        self.by_hand = AsyncQdrantClient(server, check_compatibility=False)
        self._backends: list[QdrantBackend] = []

    async def backend(self, *collections: str, spec: CollectionSpec = SPEC, **values: Any) -> QdrantBackend:
        """Connected, with these collections."""
        backend = QdrantBackend(QdrantSettings(**(self.address | values)))
        self._backends.append(backend)
        await backend.connect()
        for collection in collections:
            await backend.initialize(collection, spec)
        return backend

    def name(self, collection: str) -> str:
        """What Qdrant calls the collection."""
        return engine_name(self.prefix, collection)

    async def close(self) -> None:
        for backend in self._backends:
            await backend.close()
        made = (await self.by_hand.get_collections()).collections
        for collection in made:
            if collection.name.startswith(self.prefix):
                await self.by_hand.delete_collection(collection.name)
        await self.by_hand.close()


@pytest_asyncio.fixture
async def bench(server: str) -> AsyncIterator[Workbench]:
    """The workbench on the server."""
    bench = Workbench(server)
    yield bench
    await bench.close()
