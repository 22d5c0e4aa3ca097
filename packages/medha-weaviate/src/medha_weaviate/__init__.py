"""Weaviate as a backend of Medha: on a server, in its cloud, or embedded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medha_weaviate.settings import WeaviateSettings

if TYPE_CHECKING:
    from medha_weaviate.backend import WeaviateBackend

__all__ = ["WeaviateBackend", "WeaviateSettings"]


def __getattr__(name: str) -> Any:
    # looking for plugins imports this package, and must not pay for the driver
    if name == "WeaviateBackend":
        from medha_weaviate.backend import WeaviateBackend

        return WeaviateBackend
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
