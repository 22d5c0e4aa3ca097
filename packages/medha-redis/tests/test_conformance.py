"""The conformance suites: on the search module with both kinds of index, on vector sets, and on the L1 cache."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
from redis import Redis

from medha_conformance import BackendSuite, L1Suite
from medha_redis import RedisL1Settings, RedisSettings
from medha_redis.schema import names_of

client_at: Any = cast("Any", Redis).from_url

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medha_conformance.pytest_plugin import FindService
    from medha_conformance.suite.corruption import Corrupt


class Damaging:
    @pytest.fixture
    def corrupt(self, settings: RedisSettings) -> Corrupt:
        async def damage(collection: str, entry_id: str) -> None:
            with client_at(settings.url) as client:
                key = names_of(settings.prefix, collection).entries + entry_id
                client.hset(key, "entry", '{"question": "half of')

        return damage


class TestHnsw(Damaging, BackendSuite):
    backend_name = "redis"
    service = "redis"

    @pytest.fixture
    def settings(self, service_url: str) -> RedisSettings:
        return RedisSettings(url=service_url)


@pytest.mark.variant
class TestFlat(Damaging, BackendSuite):
    backend_name = "redis"
    service = "redis"

    @pytest.fixture
    def settings(self, service_url: str) -> RedisSettings:
        return RedisSettings(url=service_url, index="flat")


class TestVectorSets(Damaging, BackendSuite):
    backend_name = "redis"
    service = "redis8"

    @pytest.fixture
    def settings(self, service_url: str) -> RedisSettings:
        return RedisSettings(url=service_url)


class TestL1(L1Suite):
    l1_name = "redis"

    @pytest.fixture
    def settings(self, find_service: FindService, prefix: str) -> Iterator[RedisL1Settings]:
        url = find_service("redis")
        yield RedisL1Settings(url=url, prefix=prefix)
        with client_at(url) as client:
            for key in client.scan_iter(f"{prefix}*"):
                client.delete(key)
