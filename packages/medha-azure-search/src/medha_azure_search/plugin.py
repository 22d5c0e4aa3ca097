"""What this distribution offers to Medha."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from medha import FULL, PLUGIN_API, BackendPlugin, Capability, VectorStorageBackend, hookimpl, impossible
from medha_azure_search.settings import AzureSearchSettings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medha import Support

CAPABILITIES: Final[Mapping[Capability, Support]] = {
    Capability.METADATA_FILTER: FULL,
    Capability.EXACT_SEARCH: impossible(
        "a search follows a graph (HNSW) and may pass a neighbour by; with the setting exhaustive=true every search is "
        "exact"
    ),
    Capability.DURABLE: FULL,
    Capability.SHARED: FULL,
    Capability.ONE_ROUND_TRIP: impossible("Azure AI Search takes one search in a request"),
}


def capabilities_with(settings: AzureSearchSettings) -> Mapping[Capability, Support]:
    """What a backend with these settings can do."""
    return {**CAPABILITIES, **({Capability.EXACT_SEARCH: FULL} if settings.exhaustive else {})}


def _make(settings: AzureSearchSettings) -> VectorStorageBackend:
    from medha_azure_search.backend import AzureSearchBackend

    return AzureSearchBackend(settings)


@hookimpl
def medha_register_backends() -> Sequence[BackendPlugin]:
    """The azure-search backend."""
    return [
        BackendPlugin(
            name="azure-search",
            factory=_make,
            settings=AzureSearchSettings,
            capabilities=CAPABILITIES,
            capabilities_with=capabilities_with,
            api_version=PLUGIN_API,
        )
    ]
