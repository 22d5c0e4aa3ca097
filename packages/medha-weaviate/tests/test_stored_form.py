"""What lies in Weaviate, as another program reads it, and what becomes of objects that another program has changed."""

from __future__ import annotations

import base64
import json
import uuid
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from weaviate.classes.config import ConsistencyLevel

from medha import CollectionSpec, Where
from medha.errors import BackendError, CorruptEntryError
from medha_conformance.corpus import NOW, SPEC, axis, make_entries, make_entry, make_id, unit_vectors
from medha_conformance.suite.reading import closest, read_all
from medha_weaviate import WeaviateBackend, WeaviateSettings
from medha_weaviate.objects import object_id
from medha_weaviate.queries import similarity
from medha_weaviate.schema import NO_TENANT, class_name, new_class, tenant_of

from .wire.refusing import CLASS_NAME, TENANT_NAME

if TYPE_CHECKING:
    from weaviate import WeaviateAsyncClient

NAMES = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=30)


async def test_an_operator_can_read_the_collection_and_its_entries(
    backend: WeaviateBackend, by_hand: WeaviateAsyncClient, name: str
) -> None:
    vector = unit_vectors(1)[0]
    entry = make_entry("albums", vector=vector, metadata={"tenant": "acmé", "share": 10.0}, expires_at=NOW)
    await backend.upsert("music", [entry])
    collection: Any = by_hand.collections.use(name).with_consistency_level(ConsistencyLevel.ALL)
    about = json.loads((await collection.config.get()).description)["medha"]
    assert about == {
        "collection": "music",
        "dimension": 8,
        "model_name": SPEC.model_name,
        "tenant_key": None,
        "schema": 1,
    }
    wanted = ["entry_id", "question", "metadata", "tokens", "lasts_until", "vector_bits"]
    (stored,) = (await collection.query.fetch_objects(return_properties=wanted)).objects
    assert str(stored.uuid) == stored.properties["entry_id"] == entry.id
    assert stored.properties["question"] == entry.question
    assert json.loads(stored.properties["metadata"]) == {"tenant": "acmé", "share": 10.0}
    assert stored.properties["lasts_until"] == NOW
    assert base64.b64decode(stored.properties["vector_bits"]) == vector.tobytes()
    assert set(stored.properties["tokens"]) == {
        f'["question","{entry.normalized_question}"]',
        f'["query","{entry.query_hash}"]',
        '["metadata","tenant","acmé"]',
        '["metadata","share",10]',
    }


def test_every_text_that_is_sought_is_one_token_and_no_other_is_indexed() -> None:
    body = new_class("music", SPEC, WeaviateSettings())
    for prop in body["properties"]:
        (kind,) = prop["dataType"]
        assert prop.get("tokenization") == ("field" if kind.startswith("text") else None)
        assert prop["indexFilterable"] is (prop["name"] in {"part", "owner", "tokens", "lasts_until"})
    assert body["vectorConfig"]["question"]["vectorIndexConfig"]["distance"] == "cosine"


@given(NAMES, NAMES)
def test_names_map_one_to_one_within_the_rules_of_the_engine(one: str, other: str) -> None:
    names = [class_name(name, "Medha") for name in (one, other)]
    assert (names[0] == names[1]) is (one == other)
    assert CLASS_NAME.fullmatch(names[0])


@given(st.one_of(NAMES, st.integers(), st.booleans(), st.floats(allow_nan=False, allow_infinity=False)))
def test_a_tenant_has_a_name_that_the_engine_takes(value: Any) -> None:
    name = tenant_of({"tenant": value}, "tenant")
    assert TENANT_NAME.fullmatch(name)
    assert name != NO_TENANT == tenant_of({"other": value}, "tenant")
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53:
        assert tenant_of({"tenant": float(value)}, "tenant") == name


@given(st.one_of(NAMES, st.uuids().map(str)))
def test_an_object_has_a_uuid_that_stands_for_its_id_alone(entry_id: str) -> None:
    made = object_id(entry_id)
    assert str(uuid.UUID(made)) == made
    assert object_id(entry_id) == made
    assert object_id(made) == made


def test_ids_that_read_alike_are_different_objects() -> None:
    plain = make_id("albums")
    odd = [plain.upper(), plain.replace("-", ""), f"{{{plain}}}", f" {plain}", str(uuid.UUID(int=0)), ""]
    assert len({object_id(entry_id) for entry_id in [plain, *odd]}) == 7


@pytest.mark.parametrize(("distance", "cosine"), [(0.0, 1.0), (0.5, 0.5), (1.0, 0.0), (2.0, -1.0), (-1e-7, 1.0)])
def test_a_distance_becomes_the_raw_cosine(distance: float, cosine: float) -> None:
    assert similarity(distance) == cosine


DAMAGES: dict[str, dict[str, Any]] = {
    "metadata that is no JSON": {"metadata": "{"},
    "metadata that is a list": {"metadata": "[1]"},
    "metadata that is nested": {"metadata": '{"a": {"b": 1}}'},
    "a vector that is cut": {"vector_bits": base64.b64encode(axis(0).tobytes()[4:]).decode()},
}


