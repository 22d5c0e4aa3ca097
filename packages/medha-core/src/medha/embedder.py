"""The contract of an embedder: texts in, vectors out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from medha.errors import EmbedderOutputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medha.models import Vector, Vectors

    VectorLike = Sequence[float] | Vector
    VectorsLike = Sequence[Sequence[float]] | Sequence[Vector] | Vectors


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingUsage:
    """What an embedder was asked for, and what it costs; ``None`` is unknown.

    ``tokens`` are those that the vendor counted, ``cost`` and ``cost_per_million_tokens`` are US dollars.
    """

    requests: int = 0
    texts: int = 0
    tokens: int | None = None
    cost_per_million_tokens: float | None = None
    cost: float | None = None


class BaseEmbedder(ABC):
    """Turns texts into vectors of one model.

    ``dimension`` and ``model_name`` are known once ``connect`` has returned, before the first embedding. Vectors may
    be lists or arrays of any scale; core makes them unit float32 rows and refuses NaN, infinity, zero length
    and any other dimension. Work over about a millisecond leaves the event loop. Errors are those of
    ``medha.errors.EmbedderError``, with the cause chained.
    """

    asymmetric: ClassVar[bool] = False
    """True when the model embeds a stored question (document) otherwise than an asked one (query)."""

    remote: ClassVar[bool] = False
    """True when every embedding is a call over the network: then a lookup first asks whether it needs one."""

    @property
    @abstractmethod
    def dimension(self) -> int:
        """The number of components of every vector."""

    @property
    @abstractmethod
    def model_name(self) -> str:
        """A name that changes whenever the vectors would: model, revision, pooling."""

    @abstractmethod
    async def aembed_batch(self, texts: Sequence[str], *, is_document: bool = False) -> VectorsLike:
        """One vector per text, in order: shape (len(texts), dimension)."""

    async def aembed(self, text: str) -> VectorLike:
        """The vector of one asked question."""
        vectors = await self.aembed_batch([text])
        if len(vectors) != 1:
            raise EmbedderOutputError(f"{self.model_name!r} returned {len(vectors)} vectors for 1 text")
        return vectors[0]

    @property
    def usage(self) -> EmbeddingUsage | None:
        """What this embedder was asked for since it was made, for the statistics; ``None`` where nothing is billed."""
        return None

    async def connect(self) -> None:  # noqa: B027 - most embedders need neither
        """Prepare; calling it again is harmless, also after ``close``."""

    async def close(self) -> None:  # noqa: B027
        """Let go of what ``connect`` took; calling it again is harmless."""
