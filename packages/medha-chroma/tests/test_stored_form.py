"""What lies in Chroma, as another tool reads it, and what becomes of records that another tool has changed."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from medha import PLUGIN_API, BackendPlugin, Where
from medha.errors import BackendError, CollectionNotFoundError, CorruptEntryError
from medha.plugins import installed_plugins
from medha_chroma import ChromaBackend, ChromaSettings
from medha_chroma.queries import Condition, matching
from medha_conformance.corpus import NOW, SPEC, axis, make_entries, make_entry, make_id, unit_vectors, vector_at
from medha_conformance.imports import imported_by
from medha_conformance.suite.corruption import check_damaged
from medha_conformance.suite.reading import closest, read_all, read_one
from medha_conformance.vendor import Reply, VendorServer

if TYPE_CHECKING:
    from conftest import Workbench


def test_the_plugin_is_found_by_name_and_speaks_this_api() -> None:
    plugin = installed_plugins().find(BackendPlugin, "chroma")
    assert plugin.settings is ChromaSettings
    assert plugin.api_version == PLUGIN_API
    assert plugin.capabilities == ChromaBackend.capabilities


def test_looking_for_plugins_imports_neither_the_driver_nor_numpy() -> None:
    assert imported_by("import medha_chroma.plugin").isdisjoint({"chromadb", "httpx", "numpy"})


def test_a_name_that_the_package_does_not_have_is_an_attribute_error() -> None:
    import medha_chroma

    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = medha_chroma.Nothing


async def test_a_record_says_what_it_holds_in_plain_fields(bench: Workbench) -> None:
    backend = await bench.backend("music")
    vector = unit_vectors(1)[0]
    metadata = {"tenant": "acmé", "share": 10.0, "a.b": True}
    entry = make_entry("albums", vector=vector, metadata=metadata, expires_at=NOW, template_id="")
    await backend.upsert("music", [entry])
    found = bench.records("music").get(ids=[entry.id], include=["metadatas", "embeddings"])
    fields: dict[str, Any] = found["metadatas"][0]
    assert fields["question"] == entry.question
    assert fields["generated_query"] == entry.generated_query
    details = json.loads(fields["details"])
    assert (details["created_at"], details["expires_at"]) == (entry.created_at, NOW)
    assert details["metadata"] == {"tenant": "acmé", "share": 10.0, "a.b": True}
    assert (details["feedback"], details["template_id"], details["response_summary"]) == ([0, 0], "", None)
    # a token each for the question, the query, the template, and three metadata values
    assert len(set(fields["facts"])) == 6
    assert np.array_equal(np.array(found["embeddings"][0], dtype=np.float32), vector)


async def test_a_collection_says_whose_it_is_and_how_it_compares(bench: Workbench) -> None:
    await bench.backend("müsic", ef_search=321)
    records = bench.records("müsic")
    assert records.metadata == {"collection": "müsic", "dimension": 8, "model_name": "conformance-model"}
    assert records.configuration_json["hnsw"]["space"] == "ip"
    assert records.configuration_json["hnsw"]["ef_search"] == 321


async def test_two_prefixes_share_a_server_and_nothing_else(bench: Workbench) -> None:
    one = await bench.backend("music")
    two = await bench.backend("music", prefix=f"{bench.prefix}-b")
    await one.upsert("music", make_entries(3))
    assert await two.count("music") == 0
    await two.drop_collection("music")
    assert await one.count("music") == 3


DAMAGES: dict[str, dict[str, Any]] = {
    "a text that is a number": {"question": 5},
    "details that are no JSON": {"details": "{"},
    "details that are a list": {"details": "[]"},
    "details without a time": {"details": "{}"},
    "a revision that is a number": {"revision": 5},
    "no question": {"question": None},
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
async def test_a_damaged_record_is_an_error_that_names_it_and_never_a_miss(
    bench: Workbench, damage: dict[str, Any]
) -> None:
    async def corrupt(collection: str, entry_id: str) -> None:
        bench.records(collection).update(ids=[entry_id], metadatas=[damage])

    assert "delete it by its id" in await check_damaged(await bench.backend("music"), "music", corrupt)


async def test_a_vector_that_another_tool_has_changed_is_an_error_where_it_is_read(bench: Workbench) -> None:
    backend = await bench.backend("music")
    await backend.upsert("music", [make_entry("albums")])
    bench.records("music").update(ids=[make_id("albums")], embeddings=[axis(1).tolist()])
    with pytest.raises(CorruptEntryError, match="not the one that it was stored with"):
        await read_all(backend, "music", with_vectors=True)


async def test_a_collection_that_another_tool_made_is_refused(bench: Workbench) -> None:
    backend = await bench.backend("music")
    bench.records("music").modify(metadata={"dimension": "many"})
    with pytest.raises(BackendError, match=r"does not say which model"):
        await backend.initialize("music", SPEC)


async def test_what_another_process_dropped_and_made_anew_is_found_again(bench: Workbench) -> None:
    one, two = await bench.backend("music"), await bench.backend("music")
    await one.upsert("music", [make_entry("old")])
    await two.drop_collection("music")
    with pytest.raises(CollectionNotFoundError, match="'music'"):
        await one.count("music")
    await two.initialize("music", SPEC)
    await one.upsert("music", [make_entry("new")])
    assert [entry.id for entry in await read_all(two, "music")] == [make_id("new")]


async def test_an_entry_is_found_behind_very_many_equal_vectors(bench: Workbench) -> None:
    backend = await bench.backend("music")
    await backend.upsert("music", [make_entry(f"same {n}", template_id="other") for n in range(600)])
    await backend.upsert("music", [make_entry("apart", vector=vector_at(0.2), template_id="wanted")])
    found = await closest(backend, "music", limit=5, where=Where(template_id="wanted"))
    assert [match.entry.id for match in found] == [make_id("apart")]
    assert found[0].similarity == pytest.approx(0.2, abs=1e-6)


async def test_feedback_of_several_backends_adds_up_and_storing_begins_anew(bench: Workbench) -> None:
    one, two = await bench.backend("music"), await bench.backend("music")
    entry = make_entry("albums", feedback_correct=5)
    await one.upsert("music", [entry])
    calls = [
        backend.add_feedback("music", entry.id, correct=1, incorrect=2) for backend in (one, two) for _ in range(4)
    ]
    await asyncio.gather(*calls)
    stored = await read_one(one, "music", entry.id)
    assert (stored.feedback_correct, stored.feedback_incorrect) == (13, 16)
    await two.upsert("music", [entry])
    assert await one.add_feedback("music", entry.id, incorrect=1) == (5, 1)
    fields = bench.records("music").get(ids=[entry.id])["metadatas"][0]
    assert len([name for name in fields if name.startswith("feedback_")]) == 1, "earlier counts are cleared away"


async def test_a_token_goes_to_its_own_server_alone(bench: Workbench) -> None:
    await bench.backend()
    tokens: list[dict[str, Any]] = [{"token": "hunter2"}, {"token": "hunter3", "token_header": "X-Chroma-Token"}, {}]
    with VendorServer(lambda _, __: Reply(status=503), lambda _, said: said) as server:
        for values in tokens:
            with pytest.raises(BackendError):
                await bench.backend(url=server.url, **values)
    first, second, third = (request.headers for request in server.requests)
    assert first["authorization"] == "Bearer hunter2"
    assert second["x-chroma-token"] == "hunter3"
    assert "authorization" not in {*second, *third}
    assert "x-chroma-token" not in third


def test_what_is_not_asked_for_is_no_condition() -> None:
    assert matching(None) == matching(Where()) == Condition()
    assert Condition().filter is None
    assert matching(Where(expired_at=5.0)).filter == {"expires": {"$lte": 4617315517961601024}}
