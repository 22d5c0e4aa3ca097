"""What the backend calls Qdrant through, in either way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from medha.errors import BackendUnavailableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from qdrant_client import AsyncQdrantClient

T = TypeVar("T")


class Connection(Protocol):
    """What the backend calls Qdrant through."""

    async def open(self) -> None:
        """Reach the engine; harmless when it is open."""
        ...

    async def close(self) -> None:
        """End everything that was begun here."""
        ...

    async def run(
        self,
        doing: str,
        collection: str,
        call: Callable[[AsyncQdrantClient], Awaitable[T]],
        *,
        writing: bool = False,
    ) -> T:
        """What the call returns; a call that is ``writing`` is never broken off midway."""
        ...


def not_connected(place: str) -> BackendUnavailableError:
    """The error of a call before ``connect`` or after ``close``."""
    return BackendUnavailableError(f"the qdrant backend on {place} is not connected; call connect() first")
