"""What this distribution offers to Medha."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from medha import FULL, PLUGIN_API, BackendPlugin, Capability, VectorStorageBackend, hookimpl, impossible
from medha_weaviate.settings import WeaviateSettings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medha import Support

CAPABILITIES: Final[Mapping[Capability, Support]] = {
    Capability.METADATA_FILTER: FULL,
    Capability.EXACT_SEARCH: impossible(
        "above 40,000 matching entries (flatSearchCutoff) a search follows a graph (HNSW) and may pass one by; with "
        "the setting index=flat every search is exact"
    ),
    Capability.DURABLE: FULL,
    Capability.SHARED: FULL,
    Capability.ONE_ROUND_TRIP: impossible("Weaviate takes one search in a request"),
}


def capabilities_with(settings: WeaviateSettings) -> Mapping[Capability, Support]:
    """What a backend with these settings can do."""
    changed: dict[Capability, Support] = {}
    if settings.index == "flat":
        changed[Capability.EXACT_SEARCH] = FULL
    if settings.mode == "embedded":
        changed[Capability.SHARED] = impossible("the embedded server belongs to the process that started it")
    return {**CAPABILITIES, **changed}


def _make(settings: WeaviateSettings) -> VectorStorageBackend:
    from medha_weaviate.backend import WeaviateBackend

    return WeaviateBackend(settings)


@hookimpl
def medha_register_backends() -> Sequence[BackendPlugin]:
    """The weaviate backend."""
    return [
        BackendPlugin(
            name="weaviate",
            factory=_make,
            settings=WeaviateSettings,
            capabilities=CAPABILITIES,
            capabilities_with=capabilities_with,
            api_version=PLUGIN_API,
        )
    ]
