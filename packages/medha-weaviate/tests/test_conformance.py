"""The standard tests of every backend: on the wire, and on a live server where there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from weaviate.classes.config import ConsistencyLevel

from medha_conformance import BackendSuite
from medha_weaviate.connection import make_client
from medha_weaviate.objects import object_id
from medha_weaviate.schema import NO_TENANT, class_name

from .conftest import wire_settings

if TYPE_CHECKING:
    from medha_conformance.suite.corruption import Corrupt
    from medha_weaviate import WeaviateSettings


@pytest.mark.long
class TestOnTheWire(BackendSuite):
    backend_name = "weaviate"
    service = "weaviate-wire"

    @pytest.fixture
    def settings(self, service_url: str) -> WeaviateSettings:
        return wire_settings(service_url, timeout=10)

    @pytest.fixture
    def corrupt(self, settings: WeaviateSettings) -> Corrupt:
        return damaging(settings)


@pytest.mark.variant
class TestTenantsOnTheWire(BackendSuite):
    backend_name = "weaviate"
    service = "weaviate-wire"

    @pytest.fixture
    def settings(self, service_url: str) -> WeaviateSettings:
        return wire_settings(service_url, timeout=10, prefix="Tenants", tenant_key="tenant")

    @pytest.fixture
    def corrupt(self, settings: WeaviateSettings) -> Corrupt:
        return damaging(settings, "acme")


class TestLive(BackendSuite):
    backend_name = "weaviate"
    service = "weaviate-live"

    @pytest.fixture
    def settings(self, service_url: str) -> WeaviateSettings:
        return wire_settings(service_url, timeout=10, prefix="Conformance")

    @pytest.fixture
    def corrupt(self, settings: WeaviateSettings) -> Corrupt:
        return damaging(settings)


def damaging(settings: WeaviateSettings, tenant: str | None = None) -> Corrupt:
    async def corrupt(collection: str, entry_id: str) -> None:
        async with make_client(settings) as client:
            place: Any = client.collections.use(class_name(collection, settings.prefix))
            if tenant is not None:
                tenants = [name for name in await place.tenants.get() if name != NO_TENANT]
                place = place.with_tenant(tenants[0])
            await place.with_consistency_level(ConsistencyLevel.ALL).data.update(object_id(entry_id), {"metadata": "{"})

    return corrupt
