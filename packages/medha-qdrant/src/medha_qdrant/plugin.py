"""What this distribution offers to Medha."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from medha import FULL, PLUGIN_API, BackendPlugin, Capability, Support, VectorStorageBackend, hookimpl, impossible
from medha_qdrant.settings import QdrantSettings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CAPABILITIES: Final[Mapping[Capability, Support]] = {
    Capability.METADATA_FILTER: FULL,
    Capability.EXACT_SEARCH: impossible(
        "from 10 MB of vectors on Qdrant searches an HNSW index, which may miss some; "
        "MEDHA_QDRANT_EXACT=true makes it compare every vector"
    ),
    Capability.DURABLE: FULL,
    Capability.SHARED: FULL,
    Capability.ONE_ROUND_TRIP: FULL,
}
"""On a server, with the default settings."""


def capabilities_with(settings: QdrantSettings) -> Mapping[Capability, Support]:
    """What the backend can do with these settings."""
    if not settings.embedded:
        return {**CAPABILITIES, Capability.EXACT_SEARCH: FULL} if settings.exact else CAPABILITIES
    in_memory = settings.mode == "memory"
    return {
        **CAPABILITIES,
        Capability.EXACT_SEARCH: FULL,
        Capability.DURABLE: impossible("in mode 'memory' it is gone when the process ends") if in_memory else FULL,
        Capability.SHARED: impossible(f"in mode {settings.mode!r} one process has the collections to itself"),
        Capability.ONE_ROUND_TRIP: impossible("the engine is in this process: there is no way to save"),
    }


def _make(settings: QdrantSettings) -> VectorStorageBackend:
    from medha_qdrant.backend import QdrantBackend

    return QdrantBackend(settings)


@hookimpl
def medha_register_backends() -> Sequence[BackendPlugin]:
    """The qdrant backend."""
    return [
        BackendPlugin(
            name="qdrant",
            factory=_make,
            settings=QdrantSettings,
            capabilities=CAPABILITIES,
            capabilities_with=capabilities_with,
            api_version=PLUGIN_API,
        )
    ]
