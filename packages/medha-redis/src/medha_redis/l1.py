"""The L1 cache that processes share: every answer, tag and fence is in Redis, and each call is one script there."""

from __future__ import annotations

import functools
import json
import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from medha.errors import L1Error, MedhaError
from medha.l1 import L1CacheBackend, L1Read
from medha.models import CacheHit, SearchStrategy
from medha_redis import l1_scripts
from medha_redis.connection import Connection, address_of
from medha_redis.schema import digest

if TYPE_CHECKING:
    from collections.abc import Collection

    from medha_redis.settings import RedisL1Settings

_STORED: Final = tuple(field.name for field in fields(CacheHit) if field.name != "error")


@dataclass(frozen=True, slots=True)
class _Names:
    fence: str
    used: str
    answers: str
    tags: str

    @property
    def arguments(self) -> tuple[int | str, ...]:
        return 2, self.fence, self.used, self.answers, self.tags


class RedisL1Cache(L1CacheBackend):
    """Answers as hashes that Redis lets go of by itself, at their entry's expiry at the latest.

    An answer counts only as long as it stands under all its tags, so that eviction by the server never
    hides one from ``invalidate``.
    """

    def __init__(self, settings: RedisL1Settings) -> None:
        self._settings = settings
        self._connection: Connection | None = None

    async def connect(self) -> None:
        """Reach the server."""
        connection = self._connection
        if connection is None:
            connection = self._connection = Connection(self._settings, error=_as_l1_error)
        try:
            await connection.ask("connecting the L1 cache", "PING")
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Close every connection; the answers stay."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def get(self, collection: str, key: str) -> L1Read:
        """The answer and the fence, in one round trip."""
        doing = f"reading an answer of {collection!r}"
        fence, stored = await self._run(doing, collection, l1_scripts.GET, digest(key))
        return L1Read(None if stored is None else self._to_hit(doing, stored), int(fence))

    async def set(self, collection: str, key: str, hit: CacheHit, *, tags: Collection[str], fence: int) -> bool:
        """Keep the answer; one that carries an error is not kept, since it is no answer."""
        if hit.error is not None:
            return False
        expires = "" if hit.expires_at is None else math.floor(hit.expires_at * 1000) + 1
        limits = (fence, int(self._settings.max_age * 1000), expires, self._settings.max_size or 0)
        stored = json.dumps({name: _plain(getattr(hit, name)) for name in _STORED}, separators=(",", ":"))
        arguments = (digest(key), stored, *limits, *{digest(tag) for tag in tags})
        return bool(await self._run(f"keeping an answer of {collection!r}", collection, l1_scripts.SET, *arguments))

    async def invalidate(self, collection: str, tags: Collection[str]) -> int:
        """Remove every answer with one of the tags, for all who share the cache."""
        digests = {digest(tag) for tag in tags}
        return await self._run(f"withdrawing answers of {collection!r}", collection, l1_scripts.INVALIDATE, *digests)

    async def clear(self, collection: str) -> None:
        """Remove every answer of the collection."""
        await self._run(f"clearing the answers of {collection!r}", collection, l1_scripts.CLEAR)

    async def _run(self, doing: str, collection: str, script: str, *arguments: Any) -> Any:
        if self._connection is None:
            raise L1Error(f"{doing}: not connected to {address_of(self._settings)}; call connect() first")
        names = _names_of(self._settings.prefix, collection)
        return await self._connection.ask(doing, "EVAL", script, *names.arguments, *arguments)

    def _to_hit(self, doing: str, stored: bytes) -> CacheHit:
        try:
            values: dict[str, Any] = json.loads(stored)
            values["strategy"] = SearchStrategy(values["strategy"])
            return CacheHit(**values)
        except (ValueError, TypeError, KeyError) as exc:
            raise L1Error(
                f"{doing} on {address_of(self._settings)}: what is stored is not an answer ({exc}). Clear the cache"
            ) from exc


@functools.lru_cache(maxsize=1024)
def _names_of(prefix: str, collection: str) -> _Names:
    base = f"{prefix}{{{digest(collection)}}}:"
    return _Names(f"{base}fence", f"{base}used", f"{base}answer:", f"{base}tag:")


def _plain(value: Any) -> Any:
    return dict(value) if hasattr(value, "keys") else value


def _as_l1_error(error: MedhaError) -> MedhaError:
    return L1Error(str(error))
