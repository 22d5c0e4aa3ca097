"""What this distribution offers to Medha."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from medha import FULL, PLUGIN_API, BackendPlugin, Capability, Support, VectorStorageBackend, hookimpl, impossible
from medha_lancedb.settings import LanceSettings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CAPABILITIES: Final[Mapping[Capability, Support]] = {
    Capability.METADATA_FILTER: FULL,
    Capability.EXACT_SEARCH: impossible(
        "from MEDHA_LANCEDB_INDEX_FROM rows on LanceDB searches an index, which may miss some; "
        "MEDHA_LANCEDB_EXACT=true makes it compare every vector"
    ),
    Capability.DURABLE: FULL,
    Capability.SHARED: FULL,
    Capability.ONE_ROUND_TRIP: impossible("the table is read in this process: there is no way to save"),
}
"""With the default settings."""


def capabilities_with(settings: LanceSettings) -> Mapping[Capability, Support]:
    """What the backend can do with these settings."""
    return {**CAPABILITIES, Capability.EXACT_SEARCH: FULL} if settings.exact else CAPABILITIES


def _make(settings: LanceSettings) -> VectorStorageBackend:
    from medha_lancedb.backend import LanceBackend

    return LanceBackend(settings)


@hookimpl
def medha_register_backends() -> Sequence[BackendPlugin]:
    """The lancedb backend."""
    return [
        BackendPlugin(
            name="lancedb",
            factory=_make,
            settings=LanceSettings,
            capabilities=CAPABILITIES,
            capabilities_with=capabilities_with,
            api_version=PLUGIN_API,
        )
    ]
