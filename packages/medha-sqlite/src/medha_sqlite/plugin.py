"""What this distribution offers to Medha."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from medha import FULL, BackendPlugin, Capability, VectorStorageBackend, hookimpl, impossible
from medha_sqlite.settings import SqliteSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

CAPABILITIES: Final = {
    Capability.METADATA_FILTER: FULL,
    Capability.EXACT_SEARCH: FULL,
    Capability.DURABLE: FULL,
    Capability.SHARED: FULL,
    Capability.ONE_ROUND_TRIP: impossible("the file is read in this process: there is no way to save"),
}


def _make(settings: SqliteSettings) -> VectorStorageBackend:
    from medha_sqlite.backend import SqliteBackend

    return SqliteBackend(settings)


@hookimpl
def medha_register_backends() -> Sequence[BackendPlugin]:
    """The sqlite backend."""
    return [
        BackendPlugin(name="sqlite", factory=_make, settings=SqliteSettings, capabilities=CAPABILITIES, api_version=1)
    ]
