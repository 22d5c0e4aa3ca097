"""The built-in plugins, registered through the same hooks that every other plugin uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from medha.capabilities import FULL, Capability, impossible
from medha.descriptors import PLUGIN_API, BackendPlugin, GuardPlugin, L1Plugin, NoSettings
from medha.hookspecs import hookimpl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medha.backend import VectorStorageBackend
    from medha.l1 import L1CacheBackend

_NOT_KEPT = impossible("it lives in the memory of one process")

MEMORY_CAPABILITIES = {
    Capability.METADATA_FILTER: FULL,
    Capability.EXACT_SEARCH: FULL,
    Capability.DURABLE: _NOT_KEPT,
    Capability.ONE_ROUND_TRIP: impossible("nothing leaves the process: there is no way to save"),
    Capability.SHARED: _NOT_KEPT,
}


class MemoryL1Settings(BaseSettings):
    """Settings of the built-in L1 cache."""

    model_config = SettingsConfigDict(env_prefix="MEDHA_L1_CACHE_", frozen=True, extra="forbid")

    max_size: int = Field(default=10_000, ge=0)
    """How many answers are kept per collection; 0 keeps none."""


def _make_memory_backend(_: NoSettings) -> VectorStorageBackend:
    from medha.memory import MemoryBackend

    return MemoryBackend()


def _make_memory_l1(settings: MemoryL1Settings) -> L1CacheBackend:
    from medha.l1_memory import MemoryL1Cache

    return MemoryL1Cache(settings.max_size)


@hookimpl
def medha_register_backends() -> Sequence[BackendPlugin]:
    """The reference backend."""
    return [
        BackendPlugin(
            name="memory",
            factory=_make_memory_backend,
            settings=NoSettings,
            capabilities=MEMORY_CAPABILITIES,
            api_version=PLUGIN_API,
        )
    ]


@hookimpl
def medha_register_l1_caches() -> Sequence[L1Plugin]:
    """The reference L1 cache."""
    return [
        L1Plugin(name="memory", factory=_make_memory_l1, settings=MemoryL1Settings, api_version=PLUGIN_API),
    ]


@hookimpl
def medha_register_guards() -> Sequence[GuardPlugin]:
    """The built-in guards; the module of each is imported when it is made."""
    from medha.guards import GUARD_PLUGINS

    return GUARD_PLUGINS
