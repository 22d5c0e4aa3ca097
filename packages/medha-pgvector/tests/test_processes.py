"""Several processes on one database, a role with few rights, and a pooler in between."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from medha import CollectionSpec, Where
from medha.errors import BackendUnavailableError
from medha_conformance.connected import connected, opened
from medha_conformance.corpus import SPEC, axis, make_entries, make_entry
from medha_conformance.processes import other_process, other_processes
from medha_conformance.suite.processes import check_at_once, check_shared_writes
from medha_conformance.suite.reading import closest, read_all
from medha_pgvector import PgvectorBackend
from medha_pgvector.names import table_of

if TYPE_CHECKING:
    from collections.abc import Generator

    from .conftest import ByHand, MakeSettings


async def test_processes_that_make_a_table_at_once_all_get_it_and_lose_no_feedback(make_settings: MakeSettings) -> None:
    settings = make_settings()
    async with connected(PgvectorBackend(settings)) as backend:
        with other_processes("pgvector", *[settings] * 4) as others:
            assert await check_at_once(backend, others) == list(range(1, 101))


async def test_two_processes_see_each_others_writes_at_the_next_call(make_settings: MakeSettings) -> None:
    settings = make_settings()
    async with opened(PgvectorBackend(settings)) as backend:
        with other_process("pgvector", settings) as other:
            await check_shared_writes(backend, other)


async def test_an_index_that_another_process_is_making_is_left_alone(
    make_settings: MakeSettings, url: str, by_hand: ByHand, schema: str
) -> None:
    making, looking = [PgvectorBackend(make_settings()) for _ in range(2)]
    for backend in (making, looking):
        await backend.connect()
        await backend.initialize("music", SPEC)
    await making.upsert("music", make_entries(50))
    table = Identifier(schema, table_of("music"))
    incomplete = SQL("SELECT count(*) FROM pg_index WHERE indrelid = to_regclass({}) AND NOT indisvalid")
    async with await psycopg.AsyncConnection.connect(url) as writer, asyncio.timeout(60):
        # what a transaction has written is waited for
        await writer.execute(SQL("DELETE FROM {}").format(table))
        made = asyncio.create_task(making.build_index("music"))
        # before the index is on record there is nothing to leave alone: whoever comes then waits for its maker
        while await (await by_hand.execute(incomplete.format(table.as_string(None)))).fetchone() != (1,):
            pass
        await looking.build_index("music")
        assert not made.done()
        await writer.rollback()
        await made
    assert await (await by_hand.execute(incomplete.format(table.as_string(None)))).fetchone() == (0,)
    for backend in (making, looking):
        await backend.close()


def test_a_backend_works_on_one_event_loop_after_another(make_settings: MakeSettings) -> None:
    backend = PgvectorBackend(make_settings())

    async def use() -> int:
        await backend.connect()
        await backend.initialize("music", SPEC)
        await asyncio.gather(*(backend.upsert("music", [make_entry(f"{n}")]) for n in range(20)))
        count = await backend.count("music")
        await backend.close()
        return count

    assert [asyncio.run(use()) for _ in range(3)] == [20] * 3


async def test_no_more_connections_are_opened_than_the_pool_may_hold(
    make_settings: MakeSettings, url: str, by_hand: ByHand, schema: str
) -> None:
    named = make_conninfo(url, application_name=schema[-12:])
    backend = PgvectorBackend(make_settings(url=named, pool_size=2))
    await backend.connect()
    await backend.initialize("music", SPEC)
    await asyncio.gather(*(backend.upsert("music", [make_entry(f"{n}")]) for n in range(50)))
    mine = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"
    found = await (await by_hand.execute(mine, (schema[-12:],))).fetchone()
    assert found is not None
    assert 1 <= found[0] <= 2
    await backend.close()
    async with asyncio.timeout(20):
        while await (await by_hand.execute(mine, (schema[-12:],))).fetchone() != (0,):
            pass


@pytest.mark.parametrize("prepared", ["schema", "database"])
async def test_a_plain_role_is_enough_where_the_extension_is(
    make_settings: MakeSettings, by_hand: ByHand, url: str, schema: str, prepared: str
) -> None:
    """With a schema of its own, or the right to make one."""
    role = Identifier(f"plain {schema[-12:]}")
    await by_hand.execute(SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE").format(role))
    database = Identifier(by_hand.info.dbname)
    try:
        if prepared == "schema":
            await by_hand.execute(SQL("CREATE SCHEMA {} AUTHORIZATION {}").format(Identifier(schema), role))
        else:
            await by_hand.execute(SQL("GRANT CREATE ON DATABASE {} TO {}").format(database, role))
        await by_hand.execute("CREATE EXTENSION IF NOT EXISTS vector")
        login = make_conninfo(url, user=f"plain {schema[-12:]}")
        backend = PgvectorBackend(make_settings(url=login, metadata_index=True))
        await backend.connect()
        await backend.initialize("music", SPEC)
        await backend.upsert("music", make_entries(50))
        await backend.build_index("music")
        assert len(await closest(backend, "music", limit=5)) == 5
        assert await backend.delete("music", where=Where()) == 50
        await backend.drop_collection("music")
        await backend.close()
    finally:
        await by_hand.execute(SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(Identifier(schema)))
        await by_hand.execute(SQL("DROP OWNED BY {}").format(role))
        await by_hand.execute(SQL("DROP ROLE {}").format(role))


async def test_a_schema_that_holds_tables_of_others_will_do(
    make_settings: MakeSettings, by_hand: ByHand, schema: str
) -> None:
    await by_hand.execute(SQL("CREATE SCHEMA {}").format(Identifier(schema)))
    await by_hand.execute(SQL("CREATE TABLE {} (collections text)").format(Identifier(schema, "theirs")))
    backend = PgvectorBackend(make_settings())
    await backend.connect()
    await backend.initialize("music", SPEC)
    assert await backend.count("music") == 0
    await backend.close()


async def test_an_extension_may_live_in_any_schema(
    make_settings: MakeSettings, by_hand: ByHand, url: str, schema: str
) -> None:
    name = f"medha {schema[-12:]}"
    await by_hand.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    try:
        fresh = make_conninfo(url, dbname=name)
        async with await psycopg.AsyncConnection.connect(fresh, autocommit=True) as connection:
            await connection.execute('CREATE SCHEMA "ex""tensions"')
            await connection.execute('CREATE EXTENSION vector SCHEMA "ex""tensions"')
        backend = PgvectorBackend(make_settings(url=fresh))
        await backend.connect()
        for dimension in (8, 2048):
            collection = f"of {dimension}"
            await backend.initialize(collection, CollectionSpec(dimension=dimension, model_name="m"))
            await backend.upsert(collection, make_entries(20, dimension=dimension))
            await backend.upsert(collection, make_entries(1, "single", dimension=dimension))
            await backend.build_index(collection)
            found = await closest(backend, collection, make_entries(1, dimension=dimension)[0].vector, limit=2)
            assert [match.similarity for match in found] == pytest.approx([1.0, 1.0])
            assert len(await read_all(backend, collection, with_vectors=True)) == 21
        await backend.close()
    finally:
        await by_hand.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


async def test_a_missing_extension_is_made_by_who_may_and_else_asked_for(
    make_settings: MakeSettings, by_hand: ByHand, url: str, schema: str
) -> None:
    name = f"medha {schema[-12:]}"
    await by_hand.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    await by_hand.execute(SQL("CREATE ROLE {} LOGIN").format(Identifier(name)))
    try:
        fresh = make_conninfo(url, dbname=name)
        plain = PgvectorBackend(make_settings(url=make_conninfo(fresh, user=name)))
        with pytest.raises(BackendUnavailableError, match=r"lacks the extension 'vector'.*permission denied.*CREATE"):
            await plain.connect()
        backend = PgvectorBackend(make_settings(url=fresh))
        await backend.connect()
        await backend.initialize("music", SPEC)
        await backend.close()
    finally:
        await by_hand.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))
        await by_hand.execute(SQL("DROP ROLE {}").format(Identifier(name)))


# ---- PgBouncer ----


@contextmanager
def pgbouncer(url: str, server: ByHand) -> Generator[str]:
    """A pooler in transaction mode with a single connection to the server; its address."""
    program = shutil.which("pgbouncer")
    if program is None:
        pytest.skip("pgbouncer is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as name:
        folder, to = Path(name), server.info
        folder.chmod(0o755)  # readable for the user that it runs as
        (folder / "users").write_text(f'"{to.user}" ""\n', encoding="utf-8")
        (folder / "pgbouncer.ini").write_text(
            f"[databases]\n* = host={to.host} port={to.port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
            f"listen_port = {port}\nauth_type = trust\nauth_file = {folder / 'users'}\npool_mode = transaction\n"
            "default_pool_size = 1\nunix_socket_dir =\n",
            encoding="utf-8",
        )
        # it refuses to be root, and must reach the server's socket
        other = Path(to.host).owner() if to.host.startswith("/") else "nobody"
        user = ["-u", other] if os.geteuid() == 0 else []
        with subprocess.Popen([program, *user, "-q", str(folder / "pgbouncer.ini")]) as process:
            try:
                yield make_conninfo(url, host="127.0.0.1", port=port)
            finally:
                process.terminate()


async def test_it_works_through_a_pooler_in_transaction_mode(
    make_settings: MakeSettings, url: str, by_hand: ByHand
) -> None:
    with pgbouncer(url, by_hand) as pooled:
        backends = [PgvectorBackend(make_settings(url=pooled, index_from_rows=100)) for _ in range(2)]
        async with asyncio.timeout(20):
            while not await reached(backends[0]):
                pass
        await backends[1].connect()
        for backend in backends:
            await backend.initialize("music", SPEC)
        entries = make_entries(300, metadata={"tenant": "acme"})
        # all statements of both come to the one connection in turn
        for _ in range(3):
            await asyncio.gather(
                *(backend.upsert("music", entries[n::10]) for n in range(10) for backend in backends),
                *(backend.get("music", [entry.id]) for entry in entries[:50] for backend in backends),
                *(closest(backend, "music", limit=3, where=Where(metadata={"tenant": "acme"})) for backend in backends),
            )
        await backends[0].build_index("music")
        assert [await backend.count("music") for backend in backends] == [300, 300]
        found, matches = await backends[1].get_and_search(
            "music", entries[0].id, axis(0), limit=3, min_similarity=-1.0, where=Where(), now=0.0
        )
        assert found == entries[0]
        assert len(matches) == 3
        assert await backends[1].delete("music", where=Where()) == 300
        await backends[0].drop_collection("music")
        for backend in backends:
            await backend.close()


async def reached(backend: PgvectorBackend) -> bool:
    try:
        await backend.connect()
    except BackendUnavailableError:
        return False
    return True
