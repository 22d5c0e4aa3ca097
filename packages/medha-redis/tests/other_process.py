"""A Medha in a process of its own, on a shared backend and L1 cache: obeys the lines it is given, and answers each."""

from __future__ import annotations

import asyncio
import hashlib
import sys
from typing import TYPE_CHECKING

import numpy as np

from medha import BaseEmbedder, Medha
from medha_conformance.processes import obey
from medha_redis import RedisBackend, RedisL1Cache, RedisL1Settings, RedisSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medha.models import Vectors


class DigestEmbedder(BaseEmbedder):
    """Another direction for each text: no two questions are close."""

    @property
    def dimension(self) -> int:
        return 32

    @property
    def model_name(self) -> str:
        return "sha256"

    async def aembed_batch(self, texts: Sequence[str], *, is_document: bool = False) -> Vectors:
        digests = b"".join(hashlib.sha256(text.encode()).digest() for text in texts)
        return np.frombuffer(digests, dtype=np.uint8).reshape(len(texts), 32).astype(np.float32) - 127.5


class Orders:
    """What this process does with one question."""

    def __init__(self, cache: Medha) -> None:
        self._cache = cache

    async def search(self, question: str) -> list[str | None]:
        hit = await self._cache.search(question)
        return [hit.generated_query, str(hit.strategy)]

    async def store(self, question: str, query: str) -> None:
        await self._cache.store(question, query)

    async def invalidate(self, question: str) -> int:
        return await self._cache.invalidate(question)

    async def clear(self) -> None:
        await self._cache.invalidate_collection()


async def main() -> None:
    """Serve one collection until the input ends."""
    url, prefix, collection = sys.argv[1:]
    backend = RedisBackend(RedisSettings(url=url, prefix=prefix))
    l1 = RedisL1Cache(RedisL1Settings(url=url, prefix=f"{prefix}l1:"))
    async with Medha(collection, DigestEmbedder(), backend, l1_backend=l1) as cache:
        await obey(Orders(cache))
    await l1.close()
    await backend.close()


if __name__ == "__main__":
    asyncio.run(main())
