"""What this distribution offers to Medha."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from medha import FULL, PLUGIN_API, BackendPlugin, Capability, VectorStorageBackend, hookimpl, impossible
from medha_elastic.settings import ElasticsearchSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

CAPABILITIES: Final = {
    Capability.METADATA_FILTER: FULL,
    Capability.EXACT_SEARCH: impossible(
        "a kNN search follows a graph (HNSW) through every segment of the index with more matching entries than "
        "MEDHA_ELASTICSEARCH_NUM_CANDIDATES, and may pass one by; smaller segments are searched exactly"
    ),
    Capability.DURABLE: FULL,
    Capability.SHARED: FULL,
    Capability.ONE_ROUND_TRIP: FULL,
}


def _make(settings: ElasticsearchSettings) -> VectorStorageBackend:
    from medha_elastic.backend import ElasticsearchBackend

    return ElasticsearchBackend(settings)


@hookimpl
def medha_register_backends() -> Sequence[BackendPlugin]:
    """The elasticsearch backend."""
    return [
        BackendPlugin(
            name="elasticsearch",
            factory=_make,
            settings=ElasticsearchSettings,
            capabilities=CAPABILITIES,
            api_version=PLUGIN_API,
        )
    ]
