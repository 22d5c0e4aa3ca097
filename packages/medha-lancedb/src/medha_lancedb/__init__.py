"""LanceDB as a backend of Medha: in a folder, or in an object store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medha_lancedb.settings import LanceSettings

if TYPE_CHECKING:
    from medha_lancedb.backend import LanceBackend

__all__ = ["LanceBackend", "LanceSettings"]


def __getattr__(name: str) -> Any:
    # looking for plugins imports this package, and must not pay for numpy and the driver
    if name == "LanceBackend":
        from medha_lancedb.backend import LanceBackend

        return LanceBackend
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
