"""The contract of an L1 cache: answers by key, withdrawn by tag."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection

    from medha.models import CacheHit


class L1Read(NamedTuple):
    """What ``get`` found, and the fence to hand back to ``set``."""

    hit: CacheHit | None
    fence: int


class L1CacheBackend(ABC):
    """Keeps whole answers for questions in the very same words.

    Every answer carries tags: the id of the entry it came from and the identity of its question. ``invalidate`` removes
    every answer with one of the tags, in this process and in all that share the cache, before it returns.
    The fence closes the gap between reading and writing: ``get`` returns the collection's current fence, every
    ``invalidate`` and ``clear`` moves it, and ``set`` with a fence that has moved stores nothing - so an
    answer that was looked up before an invalidation cannot slip in after it. One collection never sees
    another's keys or tags. Errors are ``medha.errors.L1Error``, with the cause chained.
    """

    in_process: ClassVar[bool] = False
    """True when no call ever waits for anything; core then sets no deadline on it."""

    @abstractmethod
    async def get(self, collection: str, key: str) -> L1Read:
        """The answer under the key, or ``None``, with the current fence."""

    @abstractmethod
    async def set(self, collection: str, key: str, hit: CacheHit, *, tags: Collection[str], fence: int) -> bool:
        """Keep the answer under the key; returns False when the fence has moved and nothing was kept."""

    @abstractmethod
    async def invalidate(self, collection: str, tags: Collection[str]) -> int:
        """Remove every answer that has one of the tags; returns how many."""

    @abstractmethod
    async def clear(self, collection: str) -> None:
        """Remove every answer of the collection."""

    async def connect(self) -> None:  # noqa: B027 - an in-process cache needs neither
        """Open what the cache needs; calling it again is harmless, also after ``close``."""

    async def close(self) -> None:  # noqa: B027
        """Close what ``connect`` opened, and only that; calling it again is harmless."""