@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_damaged_object_is_an_error_that_names_it_and_never_a_miss(
    backend: WeaviateBackend, by_hand: WeaviateAsyncClient, name: str, damage: str
) -> None:
    await backend.upsert("music", [make_entry("damaged"), make_entry("whole", vector=-axis(0))])
    collection: Any = by_hand.collections.use(name).with_consistency_level(ConsistencyLevel.ALL)
    await collection.data.update(make_id("damaged"), DAMAGES[damage])
    with pytest.raises(CorruptEntryError, match=f"{make_id('damaged')}.*delete by its id"):
        await read_all(backend, "music", with_vectors=True)
    if "vector_bits" not in DAMAGES[damage]:
        for call in (lambda: backend.get("music", [make_id("damaged")]), lambda: closest(backend, "music")):
            with pytest.raises(CorruptEntryError, match=make_id("damaged")):
                await call()
    assert await backend.delete("music", where=Where(ids=[make_id("damaged")])) == 1
    assert [entry.id for entry in await read_all(backend, "music")] == [make_id("whole")]


async def test_a_collection_that_another_program_made_is_left_alone(
    settings: WeaviateSettings, backend: WeaviateBackend, by_hand: WeaviateAsyncClient
) -> None:
    foreign = new_class("foreign", SPEC, settings) | {"description": "theirs"}
    client: Any = by_hand
    await client.collections.create_from_dict(foreign)
    with pytest.raises(BackendError, match="not the one that Medha made for 'foreign'"):
        await backend.initialize("foreign", SPEC)
    newer = new_class("newer", SPEC, settings)
    newer["description"] = newer["description"].replace('"schema": 1', '"schema": 2')
    await client.collections.create_from_dict(newer)
    with pytest.raises(BackendError, match="pip install --upgrade medha-weaviate"):
        await backend.initialize("newer", SPEC)
    for made in (foreign, newer):
        await by_hand.collections.delete(made["class"])


async def test_a_batch_that_is_refused_in_its_middle_leaves_everything_as_it_was(
    settings: WeaviateSettings, backend: WeaviateBackend
) -> None:
    before = make_entries(20, template_id="before", metadata={"tenant": "acme"})
    await backend.upsert("music", before)
    await backend.add_feedback("music", before[0].id, correct=3)
    stood = {entry.id: entry for entry in await read_all(backend, "music", with_vectors=True)}
    # one that has not opened the collection does not know its dimension
    other = WeaviateBackend(settings.model_copy(update={"max_request_bytes": 5_000}))
    await other.connect()
    changed = [make_entry(f"row-{n}", template_id="after") for n in range(20)]
    with pytest.raises(BackendError):
        await other.upsert("music", [*changed, *make_entries(5, "new"), make_entry("bad", vector=axis(0, 11))])
    await other.close()
    found = {entry.id: entry for entry in await read_all(backend, "music", with_vectors=True)}
    assert found == stood
    assert all(np.array_equal(found[key].vector, stood[key].vector) for key in stood)  # pyright: ignore[reportArgumentType]
    assert await backend.count("music", where=Where(template_id="before", metadata={"tenant": "acme"})) == 20


async def test_every_tenant_has_its_own_shard_and_is_asked_alone(
    settings: WeaviateSettings, by_hand: WeaviateAsyncClient
) -> None:
    with_tenants = settings.model_copy(update={"tenant_key": "tenant"})
    backend = WeaviateBackend(with_tenants)
    await backend.connect()
    await backend.initialize("shared", SPEC)
    acme, zenith = make_entry("a", metadata={"tenant": "acme"}), make_entry("z", metadata={"tenant": "zenith"})
    await backend.upsert("shared", [acme, zenith, make_entry("nobody")])
    collection: Any = by_hand.collections.use(class_name("shared", settings.prefix))
    tenants = {tenant_of(entry.metadata, "tenant") for entry in (acme, zenith)}
    assert set(await collection.tenants.get()) == tenants | {NO_TENANT}
    found = await closest(backend, "shared", where=Where(metadata={"tenant": "acme"}))
    assert [match.entry.id for match in found] == [acme.id]
    assert await closest(backend, "shared", where=Where(metadata={"tenant": "nobody there"})) == []
    assert await backend.count("shared") == 3
    # an entry that moves to another tenant leaves the first one
    await backend.upsert("shared", [make_entry("a", metadata={"tenant": "zenith"})])
    assert await backend.count("shared", where=Where(metadata={"tenant": "acme"})) == 0
    assert await backend.count("shared") == 3
    without = WeaviateBackend(settings)
    await without.connect()
    with pytest.raises(BackendError, match="MEDHA_WEAVIATE_TENANT_KEY"):
        await without.initialize("shared", SPEC)
    await without.close()
    await backend.drop_collection("shared")
    await backend.close()


async def test_a_flat_index_is_made_where_it_is_set_and_searches_exactly(settings: WeaviateSettings) -> None:
    backend = WeaviateBackend(settings.model_copy(update={"index": "flat", "consistency": "QUORUM", "replicas": 1}))
    await backend.connect()
    await backend.initialize("exact", CollectionSpec(dimension=32, model_name="exact"))
    vectors = unit_vectors(500, 32)
    await backend.upsert("exact", make_entries(500, dimension=32))
    for asked in unit_vectors(3, 32, seed=5):
        found = await closest(backend, "exact", asked, limit=10)
        assert [match.similarity for match in found] == pytest.approx(np.sort(vectors @ asked)[::-1][:10], abs=1e-5)
    await backend.drop_collection("exact")
    await backend.close()
