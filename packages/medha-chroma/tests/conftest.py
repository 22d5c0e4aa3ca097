"""What the tests share: backends on a server, collections that are gone afterwards, and a bare client beside them."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from chromadb.api.fastapi import FastAPI
from chromadb.api.models.Collection import Collection
from chromadb.config import Settings, System

from medha_chroma import ChromaBackend, ChromaSettings
from medha_chroma.schema import engine_name
from medha_conformance.corpus import SPEC

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from medha import CollectionSpec


@pytest.fixture
def server(find_service: Callable[[str], str]) -> str:
    """The address of the server."""
    return find_service("chroma")


@pytest.fixture
def bare_api() -> Iterator[Callable[[str], Any]]:
    """Opens the driver's own API on an address; not by its client, which leaves connections open when it is closed."""
    opened: list[Any] = []

    def opening(server: str) -> Any:
        address = urlsplit(server)
        settings: dict[str, Any] = {"chroma_server_host": address.hostname, "chroma_server_http_port": address.port}
        system = System(Settings(chroma_api_impl="chromadb.api.fastapi.FastAPI", **settings))
        opened.append(system.instance(FastAPI))
        return opened[-1]

    yield opening
    for api in opened:
        api._session.close()


class Workbench:
    """Makes backends with one prefix, which no other test has, and drops all that they made."""

    def __init__(self, server: str, by_hand: Any) -> None:
        self.server = server
        self.by_hand = by_hand
        self.prefix = f"medha-test-{uuid.uuid4().hex[:12]}"
        self.address: dict[str, Any] = {"url": server, "prefix": self.prefix}
        self._backends: list[ChromaBackend] = []

    async def backend(self, *collections: str, spec: CollectionSpec = SPEC, **values: Any) -> ChromaBackend:
        """Connected, with these collections."""
        backend = ChromaBackend(ChromaSettings(**(self.address | values)))
        self._backends.append(backend)
        await backend.connect()
        for collection in collections:
            await backend.initialize(collection, spec)
        return backend

    def records(self, collection: str) -> Any:
        """The collection, as another program of Chroma has it."""
        model = self.by_hand.get_collection(engine_name(self.prefix, collection))
        return Collection(client=self.by_hand, model=model, embedding_function=None)

    async def close(self) -> None:
        for backend in self._backends:
            await backend.close()
        for collection in self.by_hand.list_collections():
            if collection.name.startswith(self.prefix):
                self.by_hand.delete_collection(collection.name)


@pytest_asyncio.fixture
async def bench(server: str, bare_api: Callable[[str], Any]) -> AsyncIterator[Workbench]:
    """The workbench on the server."""
    bench = Workbench(server, bare_api(server))
    yield bench
    await bench.close()
