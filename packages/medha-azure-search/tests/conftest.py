"""What the tests share: a server on the wire, and backends on it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from azure.core.credentials import AzureKeyCredential
from azure.search.documents.aio import SearchClient
from pydantic import SecretStr

from medha_azure_search import AzureSearchBackend, AzureSearchSettings
from medha_azure_search.schema import index_name
from medha_conformance.connected import opened
from medha_conformance.services import Service, register_service

from .wire.server import WireServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from contextlib import ExitStack

KEY = SecretStr("any")


@dataclass(frozen=True, slots=True)
class OnTheWire:
    """The server of these tests, in this process."""

    def open(self, running: ExitStack) -> str:
        """Its address."""
        return running.enter_context(WireServer()).url


register_service(Service("azure-search-wire", "MEDHA_TEST_AZURE_SEARCH_WIRE_URL", (OnTheWire(),)))


@pytest.fixture
def server() -> Iterator[WireServer]:
    """A server of this test alone."""
    with WireServer() as server:
        yield server


@pytest.fixture
def settings(server: WireServer) -> AzureSearchSettings:
    """Indexes of this test alone."""
    return AzureSearchSettings(url=server.url, api_key=KEY, prefix=f"test-{uuid.uuid4().hex}")


@pytest_asyncio.fixture
async def backend(settings: AzureSearchSettings) -> AsyncIterator[AzureSearchBackend]:
    """Connected, with the collection ``music``."""
    async with opened(AzureSearchBackend(settings)) as backend:
        yield backend


@pytest_asyncio.fixture
async def by_hand(settings: AzureSearchSettings) -> AsyncIterator[SearchClient]:
    """Another program's client for the collection ``music``."""
    name = index_name("music", settings.prefix)
    async with SearchClient(settings.url, name, AzureKeyCredential(KEY.get_secret_value())) as client:
        yield client
