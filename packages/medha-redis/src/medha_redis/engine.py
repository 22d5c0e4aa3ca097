"""What finds vectors: the search module, or vector sets. All else about a collection is the same for both."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from medha.models import Page, Vector
    from medha.where import Where
    from medha_redis.calls import Calls
    from medha_redis.connection import Command
    from medha_redis.settings import RedisSettings

Row: TypeAlias = tuple[str, Any, Any, Any]
"""An id, and the fields of its entry as ``schema.to_entry`` takes them."""


class Nearest(NamedTuple):
    """How many entries were found, and of those that are still there the cosine and the row, closest first."""

    found: int
    rows: list[tuple[float, Row]]


def cosine(similarity: float) -> float:
    """The similarity without what rounding adds to it beyond [-1, 1]."""
    return max(-1.0, min(1.0, similarity))


class Engine(ABC):
    """The part of the backend that depends on the engine; ``where`` never holds ids here, and is never empty."""

    name: ClassVar[str]

    def __init__(self, calls: Calls, settings: RedisSettings) -> None:
        self.calls = calls
        self.settings = settings

    @abstractmethod
    def nearest(self, collection: str, vector: Vector, *, limit: int, where: Where, alive_at: float | None) -> Command:
        """The command for the nearest entries that match, and that live at the instant if one is given."""

    @abstractmethod
    def read_nearest(self, answer: Any) -> Nearest:
        """The answer to that command."""

    @abstractmethod
    async def page(self, collection: str, where: Where, *, limit: int, cursor: str | None, with_vectors: bool) -> Page:
        """A page of matching entries in the order in which their ids first came."""

    @abstractmethod
    async def count(self, collection: str, where: Where) -> int:
        """How many match."""

    @abstractmethod
    async def delete(self, collection: str, where: Where) -> int:
        """Remove what matches."""
