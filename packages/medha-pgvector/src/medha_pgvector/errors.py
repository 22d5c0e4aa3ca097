"""What PostgreSQL and its driver report, as Medha's errors: every one names the server and the way out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import psycopg

from medha.errors import (
    BackendError,
    BackendTimeoutError,
    BackendUnavailableError,
    BackendWriteError,
    CollectionMismatchError,
    CollectionNotFoundError,
    CorruptEntryError,
)
from medha.explaining import Advice, failure, unreadable_row
from medha.memory import not_found_message
from medha.rows import UnreadableRowError

if TYPE_CHECKING:
    from collections.abc import Mapping

_UNREACHABLE: Final[Advice] = (
    BackendUnavailableError,
    (
        "the server cannot be reached, refused the login, or hung up. Check that it runs, and the address, database, "
        "user and password; the next call connects again"
    ),
)
_REFUSED_LOGIN: Final[Advice] = (
    BackendUnavailableError,
    "the server refused the login. Check the user, the password and the database, and pg_hba.conf on the server",
)
_NOT_ALLOWED: Final[Advice] = (
    BackendUnavailableError,
    "the role may not do this. Its schema must be its own, or grant it USAGE and CREATE there",
)
_TIMED_OUT: Final[Advice] = (
    BackendTimeoutError,
    (
        "the server did not answer in time, or was told to stop (statement_timeout, an administrator). Look for locks "
        "and load on the server"
    ),
)
_IN_THE_WAY: Final[Advice] = (
    BackendUnavailableError,
    "another transaction was in the way, and nothing was changed. Try again",
)
_BUSY: Final[Advice] = (
    BackendUnavailableError,
    "the server is out of connections or memory. Lower pool_size, or give the server more",
)
_CANNOT_KEEP: Final[Advice] = (
    BackendWriteError,
    (
        "the server could not keep it: its disk is full, it is read-only (a replica?), or failed to write. What was "
        "stored before is intact"
    ),
)
_REFUSED_VALUES: Final[Advice] = (BackendWriteError, "PostgreSQL refused the values; nothing of this call was stored")
_ANOTHER_MODEL: Final[Advice] = (
    CollectionMismatchError,
    "the collection holds vectors of another dimension; was it dropped and made anew meanwhile? Initialize it again",
)
_DAMAGED: Final[Advice] = (
    CorruptEntryError,
    "the server found its own files damaged. Run amcheck, restore a backup or rebuild the index it names",
)
_NO_EXTENSION: Final[Advice] = (
    BackendUnavailableError,
    "the server lacks something that Medha needs; is the extension installed, and as new as the documents ask for?",
)
_OTHER: Final[Advice] = (
    BackendError,
    "PostgreSQL failed in a way that Medha does not expect; has another program changed the tables?",
)

BY_STATE: Final[Mapping[str, Advice]] = {
    "08": _UNREACHABLE,
    "57P01": _UNREACHABLE,
    "57P02": _UNREACHABLE,
    "57P03": _UNREACHABLE,
    "57P05": _UNREACHABLE,
    "28": _REFUSED_LOGIN,
    "3D": _REFUSED_LOGIN,
    "57P04": _REFUSED_LOGIN,
    "42501": _NOT_ALLOWED,
    "57014": _TIMED_OUT,
    "25P03": _TIMED_OUT,
    "25P04": _TIMED_OUT,
    "55P03": _TIMED_OUT,
    "40": _IN_THE_WAY,
    "55006": _IN_THE_WAY,
    "53": _BUSY,
    "53100": _CANNOT_KEEP,
    "25006": _CANNOT_KEEP,
    "58": _CANNOT_KEEP,
    "22": _REFUSED_VALUES,
    "23": _REFUSED_VALUES,
    "54": _REFUSED_VALUES,
    "22000": _ANOTHER_MODEL,
    "XX001": _DAMAGED,
    "XX002": _DAMAGED,
    "0A": _NO_EXTENSION,
    "42704": _NO_EXTENSION,
    "42883": _NO_EXTENSION,
    "58P01": _NO_EXTENSION,
}
"""By SQLSTATE, else by its class, which is the first two letters; what is here in neither way is unexpected."""

_NOT_FOUND: Final = {"42P01", "3F000"}

BY_CLASS: Final[tuple[tuple[type[Exception], Advice], ...]] = (
    (psycopg.errors.ConnectionTimeout, _TIMED_OUT),
    (psycopg.errors.CancellationTimeout, _TIMED_OUT),
    (psycopg.OperationalError, _UNREACHABLE),
    (psycopg.InterfaceError, _UNREACHABLE),
    (psycopg.DataError, _REFUSED_VALUES),
    (psycopg.IntegrityError, _REFUSED_VALUES),
    (UnicodeEncodeError, _REFUSED_VALUES),
)
"""For errors that do not come from the server and have no SQLSTATE; the first that fits."""


def explain(exc: Exception, *, doing: str, address: str, collection: str | None = None) -> BackendError:
    """The error to raise from ``exc``, which came up while ``doing`` something on the server."""
    doing = f"{doing} on {address}"
    if isinstance(exc, UnreadableRowError):
        return unreadable_row(doing, exc)
    state: str | None = getattr(exc, "sqlstate", None)
    if state in _NOT_FOUND and collection is not None:
        return CollectionNotFoundError(f"{doing}: {not_found_message(collection)}")
    # without DETAIL and CONTEXT, which repeat what was stored
    diagnosis = exc.diag.message_primary if isinstance(exc, psycopg.Error) else None
    return failure(doing, _kind_of(exc, state), f"{type(exc).__name__}: {diagnosis or str(exc).strip()}")


def _kind_of(exc: Exception, state: str | None) -> Advice:
    if state is not None:
        return BY_STATE.get(state) or BY_STATE.get(state[:2], _OTHER)
    return next((kind for error, kind in BY_CLASS if isinstance(exc, error)), _OTHER)
