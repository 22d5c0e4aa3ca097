"""When a vector index is made, that searches use it, and that none of them loses what it cannot find."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from medha import CollectionSpec, Where
from medha.errors import CollectionNotFoundError
from medha_conformance.corpus import NOW, axis, make_entries, make_entry, make_id, unit_vectors, vector_at
from medha_conformance.suite.reading import closest
from medha_pgvector import PgvectorBackend
from medha_pgvector.database import Database, server_of
from medha_pgvector.indexes import hnsw
from medha_pgvector.indexing import Indexer
from medha_pgvector.names import table_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medha import Match
    from medha.models import Vectors

    from .conftest import ByHand, MakeSettings

WIDE = CollectionSpec(dimension=32, model_name="m")


async def opened(make_settings: MakeSettings, spec: CollectionSpec = WIDE, /, **values: Any) -> PgvectorBackend:
    backend = PgvectorBackend(make_settings(**values))
    await backend.connect()
    await backend.initialize("music", spec)
    return backend


async def index_of(by_hand: ByHand, schema: str) -> tuple[str, bool] | None:
    """How the vector index of ``music`` is defined, and whether it is complete."""
    query = "SELECT pg_get_indexdef(indexrelid), indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)"
    name = Identifier(schema, f"{table_of('music')}_vectors").as_string(None)
    row = await (await by_hand.execute(query, (name,))).fetchone()
    return None if row is None else (row[0], row[1])


async def until_indexed(by_hand: ByHand, schema: str) -> None:
    async with asyncio.timeout(60):
        while (found := await index_of(by_hand, schema)) is None or not found[1]:
            pass


async def scans(by_hand: ByHand, schema: str) -> int:
    """How often the vector index was used, by connections of which the server knows that they have ended."""
    await by_hand.execute("SELECT pg_stat_force_next_flush()")
    query = "SELECT idx_scan FROM pg_stat_user_indexes WHERE schemaname = %s AND indexrelname LIKE '%%_vectors'"
    row = await (await by_hand.execute(query, (schema,))).fetchone()
    return 0 if row is None else row[0]


def truth(vectors: Vectors, query: Any, count: int) -> list[str]:
    return [make_id(f"row-{number}") for number in np.argsort(-(vectors @ query), kind="stable")[:count]]


def ids(matches: Sequence[Match]) -> list[str]:
    return [match.entry.id for match in matches]


# ---- when ----


async def test_an_index_is_made_once_there_are_enough_entries(
    make_settings: MakeSettings, by_hand: ByHand, schema: str
) -> None:
    backend = await opened(make_settings, index_from_rows=300, hnsw_m=12, hnsw_ef_construction=50)
    await backend.upsert("music", make_entries(300, dimension=32))
    await until_indexed(by_hand, schema)
    found = await index_of(by_hand, schema)
    assert found is not None
    assert "USING hnsw (embedding" in found[0]
    assert "vector_cosine_ops) WITH (m='12', ef_construction='50')" in found[0]
    await backend.close()


async def test_single_writes_add_up_to_an_index(make_settings: MakeSettings, by_hand: ByHand, schema: str) -> None:
    backend = await opened(make_settings, index_from_rows=20)
    for entry in make_entries(20, dimension=32):
        await backend.upsert("music", [entry])
    await until_indexed(by_hand, schema)
    await backend.close()


@pytest.mark.parametrize("needed", [50, 20])
async def test_a_collection_that_others_filled_is_indexed_when_it_is_opened(
    make_settings: MakeSettings, by_hand: ByHand, schema: str, needed: int
) -> None:
    backend = await opened(make_settings, index="none")
    await backend.upsert("music", make_entries(50, dimension=32))
    await backend.close()
    backend = await opened(make_settings, index_from_rows=needed)
    await until_indexed(by_hand, schema)
    await backend.close()


@pytest.mark.parametrize("values", [{"index_from_rows": 51}, {"index": "none", "index_from_rows": 1}])
async def test_no_index_is_made_below_the_number_or_when_none_is_wanted(
    make_settings: MakeSettings, by_hand: ByHand, schema: str, values: dict[str, Any]
) -> None:
    backend = await opened(make_settings, **values)
    await backend.upsert("music", make_entries(50, dimension=32))
    await looks_of(backend)
    assert await index_of(by_hand, schema) is None
    await backend.close()


async def looks_of(backend: PgvectorBackend) -> None:
    """Wait for what runs in the background."""
    await asyncio.gather(*(task for task in asyncio.all_tasks() if "_when_quiet" in repr(task)))


async def test_during_a_load_no_index_is_made(make_settings: MakeSettings, by_hand: ByHand, schema: str) -> None:
    backend = await opened(make_settings, index_from_rows=10, index_delay=3600)
    await backend.upsert("music", make_entries(50, dimension=32))
    assert await index_of(by_hand, schema) is None
    await backend.build_index("music")
    assert await index_of(by_hand, schema) is not None
    await backend.close()


async def test_entries_that_keep_coming_put_the_index_off(
    make_settings: MakeSettings, by_hand: ByHand, schema: str
) -> None:
    backend = await opened(make_settings, index="none")
    await backend.upsert("music", make_entries(10, dimension=32))
    await backend.close()
    settings = make_settings(index_from_rows=10)
    database = Database(server_of(settings), 1)
    await database.prepare(schema, hnsw(settings))
    indexer, over = Indexer(database, settings), asyncio.Event()

    async def load() -> None:
        while not over.is_set():
            indexer.wrote("music", 100)
            await asyncio.sleep(0)

    loading = asyncio.create_task(load())
    for _ in range(50):
        assert await index_of(by_hand, schema) is None
    over.set()
    await loading
    await until_indexed(by_hand, schema)
    await indexer.close()
    await database.close()


async def test_an_index_whose_making_was_broken_off_is_made_anew(
    make_settings: MakeSettings, by_hand: ByHand, schema: str
) -> None:
    backend = await opened(make_settings)
    await backend.upsert("music", make_entries(50, dimension=32))
    await backend.build_index("music")
    index = Identifier(schema, f"{table_of('music')}_vectors").as_string(None)
    await by_hand.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = to_regclass(%s)", (index,))
    await backend.build_index("music")
    await until_indexed(by_hand, schema)
    await backend.close()


async def test_a_complete_index_is_left_alone(make_settings: MakeSettings, by_hand: ByHand, schema: str) -> None:
    backend = await opened(make_settings, hnsw_m=16)
    await backend.build_index("music")
    await backend.close()
    backend = await opened(make_settings, hnsw_m=32)
    await backend.build_index("music")
    found = await index_of(by_hand, schema)
    assert found is not None
    assert "m='16'" in found[0]
    await backend.close()


async def test_several_that_make_the_index_at_once_make_one(
    make_settings: MakeSettings, by_hand: ByHand, schema: str
) -> None:
    backends = [await opened(make_settings) for _ in range(4)]
    await backends[0].upsert("music", make_entries(500, dimension=32))
    await asyncio.gather(*(backend.build_index("music") for backend in backends))
    await until_indexed(by_hand, schema)
    for backend in backends:
        await backend.close()


async def test_closing_and_dropping_do_not_wait_for_an_index(make_settings: MakeSettings) -> None:
    spec = CollectionSpec(dimension=384, model_name="m")
    backend = await opened(make_settings, spec, index_from_rows=1)
    await backend.upsert("music", make_entries(2000, dimension=384))
    await backend.close()
    backend = await opened(make_settings, spec, index_from_rows=1)
    await backend.upsert("music", make_entries(100, "more", dimension=384))
    await backend.drop_collection("music")
    with pytest.raises(CollectionNotFoundError):
        await backend.count("music")
    await backend.close()


async def test_an_index_that_cannot_be_made_is_reported(
    make_settings: MakeSettings, by_hand: ByHand, schema: str, caplog: pytest.LogCaptureFixture
) -> None:
    backend = await opened(make_settings, index="none")
    await backend.upsert("music", make_entries(5, dimension=32))
    await backend.close()
    table = Identifier(schema, table_of("music"))
    await by_hand.execute(SQL("ALTER TABLE {} RENAME embedding TO hidden").format(table))
    backend = await opened(make_settings, index_from_rows=5)
    await looks_of(backend)
    assert "searches of 'music' stay exact and slow, for its index could not be made: making" in caplog.text
    await backend.close()


# ---- exact ----


async def test_searches_without_an_index_are_exact(make_settings: MakeSettings) -> None:
    vectors = unit_vectors(2000, 32)
    for values in ({}, {"index": "none"}):
        backend = await opened(make_settings, **values)
        await backend.upsert("music", make_entries(2000, dimension=32))
        for query in unit_vectors(20, 32, seed=11):
            matches = await closest(backend, "music", query, limit=10)
            assert ids(matches) == truth(vectors, query, 10)
            best = np.sort(vectors @ query)[::-1][:10]
            assert [match.similarity for match in matches] == pytest.approx(best, abs=1e-6)
        await backend.close()


async def test_no_index_means_that_one_made_before_is_not_used(
    make_settings: MakeSettings, by_hand: ByHand, schema: str
) -> None:
    backend = await opened(make_settings)
    await backend.upsert("music", make_entries(3000, dimension=32))
    await backend.build_index("music")
    await backend.close()
    backend = await opened(make_settings, index="none")
    vectors = unit_vectors(3000, 32)
    for query in unit_vectors(20, 32, seed=11):
        assert ids(await closest(backend, "music", query, limit=10)) == truth(vectors, query, 10)
    await backend.close()
    assert await scans(by_hand, schema) == 0


async def test_large_vectors_without_an_index_are_compared_in_full(make_settings: MakeSettings) -> None:
    # all are one and the same at half the precision
    vectors = np.tile(vector_at(0.5, 2048), (60, 1))
    vectors[:, 0] += np.arange(60, dtype=np.float32) * 1e-6
    entries = [make_entry(f"row-{number}", vector=vector) for number, vector in enumerate(vectors)]
    backend = await opened(make_settings, CollectionSpec(dimension=2048, model_name="m"))
    await backend.upsert("music", entries)
    for query, expected in ((axis(0, 2048), entries[-1]), (-axis(0, 2048), entries[0])):
        assert ids(await closest(backend, "music", query, limit=1)) == [expected.id]
    await backend.close()


# ---- approximate ----


@pytest.mark.parametrize(("dimension", "column"), [(384, "(embedding"), (2048, "((embedding)::halfvec(2048))")])
async def test_an_index_is_used_and_finds_the_neighbours(
    make_settings: MakeSettings, url: str, by_hand: ByHand, schema: str, dimension: int, column: str
) -> None:
    spec = CollectionSpec(dimension=dimension, model_name="m")
    # so few entries would else be compared one by one
    eager = make_conninfo(url, options="-c enable_seqscan=off")
    backend = await opened(make_settings, spec, url=eager, hnsw_ef_search=200)
    vectors = unit_vectors(1500, dimension)
    await backend.upsert("music", make_entries(1500, dimension=dimension))
    await by_hand.execute(SQL("ANALYZE {}").format(Identifier(schema, table_of("music"))))
    await backend.build_index("music")
    found = await index_of(by_hand, schema)
    assert found is not None
    assert column in found[0].replace("public.", "")
    kept = 0
    for query in unit_vectors(20, dimension, seed=11):
        matches = await closest(backend, "music", query, limit=5)
        kept += len(set(ids(matches)) & set(truth(vectors, query, 5)))
        # at full precision, whatever the index holds
        true = vectors @ query
        by_id = {make_id(f"row-{number}"): float(value) for number, value in enumerate(true)}
        assert [match.similarity for match in matches] == pytest.approx([by_id[i] for i in ids(matches)], abs=1e-6)
    assert kept >= 90, f"{kept} of 100 true neighbours"
    await backend.close()
    async with asyncio.timeout(20):
        while await scans(by_hand, schema) < 20:
            pass


async def test_vectors_of_the_largest_dimension_that_can_be_indexed_are_searched_by_the_index(
    make_settings: MakeSettings, url: str, by_hand: ByHand, schema: str
) -> None:
    eager = make_conninfo(url, options="-c enable_seqscan=off")
    backend = await opened(make_settings, CollectionSpec(dimension=4000, model_name="m"), url=eager)
    await backend.upsert("music", make_entries(20, dimension=4000))
    await backend.build_index("music")
    assert len(await closest(backend, "music", axis(0, 4000), limit=5)) == 5
    await backend.close()
    async with asyncio.timeout(20):
        while await scans(by_hand, schema) != 1:
            pass


async def test_what_an_index_of_halves_mixes_up_is_put_right(
    make_settings: MakeSettings, url: str, by_hand: ByHand, schema: str
) -> None:
    # all are one and the same at half the precision
    vectors = np.tile(vector_at(0.5, 2048), (10, 1))
    vectors[:, 0] += np.arange(10, dtype=np.float32) * 1e-6
    entries = [make_entry(f"row-{number}", vector=vector) for number, vector in enumerate(vectors)]
    eager = make_conninfo(url, options="-c enable_seqscan=off")
    backend = await opened(make_settings, CollectionSpec(dimension=2048, model_name="m"), url=eager)
    await backend.upsert("music", entries)
    await backend.build_index("music")
    for query, expected in ((axis(0, 2048), entries[-1]), (-axis(0, 2048), entries[0])):
        assert ids(await closest(backend, "music", query, limit=1)) == [expected.id]
    await backend.close()
    async with asyncio.timeout(20):
        while await scans(by_hand, schema) < 2:
            pass


async def test_no_condition_loses_what_matches_it(make_settings: MakeSettings, by_hand: ByHand, schema: str) -> None:
    backend = await opened(make_settings, hnsw_ef_search=10, hnsw_max_scan_tuples=1)
    entries = [
        make_entry(
            f"row-{number}",
            vector=vector,
            metadata={"tenant": "rare" if number % 700 == 0 else "common"},
            template_id="t" if number % 300 == 0 else None,
            expires_at=NOW if number % 2 else None,
        )
        for number, vector in enumerate(unit_vectors(2100, 32))
    ]
    await backend.upsert("music", entries)
    await by_hand.execute(SQL("ANALYZE {}").format(Identifier(schema, table_of("music"))))
    await backend.build_index("music")
    vectors = unit_vectors(2100, 32)
    for query in unit_vectors(5, 32, seed=11):
        for where in (
            Where(metadata={"tenant": "rare"}),
            Where(template_id="t"),
            Where(ids=[make_id("row-5"), make_id("row-6")]),
            Where(metadata={"tenant": "nobody"}),
        ):
            matching = {entry.id for entry in entries if where.matches(entry) and not entry.expired(NOW)}
            expected = [entry_id for entry_id in truth(vectors, query, 2100) if entry_id in matching][:10]
            assert ids(await closest(backend, "music", query, limit=10, where=where)) == expected
            entry, matches = await backend.get_and_search(
                "music", make_id("row-1"), query, limit=10, min_similarity=-1.0, where=where, now=NOW
            )
            assert entry == entries[1]
            assert ids(matches) == expected
    await backend.close()


async def test_more_may_be_asked_for_than_the_index_considers(make_settings: MakeSettings) -> None:
    backend = await opened(make_settings, hnsw_ef_search=5)
    await backend.upsert("music", make_entries(1000, dimension=32))
    await backend.build_index("music")
    query = unit_vectors(1, 32, seed=11)[0]
    matches = await closest(backend, "music", query, limit=900)
    assert len(matches) == 900
    similarities = [match.similarity for match in matches]
    assert similarities == sorted(similarities, reverse=True)
    assert len(await closest(backend, "music", query, limit=2000)) == 1000
    await backend.close()


async def test_the_largest_vectors_of_an_index_are_indexed(
    make_settings: MakeSettings, by_hand: ByHand, schema: str
) -> None:
    for dimension, kind in ((2000, "hnsw (embedding"), (2001, "halfvec(2001)"), (4000, "halfvec(4000)")):
        backend = await opened(make_settings, CollectionSpec(dimension=dimension, model_name="m"))
        await backend.build_index("music")
        found = await index_of(by_hand, schema)
        assert found is not None
        assert kind in found[0]
        await backend.drop_collection("music")
        await backend.close()


async def test_vectors_too_large_for_an_index_are_searched_without_one(
    make_settings: MakeSettings, by_hand: ByHand, schema: str
) -> None:
    spec = CollectionSpec(dimension=4001, model_name="m")
    backend = await opened(make_settings, spec, index_from_rows=1)
    await backend.upsert("music", make_entries(20, dimension=4001))
    await backend.build_index("music")
    assert await index_of(by_hand, schema) is None
    query = unit_vectors(20, 4001)[3]
    assert ids(await closest(backend, "music", query, limit=1)) == [make_id("row-3")]
    await backend.close()
