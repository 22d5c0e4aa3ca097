"""What a search sets on the server is gone when it ends, and what cannot be set is refused before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from medha import FULL, Capability
from medha.errors import CollectionNotFoundError
from medha_conformance.corpus import SPEC, axis, make_entries
from medha_pgvector import PgvectorBackend, PgvectorSettings, statements
from medha_pgvector.database import Database, server_of
from medha_pgvector.indexes import hnsw
from medha_pgvector.rows import pack, to_entry_and_distance
from medha_pgvector.table import Table

if TYPE_CHECKING:
    from medha_pgvector.pool import Connection

    from .conftest import MakeSettings

DEFAULTS = ("off", "40", "20000")


async def in_force(connection: Connection) -> tuple[str, ...]:
    """The settings of the session, as the server has them."""
    names = ("hnsw.iterative_scan", "hnsw.ef_search", "hnsw.max_scan_tuples")
    found = [await connection.execute("SELECT current_setting(%s)", (name,)) for name in names]
    return tuple([row[0] for cursor in found if (row := await cursor.fetchone()) is not None])


async def test_settings_of_a_search_end_with_it(backend: PgvectorBackend, make_settings: MakeSettings) -> None:
    await backend.upsert("music", make_entries(50))
    await backend.build_index("music")
    settings = make_settings(hnsw_ef_search=77, hnsw_max_scan_tuples=99)
    database = Database(server_of(settings), 1)
    await database.prepare(settings.schema_name, hnsw(settings))
    found = await Table(database, "music").fetch(
        "searching",
        statements.APPROXIMATE_SEARCH,
        {"vector": pack(axis(0)), "min_similarity": -1.0},
        to_entry_and_distance,
        dimension=SPEC.dimension,
        limit=3,
    )
    assert len(found) == 3
    # the pool has one connection, so this is the session that has searched
    assert await database.run("looking", None, in_force) == DEFAULTS
    await database.close()


def test_an_index_that_cannot_be_made_is_refused_as_a_setting() -> None:
    with pytest.raises(ValidationError, match=r"hnsw_ef_construction \(64\) must be at least twice hnsw_m \(33\)"):
        PgvectorSettings(hnsw_m=33)
    assert PgvectorSettings(hnsw_m=32).hnsw_m == 32


def test_exactness_is_declared_where_no_index_is_made() -> None:
    assert not PgvectorBackend(PgvectorSettings()).capabilities[Capability.EXACT_SEARCH]
    assert PgvectorBackend(PgvectorSettings(index="none")).capabilities[Capability.EXACT_SEARCH] == FULL


async def test_there_is_no_index_for_a_collection_that_is_not_there(backend: PgvectorBackend) -> None:
    with pytest.raises(CollectionNotFoundError, match="'films'"):
        await backend.build_index("films")
