"""What another tool reads in the index, and what becomes of documents that another tool damaged."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medha import CollectionSpec, Where, same_value
from medha.errors import BackendError, CollectionNotFoundError, CorruptEntryError
from medha_conformance.corpus import NOW, SPEC, axis, make_entries, make_entry, make_id, unit_vectors
from medha_conformance.suite.reading import closest, read_all, read_one
from medha_elastic.queries import filters_of, to_similarity, tokens_of
from medha_elastic.rows import in_requests, store_line
from medha_elastic.schema import names_of, new_index

if TYPE_CHECKING:
    from elasticsearch import AsyncElasticsearch

    from medha.models import Scalar
    from medha_elastic import ElasticsearchBackend, ElasticsearchSettings
    from medha_elastic.schema import Names

SCALARS = st.one_of(
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-9, 9).map(float),
)


async def test_an_operator_can_read_the_collection_and_its_entries(
    backend: ElasticsearchBackend, by_hand: AsyncElasticsearch, names: Names
) -> None:
    entry = make_entry("albums", metadata={"tenant": "acme", "share": 10.0}, expires_at=NOW, template_id="count")
    await backend.upsert("music", [entry])
    mapping = (await by_hand.indices.get_mapping(index=names.index))[names.index]["mappings"]
    assert mapping["_meta"]["medha"] == {
        "collection": "music",
        "dimension": SPEC.dimension,
        "model_name": SPEC.model_name,
        "schema": 1,
    }
    assert mapping["dynamic"] == "false"
    stored = (await by_hand.get(index=names.index, id=entry.id))["_source"]
    assert stored["question"] == entry.question
    assert stored["generated_query"] == entry.generated_query
    assert json.loads(stored["metadata"]) == {"tenant": "acme", "share": 10.0}
    assert base64.b64decode(stored["vector_bits"]) == axis(0).tobytes()
    for token in (
        f"question={entry.normalized_question}",
        f"query={entry.query_hash}",
        "template=count",
        'metadata=["tenant","acme"]',
        'metadata=["share",10]',
    ):
        found = await by_hand.search(index=names.alias, query={"term": {"tokens": token}})
        assert [hit["_id"] for hit in found["hits"]["hits"]] == [entry.id], token


async def test_nothing_of_a_document_makes_a_field_in_the_mapping(
    backend: ElasticsearchBackend, by_hand: AsyncElasticsearch, names: Names
) -> None:
    before = (await by_hand.indices.get_mapping(index=names.index)).body
    await backend.upsert("music", [make_entry("x", metadata={"a.b": 1, "": True, "vector": "v"}, template_id="t")])
    assert (await by_hand.indices.get_mapping(index=names.index)).body == before


DAMAGES: dict[str, dict[str, Any]] = {
    "a field of another type": {"question": 4711},
    "an absent query": {"generated_query": None},
    "a boolean counter": {"feedback_correct": True},
    "metadata that is not JSON": {"metadata": "{"},
    "metadata that is no text": {"metadata": ["x"]},
    "metadata that is a list": {"metadata": "[1]"},
    "metadata that is nested": {"metadata": '{"a": {"b": 1}}'},
}


@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_damaged_document_is_an_error_that_names_it_and_never_a_miss(
    backend: ElasticsearchBackend, by_hand: AsyncElasticsearch, names: Names, damage: str
) -> None:
    await backend.upsert("music", [make_entry("damaged")])
    await by_hand.update(index=names.index, id=make_id("damaged"), doc=DAMAGES[damage], refresh=True)
    for call in (
        lambda: backend.get("music", [make_id("damaged")]),
        lambda: backend.scroll("music"),
        lambda: closest(backend, "music"),
        lambda: backend.get_and_search(
            "music", make_id("damaged"), axis(3), limit=1, min_similarity=0.9, where=Where(), now=NOW
        ),
    ):
        with pytest.raises(CorruptEntryError, match=make_id("damaged")):
            await call()
    assert await backend.delete("music", where=Where(ids=[make_id("damaged")])) == 1


@pytest.mark.parametrize("bits", ["AAAA", "AAA", base64.b64encode(axis(0).tobytes()[4:]).decode()])
async def test_a_damaged_vector_is_an_error_when_it_is_read(
    backend: ElasticsearchBackend, by_hand: AsyncElasticsearch, names: Names, bits: str
) -> None:
    await backend.upsert("music", [make_entry("damaged")])
    await by_hand.update(index=names.index, id=make_id("damaged"), doc={"vector_bits": bits}, refresh=True)
    with pytest.raises(CorruptEntryError, match=make_id("damaged")):
        await backend.scroll("music", with_vectors=True)
    assert len((await backend.scroll("music")).entries) == 1


async def test_a_document_of_somebody_else_is_an_error(
    backend: ElasticsearchBackend, by_hand: AsyncElasticsearch, names: Names
) -> None:
    await by_hand.index(index=names.index, id="foreign", document={"id": "foreign"}, refresh=True)
    with pytest.raises(CorruptEntryError, match="'foreign' has nothing in the field 'question'"):
        await backend.scroll("music")


async def test_an_index_that_medha_did_not_make_is_left_alone(
    settings: ElasticsearchSettings, backend: ElasticsearchBackend, by_hand: AsyncElasticsearch
) -> None:
    foreign = names_of("foreign", settings.prefix)
    await by_hand.indices.create(index=foreign.index, aliases={foreign.alias: {}})
    newer = names_of("newer", settings.prefix)
    body = new_index(newer, SPEC, settings)
    body["mappings"]["_meta"]["medha"]["schema"] = 2
    await by_hand.indices.create(index=newer.index, **body)
    with pytest.raises(BackendError, match="not the one that Medha made for the collection 'foreign'"):
        await backend.initialize("foreign", SPEC)
    with pytest.raises(BackendError, match="pip install --upgrade medha-elastic"):
        await backend.initialize("newer", SPEC)
    await by_hand.indices.delete(index=[foreign.index, newer.index])


async def test_a_write_never_makes_a_dropped_collection_anew(
    backend: ElasticsearchBackend, by_hand: AsyncElasticsearch, names: Names
) -> None:
    await by_hand.indices.delete(index=names.index)
    for call in (
        lambda: backend.upsert("music", [make_entry("late")]),
        lambda: backend.add_feedback("music", make_id("late"), correct=1),
        lambda: backend.delete("music", where=Where(ids=[make_id("late")])),
        lambda: backend.upsert("music", []),
        lambda: backend.get("music", []),
    ):
        with pytest.raises(CollectionNotFoundError, match="'music'"):
            await call()
    assert (await by_hand.indices.get(index=f"{names.index}*")).body == {}


async def test_a_segment_with_no_more_entries_than_candidates_is_searched_exactly(
    backend: ElasticsearchBackend,
) -> None:
    spec = CollectionSpec(dimension=32, model_name="exact")
    await backend.initialize("exact", spec)
    vectors = unit_vectors(1000, 32)
    await backend.upsert("exact", make_entries(1000, dimension=32))
    for asked in unit_vectors(10, 32, seed=5):
        found = await closest(backend, "exact", asked, limit=10)
        assert [m.similarity for m in found] == pytest.approx(np.sort(vectors @ asked)[::-1][:10], abs=1e-5)
    await backend.drop_collection("exact")


async def test_a_scroll_goes_on_when_its_point_in_time_has_run_out(
    backend: ElasticsearchBackend, by_hand: AsyncElasticsearch
) -> None:
    entries = make_entries(30)
    await backend.upsert("music", entries)
    first = await backend.scroll("music", limit=10)
    second = await backend.scroll("music", limit=10, cursor=first.cursor)
    assert second.cursor is not None
    await by_hand.close_point_in_time(id=json.loads(second.cursor)[1])
    third = await backend.scroll("music", limit=10, cursor=second.cursor)
    read = [*first.entries, *second.entries, *third.entries]
    assert third.cursor is None
    assert sorted(entry.id for entry in read) == sorted(entry.id for entry in entries)


async def test_counters_beyond_32_bits_add_up(backend: ElasticsearchBackend) -> None:
    entry = make_entry("popular", feedback_correct=2**31 - 1)
    await backend.upsert("music", [entry])
    assert await backend.add_feedback("music", entry.id, correct=1) == (2**31, 0)
    assert await read_one(backend, "music", entry.id) == replace(entry, feedback_correct=2**31)
    assert len(await read_all(backend, "music", with_vectors=True)) == 1


@given(SCALARS, SCALARS)
def test_two_metadata_values_are_the_same_exactly_when_their_tokens_are(a: Scalar, b: Scalar) -> None:
    tokens = [tokens_of(make_entry("x", metadata={"key": value}))[-1] for value in (a, b)]
    assert (tokens[0] == tokens[1]) is same_value(a, b)
    assert {"term": {"tokens": tokens[0]}} in filters_of(Where(metadata={"key": a}))


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=30), st.integers(1, 100))
def test_lines_are_put_into_requests_in_order_and_within_the_limit(lines: list[bytes], most: int) -> None:
    bodies = in_requests(lines, most)
    assert b"".join(bodies) == b"".join(lines)
    assert all(len(body) <= most or body in lines for body in bodies)


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_the_numbers_of_a_vector_are_as_near_as_float32_comes_and_its_bits_the_same(components: list[float]) -> None:
    vector = np.array(components, dtype=np.float32)
    row = json.loads(store_line(make_entry("x", vector=vector)).splitlines()[1])
    assert row["vector"] == pytest.approx(vector.astype(float).tolist(), rel=5e-7, abs=0)
    assert base64.b64decode(row["vector_bits"]) == vector.tobytes()


@pytest.mark.parametrize(("score", "cosine"), [(1.0, 1.0), (0.75, 0.5), (0.5, 0.0), (0.0, -1.0), (1.0000001, 1.0)])
def test_a_score_becomes_the_raw_cosine(score: float, cosine: float) -> None:
    assert to_similarity(score) == cosine
