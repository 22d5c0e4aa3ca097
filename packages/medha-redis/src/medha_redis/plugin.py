"""What this distribution offers to Medha."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from medha import FULL, BackendPlugin, Capability, L1Plugin, VectorStorageBackend, hookimpl, impossible
from medha_redis.settings import RedisL1Settings, RedisSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medha import L1CacheBackend

CAPABILITIES: Final = {
    Capability.METADATA_FILTER: FULL,
    Capability.EXACT_SEARCH: impossible("HNSW is approximate; with the setting index=flat every search is exact"),
    Capability.DURABLE: FULL,
    Capability.SHARED: FULL,
    Capability.ONE_ROUND_TRIP: FULL,
}


def _make_backend(settings: RedisSettings) -> VectorStorageBackend:
    from medha_redis.backend import RedisBackend

    return RedisBackend(settings)


def _make_l1(settings: RedisL1Settings) -> L1CacheBackend:
    from medha_redis.l1 import RedisL1Cache

    return RedisL1Cache(settings)


@hookimpl
def medha_register_backends() -> Sequence[BackendPlugin]:
    """The redis backend."""
    return [
        BackendPlugin(
            name="redis", factory=_make_backend, settings=RedisSettings, capabilities=CAPABILITIES, api_version=1
        )
    ]


@hookimpl
def medha_register_l1_caches() -> Sequence[L1Plugin]:
    """The L1 cache that processes share."""
    return [L1Plugin(name="redis", factory=_make_l1, settings=RedisL1Settings, api_version=1)]
