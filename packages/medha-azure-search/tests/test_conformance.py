"""The standard tests of every backend: on the wire, and on a live service where there is one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.credentials import AzureKeyCredential
from azure.search.documents.aio import SearchClient
from pydantic import SecretStr

from medha_azure_search import AzureSearchSettings
from medha_azure_search.documents import key_of
from medha_azure_search.schema import index_name
from medha_conformance import BackendSuite

if TYPE_CHECKING:
    from medha_conformance.suite.corruption import Corrupt


@pytest.mark.long
class TestOnTheWire(BackendSuite):
    backend_name = "azure-search"
    service = "azure-search-wire"

    @pytest.fixture
    def settings(self, service_url: str) -> AzureSearchSettings:
        return AzureSearchSettings(url=service_url, api_key=SecretStr("any"), prefix="conformance")

    @pytest.fixture
    def corrupt(self, settings: AzureSearchSettings) -> Corrupt:
        return damaging(settings)


class TestLive(BackendSuite):
    """The admin key is in ``MEDHA_TEST_AZURE_SEARCH_KEY``."""

    backend_name = "azure-search"
    service = "azure-search"

    @pytest.fixture
    def settings(self, service_url: str) -> AzureSearchSettings:
        key = SecretStr(os.environ.get("MEDHA_TEST_AZURE_SEARCH_KEY", ""))
        return AzureSearchSettings(url=service_url, api_key=key, prefix="conformance")

    @pytest.fixture
    def corrupt(self, settings: AzureSearchSettings) -> Corrupt:
        return damaging(settings)


def damaging(settings: AzureSearchSettings) -> Corrupt:
    async def corrupt(collection: str, entry_id: str) -> None:
        assert settings.api_key is not None
        name, key = index_name(collection, settings.prefix), AzureKeyCredential(settings.api_key.get_secret_value())
        damage: dict[str, Any] = {"key": key_of(entry_id), "entry": "{"}
        async with SearchClient(settings.url, name, key) as opened:
            client: Any = opened
            await client.merge_documents([damage])
            for _ in range(50):
                found = [one async for one in await client.search(filter=f"key eq '{key_of(entry_id)}'")]
                if found[0]["entry"] == "{":
                    return

    return corrupt
