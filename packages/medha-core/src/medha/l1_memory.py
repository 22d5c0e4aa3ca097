"""The reference L1 cache: the latest answers, in this process."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from medha.l1 import L1CacheBackend, L1Read

if TYPE_CHECKING:
    from collections.abc import Collection

    from medha.models import CacheHit


@dataclass(slots=True)
class _Answers:
    hits: OrderedDict[str, tuple[CacheHit, tuple[str, ...]]] = field(
        default_factory=OrderedDict[str, "tuple[CacheHit, tuple[str, ...]]"]
    )
    keys_of_tag: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    fence: int = 0

    def drop(self, key: str) -> None:
        _, tags = self.hits.pop(key)
        for tag in tags:
            keys = self.keys_of_tag[tag]
            keys.discard(key)
            if not keys:
                del self.keys_of_tag[tag]


class MemoryL1Cache(L1CacheBackend):
    """At most ``max_size`` answers per collection; the least recently used one leaves first."""

    in_process: ClassVar[bool] = True

    def __init__(self, max_size: int = 10_000) -> None:
        self._max_size = max_size
        self._collections: dict[str, _Answers] = {}

    async def get(self, collection: str, key: str) -> L1Read:
        """The answer under the key."""
        answers = self._answers(collection)
        found = answers.hits.get(key)
        if found is None:
            return L1Read(None, answers.fence)
        answers.hits.move_to_end(key)
        return L1Read(found[0], answers.fence)

    async def set(self, collection: str, key: str, hit: CacheHit, *, tags: Collection[str], fence: int) -> bool:
        """Keep the answer, unless something was invalidated since the fence was read."""
        answers = self._answers(collection)
        if fence != answers.fence or self._max_size == 0:
            return False
        if key in answers.hits:
            answers.drop(key)
        answers.hits[key] = (hit, tuple(tags))
        for tag in tags:
            answers.keys_of_tag.setdefault(tag, set()).add(key)
        if len(answers.hits) > self._max_size:
            answers.drop(next(iter(answers.hits)))
        return True

    async def invalidate(self, collection: str, tags: Collection[str]) -> int:
        """Remove every answer with one of the tags."""
        answers = self._answers(collection)
        answers.fence += 1
        if not answers.hits:
            return 0
        keys = {key for tag in tags for key in answers.keys_of_tag.get(tag, ())}
        for key in keys:
            answers.drop(key)
        return len(keys)

    async def clear(self, collection: str) -> None:
        """Remove every answer."""
        fence = self._answers(collection).fence
        self._collections[collection] = _Answers(fence=fence + 1)

    async def close(self) -> None:
        """Forget everything."""
        for collection in list(self._collections):
            await self.clear(collection)

    def _answers(self, collection: str) -> _Answers:
        answers = self._collections.get(collection)
        if answers is None:
            answers = self._collections[collection] = _Answers()
        return answers
