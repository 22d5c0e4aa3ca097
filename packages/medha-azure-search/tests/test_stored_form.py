"""What lies in the index, as another program reads it, and what becomes of what another program has changed."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medha import Capability, CollectionSpec, Where
from medha.errors import BackendError, BackendWriteError, CorruptEntryError
from medha_azure_search import AzureSearchBackend, AzureSearchSettings
from medha_azure_search.documents import key_of
from medha_azure_search.queries import among, entries_where, literal, living, similarity
from medha_azure_search.schema import index_name, new_index
from medha_conformance.corpus import HOSTILE_TEXTS, NOW, SPEC, axis, make_entries, make_entry, make_id, unit_vectors
from medha_conformance.suite.reading import closest, read_all

from .wire.odata import predicate, string
from .wire.refusing import INDEX_NAME, KEY
from .wire.store import Index

if TYPE_CHECKING:
    from azure.search.documents.aio import SearchClient

    from .wire.server import WireServer

NAMES = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=30)
FIELDS = {
    "part": {"type": "Edm.String", "filterable": True},
    "key": {"type": "Edm.String", "filterable": True},
    "tokens": {"type": "Collection(Edm.String)", "filterable": True},
    "expires_at": {"type": "Edm.Double", "filterable": True},
}
SETTINGS = AzureSearchSettings(url="https://x.search.windows.net")


async def test_an_operator_can_read_the_collection_and_its_entries(
    server: WireServer, backend: AzureSearchBackend, by_hand: SearchClient
) -> None:
    vector = unit_vectors(1)[0]
    entry = make_entry("albums", vector=vector, metadata={"tenant": "acmé", "share": 10.0}, expires_at=NOW)
    await backend.upsert("music", [entry])
    (index,) = server.indexes.values()
    about = json.loads(index.body["description"])["medha"]
    assert about == {"collection": "music", "dimension": 8, "model_name": SPEC.model_name, "schema": 1}
    client: Any = by_hand
    token = literal('["metadata","tenant","acmé"]')
    (stored,) = [one async for one in await client.search(filter=f"tokens/any(t: t eq {token})")]
    assert stored["key"] == stored["owner"] == entry.id
    assert json.loads(stored["entry"])["question"] == entry.question
    assert json.loads(stored["entry"])["created_at"] == entry.created_at
    assert stored["expires_at"] == NOW
    assert base64.b64decode(stored["vector_bits"]) == vector.tobytes()
    assert "vector" not in stored


def test_the_index_has_a_vectorizer_free_profile_and_keeps_its_vectors_for_merges() -> None:
    index: Any = new_index("music", SPEC, SETTINGS)
    (profile,) = index.vector_search.profiles
    assert profile.vectorizer_name is None
    (vector,) = [field for field in index.fields if field.name == "vector"]
    assert (vector.stored, vector.hidden, vector.vector_search_dimensions) == (True, True, 8)
    (algorithm,) = index.vector_search.algorithms
    assert algorithm.parameters.metric == "cosine"
    assert [field.name for field in index.fields if field.searchable] == ["vector"]


@given(NAMES, NAMES)
def test_names_map_one_to_one_within_the_rules_of_the_engine(one: str, other: str) -> None:
    names = [index_name(name, "medha") for name in (one, other)]
    assert (names[0] == names[1]) is (one == other)
    assert INDEX_NAME.fullmatch(names[0])


@given(NAMES, NAMES)
def test_keys_map_one_to_one_within_the_rules_of_the_engine(one: str, other: str) -> None:
    keys = [key_of(entry_id) for entry_id in (one, other)]
    assert (keys[0] == keys[1]) is (one == other)
    assert KEY.fullmatch(keys[0])
    assert "," not in keys[0]


@given(NAMES)
def test_a_literal_means_its_text_and_ends_where_it_should(text: str) -> None:
    assert string(literal(text)) == text
    accepts = predicate(f"part eq {literal(text)} and key eq 'x'", FIELDS)
    assert accepts({"part": text, "key": "x"})
    assert not accepts({"part": text, "key": "y"})
    assert not accepts({"part": f"{text}'", "key": "x"})


@given(st.dictionaries(NAMES, st.one_of(NAMES, st.integers(), st.booleans()), max_size=3), NAMES)
def test_a_filter_accepts_the_entries_that_the_conditions_match(metadata: dict[str, Any], text: str) -> None:
    from medha.rows import tokens_of

    where = Where(normalized_question=text, metadata=metadata)
    accepts = predicate(entries_where(where), FIELDS)
    entry = make_entry("x", normalized_question=text, metadata={**metadata, "more": 1})
    assert accepts({"part": "entry", "tokens": tokens_of(entry)}) is where.matches(entry)
    other = make_entry("x", normalized_question=f"{text}'", metadata=metadata)
    assert not accepts({"part": "entry", "tokens": tokens_of(other)})


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
def test_times_are_compared_with_every_digit(now: float, expires_at: float) -> None:
    assert predicate(living(now), FIELDS)({"expires_at": expires_at}) is (expires_at > now)
    assert predicate(living(now), FIELDS)({})


def test_no_values_are_found_nowhere() -> None:
    assert not predicate(among("key", []), FIELDS)({"key": ""})
    assert not predicate(among("key", []), FIELDS)({"key": ","})


@given(st.floats(-1, 1))
def test_a_score_becomes_the_raw_cosine(cosine: float) -> None:
    assert similarity(1 / (1 + (1 - cosine))) == pytest.approx(cosine, abs=1e-12)
    in_float32 = float(np.float32(1 / (1 + (1 - cosine))))
    assert similarity(in_float32) == pytest.approx(cosine, abs=1e-6)


DAMAGES: dict[str, dict[str, Any]] = {
    "an entry that is no JSON": {"entry": "{"},
    "an entry that is a list": {"entry": "[1]"},
    "an entry that lacks its query": {"entry": "{}"},
    "no entry": {"entry": None},
    "a vector that is cut": {"vector_bits": base64.b64encode(axis(0).tobytes()[4:]).decode()},
}


@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_damaged_document_is_an_error_that_names_it_and_never_a_miss(
    server: WireServer, backend: AzureSearchBackend, by_hand: SearchClient, damage: str
) -> None:
    await backend.upsert("music", [make_entry("damaged"), make_entry("whole", vector=-axis(0))])
    (index,) = server.indexes.values()
    index.lag = 0
    client: Any = by_hand
    await client.merge_documents([{"key": make_id("damaged"), **DAMAGES[damage]}])
    with pytest.raises(CorruptEntryError, match=f"{make_id('damaged')}|None"):
        await read_all(backend, "music", with_vectors=True)
    if "vector_bits" not in DAMAGES[damage]:
        for call in (lambda: backend.get("music", [make_id("damaged")]), lambda: closest(backend, "music")):
            with pytest.raises(CorruptEntryError):
                await call()
    assert await backend.delete("music", where=Where(ids=[make_id("damaged")])) == 1
    assert [entry.id for entry in await read_all(backend, "music")] == [make_id("whole")]


async def test_an_index_that_another_program_made_is_left_alone(
    server: WireServer, settings: AzureSearchSettings, backend: AzureSearchBackend
) -> None:
    (made,) = server.indexes.values()
    for collection, description, message in (
        ("foreign", "theirs", "not the one that Medha made for the collection 'foreign'"),
        ("newer", '{"medha": {"schema": 2}}', "pip install --upgrade medha-azure-search"),
    ):
        name = index_name(collection, settings.prefix)
        server.indexes[name] = Index({**made.body, "name": name, "description": description})
        with pytest.raises(BackendError, match=message):
            await backend.initialize(collection, SPEC)


async def test_a_batch_with_an_entry_that_is_too_large_leaves_everything_as_it_was(backend: AzureSearchBackend) -> None:
    before = make_entries(20, template_id="before", metadata={"tenant": "acme"})
    await backend.upsert("music", before)
    await backend.add_feedback("music", before[0].id, correct=3)
    stood = {entry.id: entry for entry in await read_all(backend, "music", with_vectors=True)}
    changed = [make_entry(f"row-{n}", template_id="after") for n in range(20)]
    refused = make_entry("refused", question="x" * 16_000_001)
    with pytest.raises(BackendWriteError):
        await backend.upsert("music", [*changed, *make_entries(5, "new"), refused])
    found = {entry.id: entry for entry in await read_all(backend, "music", with_vectors=True)}
    assert found == stood
    assert all(np.array_equal(found[key].vector, stood[key].vector) for key in stood)  # pyright: ignore[reportArgumentType]


async def test_a_batch_of_which_the_service_refuses_one_document_is_taken_back(
    server: WireServer, backend: AzureSearchBackend
) -> None:
    before = make_entries(5, template_id="before")
    await backend.upsert("music", before)
    (index,) = server.indexes.values()
    index.refuse_next = make_id("refused")
    changed = [make_entry(f"row-{n}", template_id="after") for n in range(5)]
    with pytest.raises(BackendWriteError, match="400"):
        await backend.upsert("music", [*changed, make_entry("refused"), *make_entries(3, "new")])
    found = await read_all(backend, "music")
    assert {entry.id: entry for entry in found} == {entry.id: entry for entry in before}
    assert len(await closest(backend, "music", where=Where(template_id="before"))) == 5


async def test_an_exhaustive_search_is_declared_exact_and_finds_the_true_neighbours(
    settings: AzureSearchSettings,
) -> None:
    backend = AzureSearchBackend(settings.model_copy(update={"exhaustive": True}))
    assert backend.capabilities[Capability.EXACT_SEARCH]
    await backend.connect()
    await backend.initialize("exact", CollectionSpec(dimension=32, model_name="exact"))
    vectors = unit_vectors(300, 32)
    await backend.upsert("exact", make_entries(300, dimension=32))
    for asked in unit_vectors(3, 32, seed=5):
        found = await closest(backend, "exact", asked, limit=10)
        assert [match.similarity for match in found] == pytest.approx(np.sort(vectors @ asked)[::-1][:10], abs=1e-5)
    await backend.close()


async def test_hostile_ids_and_texts_are_found_by_exactly_what_they_are(backend: AzureSearchBackend) -> None:
    entries = [
        make_entry(name, id=f"{text}{n}", normalized_question=text)
        for n, (name, text) in enumerate(HOSTILE_TEXTS.items())
    ]
    await backend.upsert("music", entries)
    for entry in entries:
        where = Where(normalized_question=entry.normalized_question, ids=[entry.id])
        assert list((await backend.scroll("music", where=where)).entries) == [entry]
