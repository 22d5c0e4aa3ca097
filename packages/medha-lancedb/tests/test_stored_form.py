"""What lies in a table, as another tool reads it, and what becomes of rows that another tool has changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from medha import FULL, PLUGIN_API, BackendPlugin, Capability, Where
from medha.errors import BackendError, CorruptEntryError
from medha.plugins import installed_plugins
from medha_conformance.corpus import NOW, SPEC, make_entries, make_entry, unit_vectors
from medha_conformance.imports import imported_by
from medha_conformance.suite.corruption import check_damaged
from medha_conformance.suite.reading import closest
from medha_lancedb import LanceBackend, LanceSettings
from medha_lancedb.arrow import connect
from medha_lancedb.conditions import Conditions
from medha_lancedb.names import table_name
from medha_lancedb.rows import schema

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path


def test_the_plugin_is_found_by_name_and_speaks_this_api() -> None:
    plugin = installed_plugins().find(BackendPlugin, "lancedb")
    assert plugin.settings is LanceSettings
    assert plugin.api_version == PLUGIN_API
    assert plugin.capabilities == LanceBackend.capabilities
    assert LanceBackend(LanceSettings(exact=True)).capabilities[Capability.EXACT_SEARCH] == FULL


def test_looking_for_plugins_imports_neither_the_driver_nor_numpy() -> None:
    assert imported_by("import medha_lancedb.plugin").isdisjoint({"lancedb", "pyarrow", "numpy"})


def test_a_name_that_the_package_does_not_have_is_an_attribute_error() -> None:
    import medha_lancedb

    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = medha_lancedb.Nothing


def test_a_filter_holds_no_text_of_anybody() -> None:
    where = Where(
        ids=["it's"], normalized_question="whose' OR true", query_hash="h'", template_id="'", metadata={"k'": "v'"}
    )
    conditions = Conditions(schema("music", SPEC))
    condition = conditions.matching(where, alive_at=5.5)
    assert condition is not None
    assert "whose" not in condition
    # two quotes for each of the four hashes
    assert condition.count("'") == 8
    assert conditions.matching(None) is None
    assert conditions.matching(Where(ids=[])) == "false"


async def test_a_row_says_what_it_holds_in_plain_columns(
    table_only: LanceBackend, by_hand: Callable[[], Awaitable[Any]]
) -> None:
    vector = unit_vectors(1)[0]
    metadata = {"tenant": "acmé", "share": 10.0, "a.b": True}
    entry = make_entry("albums", vector=vector, metadata=metadata, expires_at=NOW, template_id="")
    await table_only.upsert("music", [entry])
    (row,) = (await (await by_hand()).to_arrow()).to_pylist()
    assert row["question"] == entry.question
    assert row["generated_query"] == entry.generated_query
    assert (row["created_at"], row["expires_at"]) == (entry.created_at, NOW)
    assert json.loads(row["metadata"]) == metadata
    assert (row["feedback_correct"], row["template_id"], row["response_summary"]) == (0, "", None)
    # a token each for the question, the query and the template, and for each metadata value
    assert len(set(row["facts"])) == len(set(row["metadata_facts"])) == 3
    assert np.array_equal(np.array(row["vector"], dtype=np.float32), vector)


async def make_early(folder: Path) -> None:
    """Make the table of ``music`` as it was before metadata had a column of its own."""
    early = schema("music", SPEC)
    early = early.remove(early.names.index("metadata_facts"))
    await (await connect(folder)).create_table(table_name("medha", "music"), schema=early)


async def test_a_table_made_before_metadata_had_a_column_of_its_own_is_read_and_written(
    open_backend: Callable[..., Awaitable[LanceBackend]], folder: Path
) -> None:
    await make_early(folder)
    backend = await open_backend(write_ahead=False, compact_after=2, index_from=1000)
    for tenant in ("acme", "globex"):
        await backend.upsert("music", make_entries(600, tenant, metadata={"tenant": tenant, "paid": True}))
    where = Where(metadata={"tenant": "acme", "paid": True})
    assert await backend.count("music", where=where) == 600
    found = await closest(backend, "music", limit=5, where=where)
    assert {match.entry.metadata["tenant"] for match in found} == {"acme"}
    assert await backend.delete("music", where=where) == 600
    assert await backend.count("music") == 600


async def test_an_early_table_that_another_process_made_anew_is_asked_by_its_new_columns(
    open_backend: Callable[..., Awaitable[LanceBackend]], folder: Path
) -> None:
    await make_early(folder)
    first, second = [await open_backend(write_ahead=False) for _ in range(2)]
    await first.upsert("music", make_entries(3, metadata={"tenant": "acme"}))
    await second.drop_collection("music")
    await second.initialize("music", SPEC)
    await second.upsert("music", make_entries(3, metadata={"tenant": "acme"}))
    await first.upsert("music", make_entries(2, "more", metadata={"tenant": "acme"}))
    where = Where(metadata={"tenant": "acme"})
    assert [await each.count("music", where=where) for each in (first, second)] == [5, 5]
    assert await first.delete("music", where=where) == 5
    assert await second.count("music") == 0


async def test_a_table_of_a_newer_format_is_refused_and_left_alone(
    open_backend: Callable[..., Awaitable[LanceBackend]], folder: Path
) -> None:
    newer = schema("music", SPEC)
    newer = newer.with_metadata({"medha": json.dumps({"format": 99, "dimension": 8, "model_name": "m"})})
    await (await connect(folder)).create_table(table_name("medha", "music"), schema=newer)
    with pytest.raises(BackendError, match=r"newer medha-lancedb.*format 99.*pip install --upgrade"):
        await open_backend()
    assert table_name("medha", "music") in (await (await connect(folder)).list_tables()).tables


DAMAGES: dict[str, dict[str, Any]] = {
    "metadata that is no JSON": {"metadata": "{"},
    "metadata that is a list": {"metadata": "[]"},
    "metadata that is nested": {"metadata": '{"a": {"b": 1}}'},
    "no question": {"question": None},
    "no counter": {"feedback_correct": None},
    "a time that is no instant": {"created_at": float("nan")},
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
async def test_a_damaged_row_is_an_error_that_names_it_and_never_a_miss(
    table_only: LanceBackend, by_hand: Callable[[], Awaitable[Any]], damage: dict[str, Any]
) -> None:
    async def corrupt(collection: str, entry_id: str) -> None:
        ((column, value),) = damage.items()
        sql = "cast('nan' as double)" if isinstance(value, float) else "null"
        table, where = await by_hand(), f"id = '{entry_id}'"
        if isinstance(value, str):
            await table.update(damage, where=where)
        else:
            await table.update(updates_sql={column: sql}, where=where)
        if column == "feedback_correct":
            with pytest.raises(CorruptEntryError, match="no counters"):
                await table_only.add_feedback(collection, entry_id, correct=1)

    assert "delete it by its id" in await check_damaged(table_only, "music", corrupt)


async def test_two_prefixes_share_a_folder_and_nothing_else(
    open_backend: Callable[..., Awaitable[LanceBackend]],
) -> None:
    one, two = await open_backend(), await open_backend(prefix="other")
    await one.upsert("music", make_entries(3))
    assert await two.count("music") == 0
    await two.drop_collection("music")
    assert await one.count("music") == 3
