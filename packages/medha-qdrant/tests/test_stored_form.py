"""What lies in Qdrant, as another tool reads it, and what becomes of points that another tool has changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from medha import Where
from medha.errors import (
    BackendError,
    BackendUnavailableError,
    BackendWriteError,
    CollectionMismatchError,
    CorruptEntryError,
)
from medha_conformance.corpus import NOW, SPEC, axis, make_entries, make_entry, make_id, unit_vectors
from medha_conformance.imports import imported_by
from medha_conformance.suite.corruption import check_damaged
from medha_conformance.suite.reading import read_one

if TYPE_CHECKING:
    from conftest import Workbench


def test_looking_for_plugins_imports_neither_the_driver_nor_numpy() -> None:
    assert imported_by("import medha_qdrant.plugin").isdisjoint({"qdrant_client", "grpc", "numpy"})


def test_a_name_that_the_package_does_not_have_is_an_attribute_error() -> None:
    import medha_qdrant

    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = medha_qdrant.Nothing


async def test_a_point_says_what_it_holds_in_plain_fields(bench: Workbench) -> None:
    backend = await bench.backend("music")
    vector = unit_vectors(1)[0]
    entry = make_entry(
        "albums", vector=vector, metadata={"tenant": "acmé", "share": 10.0, "a.b": True}, expires_at=NOW, template_id=""
    )
    await backend.upsert("music", [entry])
    (point,) = await bench.by_hand.retrieve(bench.name("music"), [entry.id], with_vectors=True)
    payload: dict[str, Any] = point.payload or {}
    assert payload["question"] == entry.question
    assert payload["generated_query"] == entry.generated_query
    assert (payload["created_at"], payload["expires_at"]) == (repr(entry.created_at), repr(NOW))
    assert json.loads(payload["metadata"]) == {"tenant": "acmé", "share": 10.0, "a.b": True}
    assert (payload["feedback_correct"], payload["template_id"]) == (0, "")
    assert "response_summary" not in payload
    # a token each for the question, the query, the template, and three metadata values
    assert len(set(payload["facts"])) == 6
    assert np.array_equal(np.array(point.vector, dtype=np.float32), vector)


async def test_a_collection_says_whose_it_is_and_has_an_index_for_every_filter(bench: Workbench) -> None:
    await bench.backend("müsic")
    info = await bench.by_hand.get_collection(bench.name("müsic"))
    assert info.config.metadata == {"collection": "müsic", "dimension": 8, "model_name": "conformance-model"}
    assert set(info.payload_schema) == {"facts", "expires_high", "expires_low", "revision"}
    assert info.config.params.shard_number == 1


async def test_an_index_that_is_missing_is_made_when_the_collection_is_opened(bench: Workbench) -> None:
    backend = await bench.backend("music")
    await bench.by_hand.delete_payload_index(bench.name("music"), "facts", wait=True)
    await bench.backend("music")
    assert "facts" in (await bench.by_hand.get_collection(bench.name("music"))).payload_schema
    assert await backend.count("music", where=Where(template_id="t")) == 0


async def test_two_prefixes_share_a_server_and_nothing_else(bench: Workbench) -> None:
    one = await bench.backend("music")
    two = await bench.backend("music", prefix=f"{bench.prefix}-b")
    await one.upsert("music", make_entries(3))
    assert await two.count("music") == 0
    await two.drop_collection("music")
    assert await one.count("music") == 3


DAMAGES: dict[str, dict[str, Any]] = {
    "a text that is a number": {"question": 5},
    "a time that is a word": {"created_at": "yesterday"},
    "a time that is no instant": {"created_at": "nan"},
    "an expiry that is a number": {"expires_at": 5.5},
    "metadata that is no JSON": {"metadata": "{"},
    "metadata that is a list": {"metadata": "[]"},
    "metadata that is nested": {"metadata": '{"a": {"b": 1}}'},
    "a counter that is a text": {"feedback_correct": "5"},
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("prefer_grpc", [True, False])
async def test_a_damaged_point_is_an_error_that_names_it_and_never_a_miss(
    bench: Workbench, damage: dict[str, Any], prefer_grpc: bool
) -> None:
    async def corrupt(collection: str, entry_id: str) -> None:
        await bench.by_hand.set_payload(bench.name(collection), damage, [entry_id], wait=True)

    assert "delete it by its id" in await check_damaged(
        await bench.backend("music", prefer_grpc=prefer_grpc), "music", corrupt
    )


async def test_feedback_for_a_damaged_point_is_an_error(bench: Workbench) -> None:
    backend = await bench.backend("music")
    await backend.upsert("music", [make_entry("albums")])
    await bench.by_hand.delete_payload(bench.name("music"), ["revision"], [make_id("albums")], wait=True)
    with pytest.raises(CorruptEntryError, match="no field 'revision'"):
        await backend.add_feedback("music", make_id("albums"), correct=1)


async def test_a_collection_that_another_tool_made_is_refused(bench: Workbench) -> None:
    backend = await bench.backend("music")
    await bench.by_hand.update_collection(bench.name("music"), metadata={"dimension": "many"})
    with pytest.raises(BackendError, match=r"does not say which model.*1\.16"):
        await backend.initialize("music", SPEC)


async def test_a_batch_that_does_not_fit_is_refused_whole(bench: Workbench) -> None:
    for prefer_grpc in (True, False):
        backend = await bench.backend("music", prefer_grpc=prefer_grpc)
        good = make_entry("good")
        with pytest.raises(CollectionMismatchError, match="different shapes"):
            await backend.upsert("music", [good, make_entry("long", vector=unit_vectors(1, 9)[0])])
        with pytest.raises(CollectionMismatchError, match=r"another dimension.*Initialize it again"):
            await backend.upsert("music", [make_entry("long", vector=unit_vectors(1, 9)[0])])
        with pytest.raises(BackendWriteError, match="no UUID"):
            await backend.upsert("music", [good, make_entry("odd", id="odd")])
        assert await backend.count("music") == 0


async def test_an_id_that_is_no_uuid_is_an_absent_one(bench: Workbench) -> None:
    backend = await bench.backend("music")
    entry = make_entry("albums")
    await backend.upsert("music", [entry])
    for odd in ("albums", "5", "", entry.id.upper(), entry.id.replace("-", ""), f"{{{entry.id}}}"):
        assert await backend.get("music", [odd, entry.id]) == [entry]
        assert await backend.count("music", where=Where(ids=[odd])) == 0
        assert await backend.delete("music", where=Where(ids=[odd])) == 0
        assert await backend.add_feedback("music", odd, correct=1) is None
        found, _ = await backend.get_and_search(
            "music", odd, axis(0), limit=1, min_similarity=0.0, where=Where(), now=NOW
        )
        assert found is None


async def test_a_request_too_large_for_rest_is_refused_whole_and_taken_by_grpc(bench: Workbench) -> None:
    entries = [make_entry(f"{n}", generated_query="x" * 1_000_000) for n in range(40)]
    rest = await bench.backend("music", prefer_grpc=False)
    # the server answers so, or breaks the connection before the request has reached it
    with pytest.raises((BackendWriteError, BackendUnavailableError), match="gRPC has no such limit"):
        await rest.upsert("music", entries)
    assert await rest.count("music") == 0
    grpc = await bench.backend("music")
    await grpc.upsert("music", entries)
    assert await rest.count("music") == 40
    assert await read_one(rest, "music", entries[7].id) == entries[7]
