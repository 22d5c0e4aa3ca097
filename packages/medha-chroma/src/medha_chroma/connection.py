"""What the backend calls Chroma through, in each way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from medha.errors import BackendUnavailableError

if TYPE_CHECKING:
    from medha_chroma.settings import ChromaSettings


class Connection(Protocol):
    """Calls by the name of a method of the driver, of its API or of one collection.

    A call with ``writing`` is never broken off midway.
    """

    async def open(self) -> None:
        """Reach the engine; harmless when it is open."""
        ...

    async def close(self) -> None:
        """End everything that was begun here."""
        ...

    async def manage(self, doing: str, collection: str, method: str, *, writing: bool = False, **values: Any) -> Any:
        """What a method of the driver's API returns, in the tenant and database of the settings."""
        ...

    async def ask(
        self, doing: str, collection: str, model: Any, method: str, *, writing: bool = False, **values: Any
    ) -> Any:
        """What a method of the collection returns of which ``manage`` gave the model."""
        ...


def driver_settings(settings: ChromaSettings, **values: Any) -> Any:
    """The driver's settings: from no file, with no telemetry, and with certificates verified."""
    from chromadb.config import Settings

    # not from the .env of whatever folder the program runs in

    chosen: dict[str, Any] = {"anonymized_telemetry": False, "chroma_server_ssl_verify": True, **values}
    if settings.mode == "server":
        chosen["chroma_server_headers"] = settings.headers
    chosen["_env_file"] = None
    return Settings(**chosen)


def not_connected(place: str) -> BackendUnavailableError:
    """The error of a call before ``connect`` or after ``close``."""
    return BackendUnavailableError(f"the chroma backend on {place} is not connected; call connect() first")
