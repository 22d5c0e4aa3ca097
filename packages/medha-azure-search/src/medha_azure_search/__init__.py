"""Azure AI Search as a backend of Medha."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medha_azure_search.settings import AzureSearchSettings

if TYPE_CHECKING:
    from medha_azure_search.backend import AzureSearchBackend

__all__ = ["AzureSearchBackend", "AzureSearchSettings"]


def __getattr__(name: str) -> Any:
    # looking for plugins imports this package, and must not pay for the driver
    if name == "AzureSearchBackend":
        from medha_azure_search.backend import AzureSearchBackend

        return AzureSearchBackend
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
