"""The standard tests of every backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from elasticsearch import AsyncElasticsearch

from medha_conformance import BackendSuite
from medha_elastic import ElasticsearchSettings
from medha_elastic.schema import names_of

if TYPE_CHECKING:
    from medha_conformance.suite.corruption import Corrupt


class TestElasticsearch(BackendSuite):
    backend_name = "elasticsearch"
    service = "elasticsearch"

    @pytest.fixture
    def settings(self, service_url: str) -> ElasticsearchSettings:
        return ElasticsearchSettings(url=service_url, prefix="conformance")

    @pytest.fixture
    def corrupt(self, settings: ElasticsearchSettings) -> Corrupt:
        async def corrupt(collection: str, entry_id: str) -> None:
            async with AsyncElasticsearch(settings.url) as client:
                alias = names_of(collection, settings.prefix).alias
                await client.update(index=alias, id=entry_id, doc={"generated_query": None}, refresh=True)

        return corrupt
