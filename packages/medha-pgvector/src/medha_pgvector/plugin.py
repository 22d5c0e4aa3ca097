"""What this distribution offers to Medha."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from medha import FULL, PLUGIN_API, BackendPlugin, Capability, Support, VectorStorageBackend, hookimpl, impossible
from medha_pgvector.settings import PgvectorSettings, VectorchordSettings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medha_pgvector.settings import PostgresSettings

CAPABILITIES: Final[Mapping[Capability, Support]] = {
    Capability.METADATA_FILTER: FULL,
    Capability.EXACT_SEARCH: impossible(
        "from index_from_rows entries on, a vector index answers and may miss a neighbour; index=none keeps every "
        "search exact"
    ),
    Capability.DURABLE: FULL,
    Capability.SHARED: FULL,
    Capability.ONE_ROUND_TRIP: FULL,
}
"""With the default settings."""


def capabilities_with(settings: PostgresSettings) -> Mapping[Capability, Support]:
    """What a backend can do with these settings."""
    return {**CAPABILITIES, Capability.EXACT_SEARCH: FULL} if settings.index == "none" else CAPABILITIES


def _make_pgvector(settings: PgvectorSettings) -> VectorStorageBackend:
    from medha_pgvector.backend import PgvectorBackend

    return PgvectorBackend(settings)


def _make_vectorchord(settings: VectorchordSettings) -> VectorStorageBackend:
    from medha_pgvector.backend import VectorchordBackend

    return VectorchordBackend(settings)


@hookimpl
def medha_register_backends() -> Sequence[BackendPlugin]:
    """The backends pgvector and vectorchord."""
    return [
        BackendPlugin(
            name="pgvector",
            factory=_make_pgvector,
            settings=PgvectorSettings,
            capabilities=CAPABILITIES,
            capabilities_with=capabilities_with,
            api_version=PLUGIN_API,
        ),
        BackendPlugin(
            name="vectorchord",
            factory=_make_vectorchord,
            settings=VectorchordSettings,
            capabilities=CAPABILITIES,
            capabilities_with=capabilities_with,
            api_version=PLUGIN_API,
        ),
    ]
