"""What this distribution offers to Medha."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from medha import FULL, PLUGIN_API, BackendPlugin, Capability, Support, VectorStorageBackend, hookimpl, impossible
from medha_chroma.settings import ChromaSettings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CAPABILITIES: Final[Mapping[Capability, Support]] = {
    Capability.METADATA_FILTER: FULL,
    Capability.EXACT_SEARCH: impossible("Chroma searches an HNSW index, which may miss some, and has no other search"),
    Capability.DURABLE: FULL,
    Capability.SHARED: FULL,
    Capability.ONE_ROUND_TRIP: impossible("a request of Chroma has one condition: an entry by its id is another one"),
}
"""On a server."""


def capabilities_with(settings: ChromaSettings) -> Mapping[Capability, Support]:
    """What the backend can do with these settings."""
    if settings.mode == "server":
        return CAPABILITIES
    in_memory = settings.mode == "memory"
    return {
        **CAPABILITIES,
        Capability.DURABLE: impossible("in mode 'memory' it is gone when the process ends") if in_memory else FULL,
        Capability.SHARED: impossible(f"in mode {settings.mode!r} one process has the collections to itself"),
    }


def _make(settings: ChromaSettings) -> VectorStorageBackend:
    from medha_chroma.backend import ChromaBackend

    return ChromaBackend(settings)


@hookimpl
def medha_register_backends() -> Sequence[BackendPlugin]:
    """The chroma backend."""
    return [
        BackendPlugin(
            name="chroma",
            factory=_make,
            settings=ChromaSettings,
            capabilities=CAPABILITIES,
            capabilities_with=capabilities_with,
            api_version=PLUGIN_API,
        )
    ]
