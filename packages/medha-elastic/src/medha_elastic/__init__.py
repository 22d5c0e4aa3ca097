"""Elasticsearch as a backend of Medha."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medha_elastic.settings import ElasticsearchSettings

if TYPE_CHECKING:
    from medha_elastic.backend import ElasticsearchBackend

__all__ = ["ElasticsearchBackend", "ElasticsearchSettings"]


def __getattr__(name: str) -> Any:
    # looking for plugins imports this package, and must not pay for the driver
    if name == "ElasticsearchBackend":
        from medha_elastic.backend import ElasticsearchBackend

        return ElasticsearchBackend
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
