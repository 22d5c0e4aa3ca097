"""The rows of a table in SQLite or PostgreSQL, read as a stream."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from medha.errors import BackendUnavailableError, ConfigurationError, FileError, MissingDependencyError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_AT_ONCE: Final = 500
_POSTGRES: Final = frozenset({"postgresql", "postgres"})


def table_rows(dsn: str, table: str) -> Iterator[Mapping[str, Any]]:
    """Each row as columns and values; the table is named ``NAME`` or ``SCHEMA.NAME``.

    ``dsn`` is ``sqlite:///relative.db``, ``sqlite:////absolute.db`` or ``postgresql://...``.

    Raises:
        ConfigurationError: the dsn is of neither database.
        FileError: the SQLite file is not there, or has no such table.
        BackendUnavailableError: the server does not answer, or has no such table.
        MissingDependencyError: psycopg is not installed.
    """
    scheme = urlsplit(dsn).scheme
    if scheme == "sqlite":
        return _sqlite_rows(Path(unquote(dsn.removeprefix("sqlite:").removeprefix("///"))), table)
    if scheme in _POSTGRES:
        return _postgres_rows(dsn, table)
    raise ConfigurationError(
        f"tables are read from sqlite:///FILE and postgresql://..., not from {scheme or 'a text without a scheme'!r}. "
        "Export the table to a CSV file and use --from file:PATH"
    )


def _sqlite_rows(path: Path, table: str) -> Iterator[Mapping[str, Any]]:
    import sqlite3

    if not path.is_file():
        raise FileError(f"cannot read the table {table!r}: there is no file {path}")
    name = ".".join('"' + part.replace('"', '""') + '"' for part in table.split(".", 1))
    try:
        # read in one thread after the other, never in two at a time
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, check_same_thread=False)) as base:
            base.row_factory = sqlite3.Row
            for row in base.execute(f"SELECT * FROM {name}"):  # noqa: S608 - a quoted name
                yield dict(row)
    except sqlite3.Error as exc:
        raise FileError(f"cannot read the table {table!r} of {path}: {exc}") from exc


def _postgres_rows(dsn: str, table: str) -> Iterator[Mapping[str, Any]]:
    try:
        import psycopg
        from psycopg import sql
        from psycopg.rows import dict_row
    except ImportError as exc:
        raise MissingDependencyError(
            "tables of PostgreSQL are read with psycopg. Try: pip install 'medha-cli[postgres]'"
        ) from exc
    statement = sql.SQL("SELECT * FROM {}").format(sql.Identifier(*table.split(".", 1)))
    try:
        with psycopg.connect(dsn) as connection, connection.cursor("medha_migrate", row_factory=dict_row) as cursor:
            cursor.itersize = _AT_ONCE
            yield from cursor.execute(statement)
    except psycopg.Error as exc:
        # the driver's words name host and database, never the password
        raise BackendUnavailableError(f"cannot read the table {table!r} of PostgreSQL: {exc}") from exc
