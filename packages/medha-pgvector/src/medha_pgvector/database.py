"""A database, connected and prepared: extension, schema and migrations in place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Identifier

from medha.errors import BackendError, BackendUnavailableError, ConfigurationError
from medha.rows import UnreadableRowError
from medha_pgvector import statements
from medha_pgvector.errors import explain
from medha_pgvector.names import Names, rendered
from medha_pgvector.pool import Connection, Pool

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from medha_pgvector.indexes import VectorIndex
    from medha_pgvector.settings import PostgresSettings

T = TypeVar("T")

_ATTEMPTS: Final = 5
_PREPARE_AFTER: Final = 5
_VECTOR: Final = "vector"


@dataclass(frozen=True, slots=True)
class Server:
    """Where the database is, and how to log in."""

    address: str
    conninfo: str
    parameters: dict[str, Any]


def server_of(settings: PostgresSettings) -> Server:
    """The server that the settings mean.

    Raises:
        ConfigurationError: the connection string is none.
    """
    conninfo = settings.url.get_secret_value()
    try:
        given = conninfo_to_dict(conninfo)
    except psycopg.Error:
        # the driver's own words repeat the string, and with it perhaps the password
        raise ConfigurationError(
            "url (MEDHA_PGVECTOR_URL or MEDHA_VECTORCHORD_URL) is not a connection string of PostgreSQL; write "
            "postgresql://user@host:5432/database or host=... dbname=..., and % in a password as %25"
        ) from None
    parameters: dict[str, Any] = {"connect_timeout": given.get("connect_timeout", settings.connect_timeout)}
    if settings.password is not None:
        parameters["password"] = settings.password.get_secret_value()
    host, port = given.get("host", "localhost"), given.get("port", 5432)
    return Server(f"{host}:{port}/{given.get('dbname', '')}", conninfo, parameters)


class Database:
    """Runs work on a connection, with every error in Medha's words."""

    def __init__(self, server: Server, size: int) -> None:
        self.names: Names
        self._address = server.address
        self._pool = Pool(server.conninfo, size, **server.parameters)

    async def run(self, doing: str, collection: str | None, work: Callable[[Connection], Awaitable[T]]) -> T:
        """The result of the work; work that another transaction was in the way of is done anew."""
        try:
            for _ in range(_ATTEMPTS - 1):
                try:
                    return await self._pool.run(work)
                except psycopg.errors.DeadlockDetected:
                    continue
            return await self._pool.run(work)
        except (psycopg.Error, UnreadableRowError, UnicodeEncodeError) as exc:
            raise explain(exc, doing=doing, address=self._address, collection=collection) from exc

    async def close(self) -> None:
        """Close the connections."""
        await self._pool.close()

    async def prepare(self, schema: str, index: VectorIndex) -> None:
        """Find or make the extension, the schema and the tables that all collections share."""

        async def work(connection: Connection) -> None:
            self._refuse_other_encodings(connection)
            (answering,) = await (await connection.execute(statements.WHO_ANSWERS)).fetchone() or (None,)
            if answering == connection.info.backend_pid:
                # a pooler gives out numbers of its own, and in transaction mode it takes prepared statements away
                self._pool.prepare_threshold = _PREPARE_AFTER
            async with connection.transaction():
                await lock(connection, f"medha {schema}")
                schemas = await self._extensions(connection, index)
                self.names = Names(schema, schemas[_VECTOR], schemas[index.extension], index)
                await self._migrate(connection)

        await self.run("connecting", None, work)

    def _refuse_other_encodings(self, connection: Connection) -> None:
        encoding = connection.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise BackendUnavailableError(
                f"connecting to {self._address}: the database has the encoding {encoding}, which cannot hold every "
                "text; use one made with: CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0"
            )

    async def _extensions(self, connection: Connection, index: VectorIndex) -> dict[str, str]:
        """The schemas of the extensions, by their names."""
        wanted = {"names": [_VECTOR, index.extension]}
        found = await (await connection.execute(statements.FIND_EXTENSIONS, wanted)).fetchall()
        if index.extension not in {name for name, _, _ in found}:
            await self._make_extension(connection, index.extension)
            found = await (await connection.execute(statements.FIND_EXTENSIONS, wanted)).fetchall()
        for name, version, _ in found:
            if name == index.extension and _parsed(version) < index.oldest_version:
                needed = ".".join(map(str, index.oldest_version))
                raise BackendUnavailableError(
                    f"connecting to {self._address}: the extension {name!r} is of version {version}, and {needed} is "
                    f"the oldest that will do. Install a newer one on the server, then run: ALTER EXTENSION {name} "
                    "UPDATE"
                )
        return {name: schema for name, _, schema in found}

    async def _make_extension(self, connection: Connection, extension: str) -> None:
        try:
            await connection.execute(SQL(statements.MAKE_EXTENSION).format(extension=Identifier(extension)))
        except psycopg.DatabaseError as exc:
            if exc.sqlstate is None:
                raise
            raise BackendUnavailableError(
                f"connecting to {self._address}: the database lacks the extension {extension!r}, and this role could "
                f"not make it ({exc.diag.message_primary}). Install it on the server if it is not, and let an "
                f"administrator run in this database: CREATE EXTENSION {extension} CASCADE"
            ) from exc

    async def _migrate(self, connection: Connection) -> None:
        async def one(template: Any, **values: Any) -> tuple[Any, ...] | None:
            return await (await connection.execute(rendered(template, self.names, ""), values)).fetchone()

        schema = self.names.schema
        if await one(statements.FIND_SCHEMA, schema=schema) is None:
            await connection.execute(rendered(statements.MAKE_SCHEMA, self.names, ""))
        if await one(statements.FIND_MIGRATIONS_TABLE, schema=schema) is None:
            await connection.execute(rendered(statements.MAKE_MIGRATIONS, self.names, ""))
        (applied,) = await one(statements.FIND_MIGRATIONS) or (0,)
        if applied > len(statements.MIGRATIONS):
            raise BackendError(
                f"connecting to {self._address}: the schema {schema!r} was changed by a newer medha-pgvector "
                f"(migration {applied}; this one knows {len(statements.MIGRATIONS)}). Try: pip install --upgrade "
                "medha-pgvector"
            )
        for number, migration in enumerate(statements.MIGRATIONS[applied:], start=applied + 1):
            await connection.execute(rendered(migration, self.names, ""))
            await connection.execute(rendered(statements.RECORD_MIGRATION, self.names, ""), {"number": number})


async def lock(connection: Connection, what: str) -> None:
    """Wait for others who lock the same, and keep it until the transaction ends."""
    await connection.execute(statements.LOCK, {"what": what})


def _parsed(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2])
