"""Plugins between ``connect`` and ``close``, for fixtures and for tests that need one more."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol, TypeVar

from medha import VectorStorageBackend
from medha_conformance.corpus import SPEC

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


class _Plugin(Protocol):
    async def connect(self) -> None: ...

    async def close(self) -> None: ...


P = TypeVar("P", bound=_Plugin)
B = TypeVar("B", bound=VectorStorageBackend)


@asynccontextmanager
async def connected(plugin: P) -> AsyncGenerator[P]:
    """The backend, embedder, extractor or reviewer, closed afterwards."""
    await plugin.connect()
    try:
        yield plugin
    finally:
        await plugin.close()


@asynccontextmanager
async def opened(backend: B, collection: str = "music", *, drop: bool = False) -> AsyncGenerator[B]:
    """The backend with the collection of ``corpus.SPEC``, which ``drop`` removes afterwards."""
    async with connected(backend):
        await backend.initialize(collection, SPEC)
        yield backend
        if drop:
            # a test may have closed it
            await backend.connect()
            await backend.drop_collection(collection)
