"""Every way in which the server can fail is a typed error that names it, and the next call works again."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from medha import CollectionSpec, Where
from medha.errors import (
    BackendError,
    BackendTimeoutError,
    BackendUnavailableError,
    BackendWriteError,
    CollectionMismatchError,
    CollectionNotFoundError,
    ConfigurationError,
    CorruptEntryError,
)
from medha.rows import UnreadableRowError
from medha_conformance.corpus import SPEC, make_entries, make_entry, make_id
from medha_conformance.proxy import Proxy
from medha_conformance.suite.reading import closest
from medha_pgvector import PgvectorBackend, PgvectorSettings
from medha_pgvector.database import Database, server_of
from medha_pgvector.errors import explain
from medha_pgvector.indexes import hnsw

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .conftest import ByHand, MakeSettings

UNAVAILABLE = {
    "08000", "08006", "08P01", "28000", "28P01", "3D000", "40001", "40P01", "42501", "53000", "53200", "53300", "55006",
    "57P01", "57P02", "57P03", "57P04", "57P05", "0A000", "42704", "42883", "58P01",
}  # fmt: skip
TIMED_OUT = {"57014", "55P03", "25P03", "25P04"}
WRITE = {"53100", "25006", "58000", "58030", "22001", "22003", "22021", "22P02", "23502", "23505", "54000", "54001"}
CORRUPT = {"XX001", "XX002"}
OTHER = {"XX000", "42601", "42703", "P0001", "25P02"}


def classes_below(kind: type[Exception]) -> Iterator[type[Exception]]:
    yield kind
    for child in kind.__subclasses__():
        yield from classes_below(child)


ERROR_CLASSES = sorted(set(classes_below(psycopg.Error)), key=lambda kind: kind.__name__)


def explained(exc: Exception) -> BackendError:
    return explain(exc, doing="counting 'music'", address="db:5432/app", collection="music")


@pytest.mark.parametrize("kind", ERROR_CLASSES, ids=lambda kind: kind.__name__)
def test_every_error_class_of_the_driver_becomes_a_backend_error(kind: type[Exception]) -> None:
    error = explained(kind("what the driver says"))
    assert isinstance(error, BackendError)
    assert "counting 'music' on db:5432/app: " in str(error)
    if not isinstance(error, CollectionNotFoundError):
        assert f"({kind.__name__}: what the driver says)" in str(error)


@pytest.mark.parametrize(
    ("states", "kind"),
    [
        (UNAVAILABLE, BackendUnavailableError),
        (TIMED_OUT, BackendTimeoutError),
        (WRITE, BackendWriteError),
        (CORRUPT, CorruptEntryError),
        ({"22000"}, CollectionMismatchError),
        ({"42P01", "3F000"}, CollectionNotFoundError),
        (OTHER, BackendError),
    ],
)
def test_every_state_of_the_server_has_its_kind(states: set[str], kind: type[BackendError]) -> None:
    for state in states:
        assert type(explained(psycopg.errors.lookup(state)("what the server says"))) is kind, state


@pytest.mark.parametrize(
    ("exc", "kind"),
    [
        (psycopg.errors.ConnectionTimeout("x"), BackendTimeoutError),
        (psycopg.errors.CancellationTimeout("x"), BackendTimeoutError),
        (psycopg.OperationalError("x"), BackendUnavailableError),
        (psycopg.InterfaceError("x"), BackendUnavailableError),
        (psycopg.DataError("x"), BackendWriteError),
        (psycopg.IntegrityError("x"), BackendWriteError),
        (psycopg.ProgrammingError("x"), BackendError),
        (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "x"), BackendWriteError),
        (UnreadableRowError("7", "is damaged"), CorruptEntryError),
    ],
)
def test_what_does_not_come_from_the_server_has_its_kind(exc: Exception, kind: type[BackendError]) -> None:
    assert type(explained(exc)) is kind


def test_an_absent_table_of_no_collection_is_unexpected() -> None:
    error = explain(psycopg.errors.UndefinedTable("x"), doing="connecting", address="db", collection=None)
    assert type(error) is BackendError


# ---- settings and connecting ----


@pytest.mark.parametrize("url", ["postgresql://u:hush@h:5432/d?unknown", "postgresql//u:hush@h", "host=h hush"])
def test_a_connection_string_that_is_none_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ConfigurationError, match="not a connection string") as caught:
        PgvectorBackend(PgvectorSettings.model_validate({"url": url}))
    assert "hush" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("postgresql://u:hush@db.example:6543/app", "db.example:6543/app"),
        ("host=db.example dbname=app", "db.example:5432/app"),
        ("postgresql:///app", "localhost:5432/app"),
        ("postgresql://db.example", "db.example:5432/"),
    ],
)
def test_the_address_in_messages_has_no_login(url: str, address: str) -> None:
    assert server_of(PgvectorSettings.model_validate({"url": url})).address == address


def test_the_password_and_timeout_of_the_settings_are_used() -> None:
    settings = PgvectorSettings.model_validate({"url": "postgresql://u:old@h/d", "password": "new"})
    assert server_of(settings).parameters == {"password": "new", "connect_timeout": 5}
    settings = PgvectorSettings.model_validate({"url": "postgresql://h/d?connect_timeout=9"})
    assert server_of(settings).parameters == {"connect_timeout": "9"}
    assert "new" not in repr(settings)


async def test_a_database_that_is_not_there_is_named(make_settings: MakeSettings, url: str) -> None:
    backend = PgvectorBackend(make_settings(url=make_conninfo(url, dbname="no_such_database")))
    with pytest.raises(BackendUnavailableError, match=r"connecting on .*/no_such_database: .*does not exist"):
        await backend.connect()
    with pytest.raises(BackendUnavailableError, match=r"not connected to .*/no_such_database; await its connect"):
        await backend.count("music")


async def test_a_database_of_another_encoding_is_refused(
    make_settings: MakeSettings, url: str, by_hand: ByHand, schema: str
) -> None:
    name = Identifier(f"latin {schema[-12:]}")
    await by_hand.execute(SQL("CREATE DATABASE {} ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'").format(name))
    try:
        latin = make_conninfo(url, dbname=f"latin {schema[-12:]}")
        with pytest.raises(BackendUnavailableError, match=r"has the encoding LATIN1.*ENCODING 'UTF8'"):
            await PgvectorBackend(make_settings(url=latin)).connect()
    finally:
        await by_hand.execute(SQL("DROP DATABASE {}").format(name))


async def test_an_extension_that_is_too_old_is_refused(settings: PgvectorSettings) -> None:
    database = Database(server_of(settings), 1)
    with pytest.raises(BackendUnavailableError, match=r"'vector' is of version .*99\.7 is the oldest.*UPDATE"):
        await database.prepare(settings.schema_name, replace(hnsw(settings), oldest_version=(99, 7)))
    await database.close()


# ---- calls ----


async def with_option(backend_settings: MakeSettings, url: str, option: str) -> PgvectorBackend:
    """A backend whose connections have a setting of the server."""
    changed = make_conninfo(url, options=f"-c {option}")
    backend = PgvectorBackend(backend_settings(url=changed))
    await backend.connect()
    return backend


async def test_a_server_that_gives_up_a_call_is_a_timeout(
    backend: PgvectorBackend, by_hand: ByHand, make_settings: MakeSettings, url: str, table: Identifier
) -> None:
    await backend.upsert("music", [make_entry("a")])
    for option in ("statement_timeout=100", "lock_timeout=100"):
        hasty = await with_option(make_settings, url, option)
        async with by_hand.transaction():
            await by_hand.execute(SQL("LOCK TABLE {}").format(table))
            with pytest.raises(BackendTimeoutError, match=r"storing 1 entries in 'music' on .*did not answer in time"):
                await hasty.upsert("music", [make_entry("b")])
        assert await hasty.count("music") == 1
        await hasty.close()


async def test_a_read_only_server_is_a_write_error_and_reads_work(
    backend: PgvectorBackend, make_settings: MakeSettings, url: str
) -> None:
    await backend.upsert("music", [make_entry("a")])
    reader = await with_option(make_settings, url, "default_transaction_read_only=on")
    with pytest.raises(BackendWriteError, match="read-only"):
        await reader.upsert("music", [make_entry("b")])
    with pytest.raises(BackendWriteError, match="read-only"):
        await reader.delete("music", where=Where())
    assert await reader.count("music") == 1
    await reader.close()


async def test_texts_that_cannot_be_stored_are_refused_whole(backend: PgvectorBackend) -> None:
    for bad in ("\ud800", "nul \0"):
        for others in ([], [make_entry("good")]):
            with pytest.raises(BackendWriteError, match="refused the values; nothing of this call was stored"):
                await backend.upsert("music", [*others, make_entry("bad", question=bad)])
    assert await backend.count("music") == 0


async def test_a_refused_value_is_not_repeated(backend: PgvectorBackend) -> None:
    with pytest.raises(BackendWriteError) as caught:
        await backend.upsert("music", [make_entry("a"), make_entry("b", question="whose salary? \ud800")])
    assert "salary" not in str(caught.value)


async def test_a_collection_made_anew_with_another_dimension_is_a_mismatch(
    backend: PgvectorBackend, make_settings: MakeSettings
) -> None:
    other = PgvectorBackend(make_settings())
    await other.connect()
    await other.drop_collection("music")
    with pytest.raises(CollectionNotFoundError, match="no collection 'music'"):
        await backend.upsert("music", [])
    await other.initialize("music", CollectionSpec(dimension=13, model_name=SPEC.model_name))
    await other.upsert("music", make_entries(3, dimension=13))
    for call in (
        lambda: backend.upsert("music", [make_entry("a")]),
        lambda: backend.upsert("music", make_entries(3)),
        lambda: closest(backend, "music"),
    ):
        with pytest.raises(CollectionMismatchError, match=r"another dimension.*Initialize it again"):
            await call()
    with pytest.raises(CollectionMismatchError, match="13 dimensions"):
        await backend.initialize("music", SPEC)
    assert await backend.count("music") == 3
    await other.close()


async def test_connections_that_the_server_closed_are_not_used_again(
    backend: PgvectorBackend, by_hand: ByHand, schema: str
) -> None:
    await asyncio.gather(*(backend.count("music") for _ in range(8)))
    closed = await terminate_all(by_hand, schema)
    assert closed > 1, "several connections were open"
    assert await asyncio.gather(*(backend.count("music") for _ in range(8))) == [0] * 8


async def terminate_all(by_hand: ByHand, schema: str) -> int:
    """End every connection whose last statement was about the schema; how many there were, once they are gone."""
    ended = await by_hand.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE query LIKE %s AND pid <> pg_backend_pid()",
        (f"%{schema[-12:]}%",),
    )
    return ended.rowcount


async def test_a_connection_that_is_ended_mid_call_is_unavailable(
    backend: PgvectorBackend, by_hand: ByHand, schema: str, table: Identifier
) -> None:
    async with by_hand.transaction():
        await by_hand.execute(SQL("LOCK TABLE {}").format(table))
        call = asyncio.create_task(backend.upsert("music", [make_entry("a")]))
        await blocked(by_hand, table, 1)
        await terminate_all(by_hand, schema)
        with pytest.raises(BackendUnavailableError, match="AdminShutdown: terminating connection"):
            await call
    assert await backend.count("music") == 0


async def blocked(by_hand: ByHand, table: Identifier, count: int) -> None:
    """Come back when so many statements on the table wait for a lock that this connection has.

    Others wait too: whoever makes an index meanwhile waits for every transaction.
    """
    waiting = SQL(
        "SELECT count(*) FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid)) AND query LIKE {}"
    ).format(f"%{table.as_string(None)}%")
    async with asyncio.timeout(20):
        while await (await by_hand.execute(waiting)).fetchone() != (count,):
            await by_hand.execute("SELECT pg_stat_clear_snapshot()")


async def test_a_cancelled_call_stops_on_the_server_too(
    backend: PgvectorBackend, by_hand: ByHand, table: Identifier
) -> None:
    async with by_hand.transaction():
        await by_hand.execute(SQL("LOCK TABLE {}").format(table))
        call = asyncio.create_task(backend.upsert("music", make_entries(50)))
        await blocked(by_hand, table, 1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await blocked(by_hand, table, 0)
    assert await backend.count("music") == 0


async def test_a_call_to_a_server_that_has_stalled_is_given_up_soon(make_settings: MakeSettings, url: str) -> None:
    with Proxy(url) as proxy:
        backend = PgvectorBackend(make_settings(url=proxy.url))
        await backend.connect()
        await backend.initialize("music", SPEC)
        held = asyncio.wrap_future(proxy.hold())
        call = asyncio.create_task(backend.count("music"))
        await held
        call.cancel()
        # the driver alone would wait for ten seconds
        done, _ = await asyncio.wait({call}, timeout=4)
        proxy.release()
        assert done == {call}
        assert await backend.count("music") == 0
        await backend.close()


async def test_a_write_that_another_transaction_stood_in_the_way_of_is_done_anew(
    backend: PgvectorBackend, by_hand: ByHand, table: Identifier
) -> None:
    first, last = sorted([make_id("a"), make_id("b")])
    await backend.upsert("music", [make_entry("a"), make_entry("b")])
    touch: Any = SQL("UPDATE {} SET feedback_correct = 7 WHERE id = %s").format(table)
    # the backend is the one that looks for deadlocks, and so the one that is told to give way
    await by_hand.execute("SET deadlock_timeout = '1h'")
    async with by_hand.transaction():
        await by_hand.execute(touch, (last,))
        call = asyncio.create_task(backend.upsert("music", [make_entry("a"), make_entry("b")]))
        await blocked(by_hand, table, 1)
        await by_hand.execute(touch, (first,))
    await call
    assert [entry.feedback_correct for entry in await backend.get("music", [first, last])] == [0, 0]


async def test_a_role_without_rights_is_told_what_it_needs(
    backend: PgvectorBackend, by_hand: ByHand, make_settings: MakeSettings, url: str, schema: str
) -> None:
    role = f"medha_{schema[-12:]}"
    await by_hand.execute(SQL("CREATE ROLE {} LOGIN").format(Identifier(role)))
    try:
        stranger = PgvectorBackend(make_settings(url=make_conninfo(url, user=role)))
        with pytest.raises(BackendUnavailableError, match=r"the role may not do this.*grant it USAGE and CREATE"):
            await stranger.connect()
    finally:
        await by_hand.execute(SQL("DROP ROLE {}").format(Identifier(role)))
