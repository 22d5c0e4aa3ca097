"""What the tests share: a backend with a collection on the server, and a plain client beside it."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from elasticsearch import AsyncElasticsearch

from medha_conformance.connected import opened
from medha_elastic import ElasticsearchBackend, ElasticsearchSettings
from medha_elastic.schema import names_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from medha_conformance.pytest_plugin import FindService
    from medha_elastic.schema import Names


@pytest.fixture
def settings(find_service: FindService) -> ElasticsearchSettings:
    """Indices of this test alone."""
    return ElasticsearchSettings(url=find_service("elasticsearch"), prefix=f"test-{uuid.uuid4().hex}")


@pytest_asyncio.fixture
async def backend(settings: ElasticsearchSettings) -> AsyncIterator[ElasticsearchBackend]:
    """Connected, with the collection ``music``."""
    async with opened(ElasticsearchBackend(settings), drop=True) as backend:
        yield backend


@pytest.fixture
def names(settings: ElasticsearchSettings) -> Names:
    """What the collection ``music`` is called on the server."""
    return names_of("music", settings.prefix)


@pytest_asyncio.fixture
async def by_hand(settings: ElasticsearchSettings) -> AsyncIterator[AsyncElasticsearch]:
    """Another program's client."""
    async with AsyncElasticsearch(settings.url) as client:
        yield client
