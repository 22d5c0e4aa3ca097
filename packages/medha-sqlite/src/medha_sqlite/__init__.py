"""The embedded, durable backend of Medha: one SQLite file, no server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medha_sqlite.settings import SqliteSettings

if TYPE_CHECKING:
    from medha_sqlite.backend import SqliteBackend

__all__ = ["SqliteBackend", "SqliteSettings"]


def __getattr__(name: str) -> Any:
    # looking for plugins imports this package, and must not pay for numpy and sqlite3
    if name == "SqliteBackend":
        from medha_sqlite.backend import SqliteBackend

        return SqliteBackend
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
