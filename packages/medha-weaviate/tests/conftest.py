"""What the tests share: a server on the wire, backends on it, and a plain client beside them."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from medha_conformance.connected import opened
from medha_conformance.services import Servers, Service, register_service
from medha_weaviate import WeaviateBackend, WeaviateSettings
from medha_weaviate.connection import make_client
from medha_weaviate.schema import class_name

from .wire.front import Front
from .wire.server import WireServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import ExitStack

    from weaviate import WeaviateAsyncClient


@dataclass(frozen=True, slots=True)
class OnTheWire:
    """The server of these tests, in this process."""

    def open(self, running: ExitStack) -> str:
        """Its address."""
        return running.enter_context(WireServer()).url


@dataclass(frozen=True, slots=True)
class LiveOnOnePort:
    """A real server, with both ways behind one port, so that the proxy of the suite stands before both.

    ``MEDHA_TEST_WEAVIATE_URL`` or a container; its gRPC is at ``MEDHA_TEST_WEAVIATE_GRPC_PORT``, else at 50051.
    """

    def open(self, running: ExitStack) -> str:
        """The address of the one port."""
        parts = urlsplit(running.enter_context(Servers()).find("weaviate"))
        host = parts.hostname or "localhost"
        grpc = int(os.environ.get("MEDHA_TEST_WEAVIATE_GRPC_PORT", "50051"))
        return running.enter_context(Front((host, parts.port or 80), (host, grpc))).url


register_service(Service("weaviate-live", "MEDHA_TEST_WEAVIATE_LIVE_URL", (LiveOnOnePort(),)))
register_service(Service("weaviate-wire", "MEDHA_TEST_WEAVIATE_WIRE_URL", (OnTheWire(),)))


def wire_settings(url: str, **values: Any) -> WeaviateSettings:
    """Both ways lead to the one port of the server, or of a proxy before it."""
    # the driver wants two addresses
    return WeaviateSettings(url=url, grpc_host="localhost", grpc_port=urlsplit(url).port, **values)


@pytest.fixture
def settings(find_service: Callable[[str], str]) -> WeaviateSettings:
    """Collections of this test alone."""
    return wire_settings(find_service("weaviate-wire"), prefix=f"T{uuid.uuid4().hex}")


@pytest_asyncio.fixture
async def backend(settings: WeaviateSettings) -> AsyncIterator[WeaviateBackend]:
    """Connected, with the collection ``music``."""
    async with opened(WeaviateBackend(settings), drop=True) as backend:
        yield backend


@pytest_asyncio.fixture
async def by_hand(settings: WeaviateSettings) -> AsyncIterator[WeaviateAsyncClient]:
    """Another program's client."""
    async with make_client(settings) as client:
        yield client


@pytest.fixture
def name(settings: WeaviateSettings) -> str:
    """What the collection ``music`` is called in Weaviate."""
    return class_name("music", settings.prefix)
