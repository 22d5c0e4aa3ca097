"""Topic: collections, their names and their specs."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pytest

from medha import CollectionSpec, Where
from medha.errors import CollectionMismatchError, CollectionNotFoundError
from medha_conformance.corpus import DIMENSION, SPEC, axis, make_entry
from medha_conformance.suite.lab import BackendTopic
from medha_conformance.suite.reading import closest, only, outcome_of, read_all, read_one

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from medha import VectorStorageBackend
    from medha_conformance.suite.lab import Lab

_OTHER_DIMENSION: Final = CollectionSpec(dimension=DIMENSION + 5, model_name=SPEC.model_name)
_OTHER_MODEL: Final = CollectionSpec(dimension=DIMENSION, model_name="another-model")


class CollectionTopic(BackendTopic):
    """A collection is opened by name for one model, and shares nothing with any other."""

    async def test_initializing_again_keeps_the_entries(self, backend: VectorStorageBackend, collection: str) -> None:
        entry = make_entry("kept")
        await backend.upsert(collection, [entry])
        await backend.initialize(collection, SPEC)
        assert await backend.get(collection, [entry.id]) == [entry]

    async def test_many_tasks_may_initialize_one_collection(self, lab: Lab) -> None:
        name = lab.name()
        outcomes = await asyncio.gather(
            *(lab.backend.initialize(name, SPEC) for _ in range(20)), return_exceptions=True
        )
        assert [outcome for outcome in outcomes if outcome is not None] == []
        await lab.backend.upsert(name, [make_entry("one")])
        assert await lab.backend.count(name) == 1

    async def test_another_dimension_is_refused_naming_both(
        self, backend: VectorStorageBackend, collection: str
    ) -> None:
        await _refuses(backend, collection, _OTHER_DIMENSION, [str(SPEC.dimension), str(_OTHER_DIMENSION.dimension)])

    async def test_another_model_is_refused_naming_both(self, backend: VectorStorageBackend, collection: str) -> None:
        await _refuses(backend, collection, _OTHER_MODEL, [SPEC.model_name, _OTHER_MODEL.model_name])

    async def test_names_that_differ_in_punctuation_are_different(self, lab: Lab) -> None:
        await _all_apart(lab, lab.names("acme-eu", "acme_eu", "acme.eu", "acme eu", "acme:eu", "acme/eu", "acmeeu"))

    async def test_names_that_differ_in_case_are_different(self, lab: Lab) -> None:
        await _all_apart(lab, lab.names("sales", "Sales", "SALES", "straße", "STRASSE", "strasse"))

    async def test_names_in_any_script_are_different(self, lab: Lab) -> None:
        await _all_apart(
            lab, lab.names("é", "e\u0301", "e", "продажи", "売上", "売り上げ", "مبيعات", "🎸", "🎻", "Å", "\u212b")
        )

    async def test_names_of_200_characters_are_told_apart(self, lab: Lab) -> None:
        long, wide = lab.name("x" * 187), lab.name("é" * 187)
        await _all_apart(lab, [long, wide, *lab.names(*("y" * 175 + ending for ending in ("a", "b", "A")))])

    async def test_hostile_names_are_only_names(self, lab: Lab) -> None:
        endings = [
            "",
            '"; DROP TABLE x; --',
            "'; --",
            "`x`",
            "a\\b",
            "../../x",
            "a%2Fb",
            "%s",
            "{}",
            "*",
            "?",
            " ",
            "#1",
        ]
        await _all_apart(
            lab, [*lab.names(*endings), *(lab.name(start) for start in ("-", "_", ".", "+", "1", " ", "x,y"))]
        )

    async def test_two_collections_never_see_each_other(self, lab: Lab) -> None:
        backend, first, second = lab.backend, await lab.open(), await lab.open()
        entry = make_entry("shared id", metadata={"tenant": "acme"})
        await backend.upsert(first, [entry])
        assert await backend.get(second, [entry.id]) == []
        assert await closest(backend, second) == []
        assert await read_all(backend, second) == []
        assert await backend.count(second) == 0
        assert await backend.add_feedback(second, entry.id, correct=1) is None
        assert await backend.delete(second, where=Where(ids=[entry.id])) == 0
        assert await backend.delete(second, where=Where()) == 0
        assert await backend.get(first, [entry.id]) == [entry], "what was done to one collection changed the other"

    async def test_one_id_may_stand_in_two_collections(self, lab: Lab) -> None:
        backend = lab.backend
        first, second = await lab.open(), await lab.open(spec=_OTHER_DIMENSION)
        small = make_entry("twice", vector=axis(3))
        large = replace(small, generated_query="SELECT 2", vector=axis(10, _OTHER_DIMENSION.dimension))
        await backend.upsert(first, [small])
        await backend.upsert(second, [large])
        assert await read_one(backend, first, small.id) == small
        assert await read_one(backend, second, small.id) == large
        assert await backend.delete(first, where=Where(ids=[small.id])) == 1
        kept = only(await read_all(backend, second, with_vectors=True))
        assert kept == large
        assert kept.vector is not None
        assert np.array_equal(kept.vector, axis(10, _OTHER_DIMENSION.dimension))

    async def test_every_method_refuses_an_uninitialised_collection(self, lab: Lab) -> None:
        await _is_not_found(lab.backend, lab.name("never-made-"))

    async def test_dropping_a_collection_removes_it_and_nothing_else(self, lab: Lab) -> None:
        dropped, kept = lab.names("", "-kept")
        for name in (dropped, kept):
            await lab.backend.initialize(name, SPEC)
            await lab.backend.upsert(name, [make_entry("one")])
        await lab.backend.drop_collection(dropped)
        await _is_not_found(lab.backend, dropped)
        assert await outcome_of(lab.backend.count(kept)) == 1, "another collection was dropped with it"

    async def test_a_dropped_collection_may_be_made_anew(self, lab: Lab) -> None:
        name = await lab.open()
        await lab.backend.upsert(name, [make_entry("old")])
        await lab.backend.drop_collection(name)
        await lab.backend.initialize(name, _OTHER_DIMENSION)
        assert await lab.backend.count(name) == 0, "a new collection is empty"
        entry = make_entry("new", vector=axis(10, _OTHER_DIMENSION.dimension))
        await lab.backend.upsert(name, [entry])
        assert await read_all(lab.backend, name) == [entry]

    async def test_dropping_an_absent_collection_is_harmless(self, lab: Lab) -> None:
        outcome = await outcome_of(lab.backend.drop_collection(lab.name("absent")))
        assert outcome is None


async def _refuses(backend: VectorStorageBackend, collection: str, spec: CollectionSpec, named: Sequence[str]) -> None:
    entry = make_entry("kept")
    await backend.upsert(collection, [entry])
    with pytest.raises(CollectionMismatchError) as caught:
        await backend.initialize(collection, spec)
    message = str(caught.value)
    assert collection in message
    for name in named:
        assert name in message.replace(collection, ""), "the message names what it was made with and what was asked for"
    await backend.initialize(collection, SPEC)
    assert await backend.get(collection, [entry.id]) == [entry], "a refused initialize changes nothing"


async def _all_apart(lab: Lab, names: Sequence[str]) -> None:
    """Each name is a collection of its own: the same id holds another query in each."""
    written = {name: make_entry("same id", generated_query=f"SELECT {number}") for number, name in enumerate(names)}
    for name, entry in written.items():
        await lab.backend.initialize(name, SPEC)
        assert await lab.backend.count(name) == 0, f"{name!r} is new, yet it has entries"
        await lab.backend.upsert(name, [entry])
    for name, entry in written.items():
        assert await read_all(lab.backend, name) == [entry], f"{name!r} shares its entries with another collection"


async def _is_not_found(backend: VectorStorageBackend, name: str) -> None:
    calls: list[tuple[str, Callable[[], Awaitable[object]]]] = [
        ("upsert", lambda: backend.upsert(name, [make_entry("one")])),
        ("get", lambda: backend.get(name, [make_entry("one").id])),
        ("search", lambda: closest(backend, name)),
        ("scroll", lambda: backend.scroll(name)),
        ("count", lambda: backend.count(name)),
        ("delete", lambda: backend.delete(name, where=Where())),
        ("add_feedback", lambda: backend.add_feedback(name, make_entry("one").id, correct=1)),
    ]
    for method, call in calls:
        outcome = await outcome_of(call())
        assert isinstance(outcome, CollectionNotFoundError), f"{method} on an absent collection gave {outcome!r}"
        assert name in str(outcome), f"the message of {method} names the collection"
