"""Redis as a backend of Medha, and as an L1 cache that processes share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medha_redis.settings import RedisL1Settings, RedisSettings

if TYPE_CHECKING:
    from medha_redis.backend import RedisBackend
    from medha_redis.l1 import RedisL1Cache

__all__ = ["RedisBackend", "RedisL1Cache", "RedisL1Settings", "RedisSettings"]


def __getattr__(name: str) -> Any:
    # looking for plugins imports this package, and must not pay for the driver and numpy
    if name == "RedisBackend":
        from medha_redis.backend import RedisBackend

        return RedisBackend
    if name == "RedisL1Cache":
        from medha_redis.l1 import RedisL1Cache

        return RedisL1Cache
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
