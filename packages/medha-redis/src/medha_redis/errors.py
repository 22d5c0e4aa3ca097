"""What Redis and its driver report, as Medha's errors: every one names the server and the way out."""

from __future__ import annotations

import re
from typing import Final

from redis import exceptions as driver

from medha.errors import (
    BackendError,
    BackendTimeoutError,
    BackendUnavailableError,
    BackendWriteError,
    CollectionNotFoundError,
    CorruptEntryError,
)
from medha.explaining import Advice, failure, unreadable_row
from medha.memory import not_found_message
from medha.rows import UnreadableRowError

_DRIVER_ERRORS: Final = (driver.RedisError, driver.RedisClusterException, driver.ChildDeadlockedError)
FAULTS: Final = (*_DRIVER_ERRORS, driver.IncorrectPolicyType, OSError, UnreadableRowError, UnicodeEncodeError)
"""Everything that a call of the driver, or reading its answer, may raise."""

_REACH: Final = (
    BackendUnavailableError,
    "Redis cannot be reached, or dropped the connection. See whether it runs at that address and lets this machine in",
)
_SLOW: Final = (
    BackendTimeoutError,
    "Redis did not answer in time. See whether it is overloaded (SLOWLOG GET), or raise the setting timeout",
)
_LOGIN: Final = (BackendUnavailableError, "Redis refused the login. Check the settings username and password")
_PERMISSION: Final = (
    BackendUnavailableError,
    "the Redis user may not do that. Give it the commands and keys that the documentation of medha-redis lists",
)
_LOADING: Final = (BackendUnavailableError, "Redis is loading its data or busy with a script. Try again soon")
_CLUSTER: Final = (
    BackendUnavailableError,
    "the server belongs to a Redis Cluster, which medha-redis does not speak to. Use a standalone server or Sentinel",
)
_NOT_REDIS: Final = (BackendUnavailableError, "what answers is not Redis, or an incompatible one. Check the url")
_FULL: Final = (
    BackendWriteError,
    "Redis is out of memory; nothing of this call was stored. Raise maxmemory, or remove something",
)
_READ_ONLY: Final = (
    BackendWriteError,
    "this server is a read-only replica; nothing was stored. Use the master's address, or the setting sentinels",
)
_NOT_PERSISTED: Final = (
    BackendWriteError,
    "Redis refuses writes because it cannot save or replicate them. See its log, its disk and its replicas",
)
_DAMAGED: Final = (
    CorruptEntryError,
    "a stored value is not what Medha wrote. Remove the entry by its id and store its question again",
)
_NO_TEXT: Final = (BackendWriteError, "a text holds what UTF-8 cannot; nothing of this call was stored")
_OTHER: Final = (
    BackendError,
    "Redis failed in a way that Medha does not expect; has another program changed Medha's keys?",
)

BY_CLASS: Final[tuple[tuple[type[BaseException], Advice], ...]] = (
    (driver.TimeoutError, _SLOW),
    (driver.AuthenticationError, _LOGIN),
    (driver.AuthorizationError, _LOGIN),
    (driver.AuthenticationWrongNumberOfArgsError, _LOGIN),
    (driver.BusyLoadingError, _LOADING),
    (driver.ConnectionError, _REACH),
    (driver.InvalidResponse, _NOT_REDIS),
    (driver.NoPermissionError, _PERMISSION),
    (driver.OutOfMemoryError, _FULL),
    (driver.ReadOnlyError, _READ_ONLY),
    (driver.AskError, _CLUSTER),
    (driver.ClusterError, _CLUSTER),
    (driver.TryAgainError, _CLUSTER),
    (driver.ClusterCrossSlotError, _CLUSTER),
    (driver.RedisClusterException, _CLUSTER),
    (TimeoutError, _SLOW),
    (OSError, _REACH),
    (UnicodeEncodeError, _NO_TEXT),
)
"""The first that fits; what the server says in words only is in ``BY_WORD``."""

BY_WORD: Final[dict[str, Advice]] = {
    "NOAUTH": _LOGIN,
    "WRONGPASS": _LOGIN,
    "NOPERM": _PERMISSION,
    "LOADING": _LOADING,
    "BUSY": _LOADING,
    "MASTERDOWN": _LOADING,
    "OOM": _FULL,
    "READONLY": _READ_ONLY,
    "MISCONF": _NOT_PERSISTED,
    "NOREPLICAS": _NOT_PERSISTED,
    "WRONGTYPE": _DAMAGED,
}
"""By the code in an error reply."""

_CODE: Final = re.compile(r"[A-Z]{3,}")
_NO_INDEX: Final = ("no such index", "unknown index name", "search_index_not_found")


def explain(exc: BaseException, *, doing: str, address: str, collection: str | None = None) -> BackendError:
    """The error to raise from ``exc``, which came up while ``doing`` something on the server."""
    doing = f"{doing} on {address}"
    if isinstance(exc, UnreadableRowError):
        return unreadable_row(doing, exc)
    said = str(exc)
    if collection is not None and any(words in said.lower() for words in _NO_INDEX):
        return CollectionNotFoundError(not_found_message(collection))
    return failure(doing, _explanation(exc, said), f"{type(exc).__name__}: {said}")


def _explanation(exc: BaseException, said: str) -> Advice:
    for known, explanation in BY_CLASS:
        if isinstance(exc, known):
            return explanation
    if "hash value is not an integer" in said:
        return _DAMAGED
    return next((BY_WORD[word] for word in _CODE.findall(said) if word in BY_WORD), _OTHER)
