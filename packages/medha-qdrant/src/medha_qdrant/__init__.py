"""Qdrant as a backend of Medha: embedded, on a server, or in its cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medha_qdrant.settings import QdrantSettings

if TYPE_CHECKING:
    from medha_qdrant.backend import QdrantBackend

__all__ = ["QdrantBackend", "QdrantSettings"]


def __getattr__(name: str) -> Any:
    # looking for plugins imports this package, and must not pay for numpy and the driver
    if name == "QdrantBackend":
        from medha_qdrant.backend import QdrantBackend

        return QdrantBackend
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
