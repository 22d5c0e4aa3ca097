"""What is in the database: tables that any tool can read, and what becomes of rows that are damaged."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, LiteralString

import numpy as np
import psycopg
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from psycopg.sql import SQL, Identifier

from medha import CollectionSpec, Where
from medha.errors import BackendError, BackendWriteError, CollectionMismatchError, CorruptEntryError
from medha_conformance.corpus import HOSTILE_TEXTS, NOW, SPEC, axis, make_entries, make_entry, make_id
from medha_conformance.suite.metadata import check_conditions, stored_and_asked
from medha_conformance.suite.reading import closest, read_all
from medha_pgvector import PgvectorBackend
from medha_pgvector.names import table_of
from medha_pgvector.rows import pack, pack_all, to_json, unpack

if TYPE_CHECKING:
    from .conftest import ByHand, MakeSettings


async def one(by_hand: ByHand, query: LiteralString, **names: Identifier) -> Any:
    rows = await (await by_hand.execute(SQL(query).format(**names))).fetchall()
    assert len(rows) == 1
    return rows[0]


async def test_an_entry_is_a_row_that_another_tool_reads(
    backend: PgvectorBackend, by_hand: ByHand, table: Identifier
) -> None:
    entry = make_entry(
        "albums",
        vector=axis(2),
        expires_at=NOW,
        response_summary="",
        metadata={"tenant": "acme", "share": 10.0, "draft": True},
        feedback_incorrect=4,
    )
    await backend.upsert("music", [entry])
    assert await one(by_hand, "SELECT * FROM {table}", table=table) == (
        make_id("albums"),
        "How many albums are there?",
        "how many albums are there",
        "MATCH (n:`albums`) RETURN count(n)",
        "hash-albums",
        NOW - 100.0,
        NOW,
        "",
        None,
        {"tenant": "acme", "share": 10.0, "draft": True},
        0,
        4,
        "[0,0,1,0,0,0,0,0]",
    )


async def test_a_collection_is_found_by_its_name(backend: PgvectorBackend, by_hand: ByHand, schema: str) -> None:
    await backend.initialize("O\"Brien's", CollectionSpec(dimension=3, model_name="m"))
    query = "SELECT table_name, dimension, model_name FROM {schema}.collections WHERE name = 'O\"Brien''s'"
    assert await one(by_hand, query, schema=Identifier(schema)) == (table_of("O\"Brien's"), 3, "m")
    await backend.drop_collection("O\"Brien's")
    assert await one(by_hand, "SELECT name FROM {schema}.collections", schema=Identifier(schema)) == ("music",)
    left = await by_hand.execute("SELECT FROM pg_tables WHERE schemaname = %s", (schema,))
    assert left.rowcount == 3, "collections, migrations and music"


async def test_one_entry_and_many_are_stored_alike(
    backend: PgvectorBackend, by_hand: ByHand, table: Identifier
) -> None:
    entries = [
        make_entry(name, question=text, template_id=text, metadata={text: text, "n": 1e300}, expires_at=0.1 + 0.2)
        for name, text in HOSTILE_TEXTS.items()
    ]
    every = SQL("SELECT * FROM {} ORDER BY id").format(table)
    await backend.upsert("music", entries)
    together = await (await by_hand.execute(every)).fetchall()
    await backend.delete("music", where=Where())
    for entry in entries:
        await backend.upsert("music", [entry])
    assert await (await by_hand.execute(every)).fetchall() == together
    assert len(together) == len(entries)


async def test_storing_again_replaces_every_column_whether_one_or_many(backend: PgvectorBackend) -> None:
    old = [
        make_entry(
            f"{n}",
            expires_at=1.0,
            response_summary="old",
            template_id="old",
            metadata={"old": 1},
            feedback_correct=1,
            feedback_incorrect=1,
        )
        for n in range(3)
    ]
    new = [
        make_entry(
            f"{n}",
            question="new?",
            normalized_question="new",
            generated_query="NEW",
            query_hash="new",
            created_at=2.0,
            vector=axis(1),
        )
        for n in range(3)
    ]
    await backend.upsert("music", old)
    await backend.upsert("music", new[:1])
    await backend.upsert("music", new[1:])
    read = {entry.id: entry for entry in await read_all(backend, "music", with_vectors=True)}
    assert read == {entry.id: entry for entry in new}
    assert all(entry.vector is not None and entry.vector.tobytes() == axis(1).tobytes() for entry in read.values())


async def test_collections_of_other_installations_are_others(
    backend: PgvectorBackend, make_settings: MakeSettings, by_hand: ByHand, schema: str
) -> None:
    elsewhere = PgvectorBackend(make_settings(schema_name=f"{schema}2"))
    await elsewhere.connect()
    await elsewhere.initialize("music", CollectionSpec(dimension=3, model_name="m"))
    await backend.upsert("music", make_entries(2))
    assert await elsewhere.count("music") == 0
    await elsewhere.close()
    await by_hand.execute(SQL("DROP SCHEMA {} CASCADE").format(Identifier(f"{schema}2")))


async def test_a_batch_locks_its_rows_in_the_order_of_their_ids(
    backend: PgvectorBackend, by_hand: ByHand, url: str, table: Identifier
) -> None:
    """So two batches wait for each other in turn, and never both at once."""
    entries = sorted(make_entries(20), key=lambda entry: entry.id, reverse=True)
    await backend.upsert("music", entries)
    lock = SQL("SELECT FROM {} WHERE id = {} FOR UPDATE NOWAIT")
    waiting = SQL("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE {}")
    async with await psycopg.AsyncConnection.connect(url) as other, asyncio.timeout(60):
        await other.execute(lock.format(table, entries[-1].id))
        batch = asyncio.create_task(backend.upsert("music", entries))
        ours = waiting.format(f"%{table.as_string(None)}%")
        while await (await by_hand.execute(ours)).fetchone() != (1,):
            pass
        await by_hand.execute(lock.format(table, entries[0].id))  # the last of them is still free
        await other.rollback()
        await batch


@pytest.mark.parametrize("with_vectors", [False, True])
async def test_a_page_reads_nothing_that_comes_after_it(
    backend: PgvectorBackend, by_hand: ByHand, table: Identifier, with_vectors: bool
) -> None:
    entries = sorted(make_entries(9), key=lambda entry: entry.id)
    await backend.upsert("music", entries)
    await by_hand.execute(SQL("UPDATE {} SET metadata = '[1]' WHERE id = {}").format(table, entries[-1].id))
    page = await backend.scroll("music", limit=3, with_vectors=with_vectors)
    assert [entry.id for entry in page.entries] == [entry.id for entry in entries[:3]]


async def test_a_page_that_takes_all_the_rest_is_the_last(backend: PgvectorBackend) -> None:
    await backend.upsert("music", make_entries(6))
    first = await backend.scroll("music", limit=3)
    assert first.cursor is not None
    rest = await backend.scroll("music", limit=3, cursor=first.cursor)
    assert (len(rest.entries), rest.cursor) == (3, None)


# ---- vectors and metadata ----


def test_a_vector_is_packed_as_pgvector_sends_it() -> None:
    packed = pack(np.array([1.0, -2.5], dtype=np.float32))
    assert packed.hex() == "00020000" + "3f800000" + "c0200000"
    assert unpack(packed).tolist() == [1.0, -2.5]
    assert unpack(packed).dtype == np.float32
    many = pack_all([axis(0, 2), axis(1, 2)])
    header = "00000001" + "00000000" + "00000000" + "00000002" + "00000001"
    assert many.hex() == header + "0000000c" + pack(axis(0, 2)).hex() + "0000000c" + pack(axis(1, 2)).hex()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e16, "10000000000000000.0"),
        (-1e16, "-10000000000000000.0"),
        (9999999999999998.0, "9999999999999998.0"),
        (10**16, "10000000000000000"),
        (True, "true"),
        (5e-324, "5e-324"),
        ('"', '"\\""'),
    ],
)
def test_numbers_keep_their_type_in_json(value: Any, text: str) -> None:
    assert to_json({"a": value, 'b"': 1}) == f'{{"a":{text},"b\\"":1}}'


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(stored_and_asked())
async def test_metadata_conditions_mean_what_where_matches_means(
    backend: PgvectorBackend, case: tuple[list[dict[str, Any]], dict[str, Any]]
) -> None:
    await check_conditions(backend, "music", *case)


async def test_a_number_that_no_column_holds_is_refused(backend: PgvectorBackend) -> None:
    with pytest.raises(BackendWriteError, match="refused the values"):
        await backend.upsert("music", [make_entry("a", feedback_correct=2**63)])


# ---- damage ----


@pytest.mark.parametrize(
    ("column", "damage", "why"),
    [
        ("metadata", "[1]", "metadata that is not a JSON object"),
        ("metadata", "[]", "metadata that is not a JSON object"),
        ("metadata", "null", "metadata that is not a JSON object"),
        ("metadata", '{"a": [1]}', "metadata that is not flat"),
        ("metadata", '{"a": null}', "metadata that is not flat"),
        ("embedding", "[0,0,0,0,0,0,0,0]", "vector of length zero"),
    ],
)
async def test_a_damaged_row_is_an_error_that_names_it_and_never_a_miss(
    backend: PgvectorBackend, by_hand: ByHand, table: Identifier, column: str, damage: str, why: str
) -> None:
    await backend.upsert("music", [make_entry("a", metadata={"a": 1})])
    await by_hand.execute(SQL("UPDATE {} SET {} = {}").format(table, Identifier(column), damage))
    for call in (
        lambda: closest(backend, "music"),
        lambda: backend.get_and_search(
            "music", make_id("b"), axis(0), limit=1, min_similarity=-1.0, where=Where(), now=0.0
        ),
    ):
        with pytest.raises(CorruptEntryError, match=rf"the entry '{make_id('a')}' has (a )?{why}.*delete by its id"):
            await call()
    assert await backend.count("music") == 1
    assert await backend.delete("music", where=Where(ids=[make_id("a")])) == 1


# ---- tables that change ----


async def test_migrations_are_numbered_and_applied_once(
    backend: PgvectorBackend, by_hand: ByHand, make_settings: MakeSettings, schema: str
) -> None:
    again = PgvectorBackend(make_settings())
    await again.connect()
    await again.close()
    assert await one(by_hand, "SELECT number FROM {schema}.migrations", schema=Identifier(schema)) == (1,)


async def test_a_schema_of_a_newer_version_is_refused(
    backend: PgvectorBackend, by_hand: ByHand, make_settings: MakeSettings, schema: str
) -> None:
    await by_hand.execute(SQL("INSERT INTO {}.migrations VALUES (2)").format(Identifier(schema)))
    with pytest.raises(BackendError, match=r"newer medha-pgvector \(migration 2; this one knows 1\).*--upgrade"):
        await PgvectorBackend(make_settings()).connect()


async def test_many_that_start_at_once_all_find_their_tables(make_settings: MakeSettings) -> None:
    backends = [PgvectorBackend(make_settings()) for _ in range(8)]
    await asyncio.gather(*(backend.connect() for backend in backends))
    await asyncio.gather(*(backend.initialize("music", SPEC) for backend in backends))
    await asyncio.gather(*(backend.upsert("music", [make_entry(f"{n}")]) for n, backend in enumerate(backends)))
    assert [await backend.count("music") for backend in backends] == [8] * 8
    await asyncio.gather(*(backend.close() for backend in backends))


async def test_of_two_models_at_once_one_is_refused(make_settings: MakeSettings) -> None:
    specs = [CollectionSpec(dimension=8, model_name=name) for name in ("one", "other")]
    backends = [PgvectorBackend(make_settings()) for _ in specs]
    await asyncio.gather(*(backend.connect() for backend in backends))
    outcomes = await asyncio.gather(
        *(backend.initialize("music", spec) for backend, spec in zip(backends, specs, strict=True)),
        return_exceptions=True,
    )
    assert {type(outcome) for outcome in outcomes} == {type(None), CollectionMismatchError}
    await asyncio.gather(*(backend.close() for backend in backends))


@pytest.mark.parametrize("metadata_index", [True, False])
async def test_metadata_is_indexed_on_request(
    make_settings: MakeSettings, by_hand: ByHand, schema: str, metadata_index: bool
) -> None:
    for wanted in (False, metadata_index):  # also for a collection that is there already
        backend = PgvectorBackend(make_settings(metadata_index=wanted))
        await backend.connect()
        await backend.initialize("music", SPEC)
        await backend.close()
    index = Identifier(schema, f"{table_of('music')}_metadata").as_string(None)
    found = await by_hand.execute("SELECT pg_get_indexdef(to_regclass(%s))", (index,))
    row = await found.fetchone()
    assert row is not None
    assert (row[0] is not None) == metadata_index
    if metadata_index:
        assert "USING gin (metadata jsonb_path_ops)" in row[0]


@pytest.mark.parametrize(("dimension", "storage"), [(1, "p"), (1536, "p"), (1537, "e"), (16_000, "e")])
async def test_vectors_of_every_dimension_come_back(
    make_settings: MakeSettings, by_hand: ByHand, schema: str, dimension: int, storage: str
) -> None:
    backend = PgvectorBackend(make_settings())
    await backend.connect()
    await backend.initialize("wide", CollectionSpec(dimension=dimension, model_name="m"))
    entry = make_entry("a", vector=axis(dimension - 1, dimension), generated_query="x" * 100_000)
    await backend.upsert("wide", [entry, make_entry("b", vector=-axis(0, dimension))])
    (read,) = [entry for entry in await read_all(backend, "wide", with_vectors=True) if entry.id == make_id("a")]
    assert entry.vector is not None
    assert read.vector is not None
    assert read.vector.tobytes() == entry.vector.tobytes()
    assert [match.entry.id for match in await closest(backend, "wide", entry.vector, limit=1)] == [entry.id]
    query = "SELECT attstorage::text FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attname = 'embedding'"
    found = await by_hand.execute(query, (Identifier(schema, table_of("wide")).as_string(None),))
    assert await found.fetchone() == (storage,)
    await backend.close()


async def test_a_dimension_that_pgvector_cannot_store_is_refused(make_settings: MakeSettings) -> None:
    backend = PgvectorBackend(make_settings())
    await backend.connect()
    with pytest.raises(BackendWriteError, match="cannot exceed 16000"):
        await backend.initialize("wide", CollectionSpec(dimension=16_001, model_name="m"))
    await backend.close()
