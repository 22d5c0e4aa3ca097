"""Exact cosine search over rows held in this process; the memory and sqlite backends share it."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, cast

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from medha.models import Vector, Vectors

T = TypeVar("T")

_FIRST_BLOCK_ROWS: Final = 4096
_BLOCK_ROWS: Final = 16_384
_INLINE_COMPONENTS: Final = 4_000_000
"""Up to so many components one product takes less than a millisecond, hardly more than the way to a thread and back."""
_FIRST_CUT: Final = 32


def _empty_payloads() -> list[Any]:
    return []


@dataclass(slots=True, eq=False)
class _Block(Generic[T]):
    """Rows are only ever appended, so a search in another thread never sees half a vector.

    ``start`` is the number of its first row; every row of a matrix has a number of its own, for ever.
    """

    start: int
    vectors: Vectors
    keys: list[str] = field(default_factory=list[str])
    payloads: list[T | None] = field(default_factory=_empty_payloads)
    dead: int = 0


class VectorMatrix(Generic[T]):
    """Unit float32 rows, each with a key and a payload, and the closest of them by raw cosine.

    Changing it is for one thread at a time; ``search`` may run in any thread meanwhile, and pairs each similarity with
    the payload that stood beside that very vector.
    """

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        self._blocks: list[_Block[T]] = []
        self._rows: dict[str, int] = {}
        self._next_start = 0

    def __len__(self) -> int:
        return len(self._rows)

    def put(self, keys: Sequence[str], vectors: Vectors, payloads: Sequence[T]) -> None:
        """Add rows, replacing those with the same key; ``vectors`` has shape (len(keys), dimension)."""
        replaced = [self._rows[key] for key in keys if key in self._rows]
        # the new rows come before the old ones go, so that a search in another thread always finds one of the two
        self._append(keys, vectors, payloads)
        self._retire(replaced)

    def remove(self, keys: Iterable[str]) -> int:
        """Drop rows; returns how many there were."""
        rows = [row for key in keys if (row := self._rows.pop(key, None)) is not None]
        self._retire(rows)
        return len(rows)

    def set_payload(self, key: str, payload: T) -> None:
        """Replace what stands beside a vector, not the vector."""
        block, offset = self._place(self._rows[key])
        block.payloads[offset] = payload

    def vector(self, key: str) -> Vector:
        """A copy of the row under the key."""
        block, offset = self._place(self._rows[key])
        return block.vectors[offset].copy()

    async def search(
        self, vector: Vector, *, limit: int, min_similarity: float, accept: Callable[[T], bool]
    ) -> list[tuple[T, float]]:
        """The closest accepted payloads with their cosine, closest first; large searches leave the event loop."""
        if len(self) * self.dimension <= _INLINE_COMPONENTS:
            return self.search_here(vector, limit=limit, min_similarity=min_similarity, accept=accept)
        return await asyncio.to_thread(
            self.search_here, vector, limit=limit, min_similarity=min_similarity, accept=accept
        )

    def search_here(
        self, vector: Vector, *, limit: int, min_similarity: float, accept: Callable[[T], bool]
    ) -> list[tuple[T, float]]:
        """The same, in the calling thread."""
        # keys grow last, so that a row counted here has its vector and payload in place
        parts = [(block, len(block.keys)) for block in list(self._blocks)]
        if limit <= 0 or not parts:
            return []
        similarities = np.concatenate([block.vectors[:used] @ vector for block, used in parts])
        # float32 products of unit vectors leave [-1, 1] by a rounding error
        np.clip(similarities, -1.0, 1.0, out=similarities)
        starts = [0, *accumulate(used for _, used in parts)]
        found: dict[str, tuple[T, float]] = {}
        moved: dict[str, tuple[T, float]] = {}
        for row, similarity in _closest_first(similarities, min_similarity, limit):
            part = bisect_right(starts, row) - 1
            block, offset = parts[part][0], row - starts[part]
            key, payload = block.keys[offset], block.payloads[offset]
            if payload is None:
                newer = self._written_since(key, parts, vector)
                if newer is not None and newer[1] >= min_similarity and accept(newer[0]):
                    moved[key] = newer
            elif key not in found and accept(payload):
                found[key] = (payload, similarity)
                if len(found) == limit:
                    break
        if not moved:
            return list(found.values())
        return sorted((found | moved).values(), key=lambda pair: -pair[1])[:limit]

    def _written_since(
        self, key: str, parts: Sequence[tuple[_Block[T], int]], vector: Vector
    ) -> tuple[T, float] | None:
        """What took the place of a dead row after the search of these parts began, with its similarity."""
        while (row := self._rows.get(key)) is not None:
            try:
                block, offset = self._place(row)
            except LookupError:
                continue  # the row moved on between the two looks
            if any(known is block and offset < used for known, used in parts):
                return None
            payload = block.payloads[offset]
            if payload is not None:
                return payload, float(np.clip(block.vectors[offset] @ vector, -1.0, 1.0))
        return None

    def _append(
        self, keys: Sequence[str], vectors: Vectors, payloads: Sequence[T], *, not_to: _Block[T] | None = None
    ) -> None:
        start = 0
        while start < len(keys):
            block = self._tail(not_to)
            used = len(block.keys)
            end = min(start + len(block.vectors) - used, len(keys))
            block.vectors[used : used + end - start] = vectors[start:end]
            block.payloads.extend(payloads[start:end])
            block.keys.extend(keys[start:end])
            self._rows.update(
                zip(keys[start:end], range(block.start + used, block.start + used + end - start), strict=True)
            )
            start = end

    def _place(self, row: int) -> tuple[_Block[T], int]:
        for block in tuple(self._blocks):
            if 0 <= row - block.start < len(block.vectors):
                return block, row - block.start
        raise LookupError(f"row {row} is not there any more")

    def _retire(self, rows: Sequence[int]) -> None:
        touched: dict[_Block[T], None] = {}
        for row in rows:
            block, offset = self._place(row)
            block.payloads[offset] = None
            block.dead += 1
            touched[block] = None
        for block in touched:
            if block.dead == len(block.keys) or block.dead > len(block.vectors) // 2:
                self._rewrite(block)

    def _tail(self, not_this: _Block[T] | None) -> _Block[T]:
        tail = self._blocks[-1] if self._blocks else None
        if tail is None or tail is not_this or len(tail.keys) == len(tail.vectors):
            # small collections stay small; large ones are few products, which BLAS spreads over the cores
            rows = min(max(_FIRST_BLOCK_ROWS, len(self)), _BLOCK_ROWS)
            self._blocks.append(_Block(self._next_start, np.empty((rows, self.dimension), dtype=np.float32)))
            self._next_start += rows
        return self._blocks[-1]

    def _rewrite(self, block: _Block[T]) -> None:
        """Move what lives in a mostly dead block to the tail, so that its memory is freed."""
        rows = [offset for offset, payload in enumerate(block.payloads) if payload is not None]
        keys = [block.keys[row] for row in rows]
        payloads = cast("list[T]", [block.payloads[row] for row in rows])
        self._append(keys, block.vectors[rows], payloads, not_to=block)
        self._blocks.remove(block)


def _closest_first(similarities: Vector, min_similarity: float, limit: int) -> Iterable[tuple[int, float]]:
    """Rows with their similarity from the closest on, sorted piece by piece: most searches need only the first."""
    rows = np.flatnonzero(similarities >= min_similarity)
    cut = max(_FIRST_CUT, 2 * limit)
    while rows.size:
        values = similarities if rows.size == similarities.size else similarities[rows]
        whole = rows.size <= cut
        top = np.arange(rows.size) if whole else np.argpartition(values, rows.size - cut)[rows.size - cut :]
        # equal similarities keep the order of insertion
        top = top[np.lexsort((rows[top], -values[top]))]
        yield from zip(rows[top].tolist(), values[top].tolist(), strict=True)
        rows = np.delete(rows, top)
        cut *= 8
