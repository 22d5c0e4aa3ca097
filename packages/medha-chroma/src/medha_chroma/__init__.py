"""Chroma as a backend of Medha: in memory, in a folder, or on a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medha_chroma.settings import ChromaSettings

if TYPE_CHECKING:
    from medha_chroma.backend import ChromaBackend

__all__ = ["ChromaBackend", "ChromaSettings"]


def __getattr__(name: str) -> Any:
    # looking for plugins imports this package, and must not pay for numpy and the driver
    if name == "ChromaBackend":
        from medha_chroma.backend import ChromaBackend

        return ChromaBackend
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
