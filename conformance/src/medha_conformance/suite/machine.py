"""Topic: whatever is called in whatever order, the backend answers as the memory backend does."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from medha import CacheEntry, Capability, VectorStorageBackend, Where
from medha.memory import MemoryBackend
from medha_conformance.corpus import NOW, SPEC, make_entry, make_id, unit_vectors
from medha_conformance.suite.lab import BackendTopic
from medha_conformance.suite.reading import SIMILARITY_TOLERANCE, closest, read_all

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from medha import Match
    from medha.models import Metadata
    from medha_conformance.suite.lab import Lab

EXAMPLES: Final = 40
EXAMPLES_ON_A_SERVER: Final = 20
STEPS: Final = 20

_LABELS: Final = tuple(f"entry {number}" for number in range(6))
_VECTORS: Final = unit_vectors(6, seed=23)
_METADATA: Final[tuple[Metadata, ...]] = (
    {},
    {"tenant": "acme"},
    {"tenant": "zenith", "year": 2024},
    {"tenant": "acme", "draft": True},
)
_CONDITIONS: Final[tuple[Metadata, ...]] = ({}, {}, {}, {"tenant": "acme"}, {"year": 2024.0}, {"draft": 1})
_EXPIRIES: Final = (None, NOW - 1, NOW, NOW + 1)

_vectors = st.sampled_from(range(len(_VECTORS)))
_minima = st.sampled_from((-1.0, 0.0, 0.3))


def _an_entry(  # noqa: PLR0917 - st.builds gives them by position
    label: str, vector: int, template_id: str | None, metadata: Metadata, expires_at: float | None, query: int
) -> CacheEntry:
    fields = {"template_id": template_id, "metadata": metadata, "expires_at": expires_at}
    return make_entry(label, vector=_VECTORS[vector], generated_query=f"SELECT {query}", **fields)


_entries = st.builds(
    _an_entry,
    st.sampled_from(_LABELS),
    _vectors,
    st.sampled_from((None, "a", "b")),
    st.sampled_from(_METADATA),
    st.sampled_from(_EXPIRIES),
    st.integers(0, 3),
)
_batches = st.integers(1, 5).flatmap(
    # a list of up to five would be one of one or two nearly always
    lambda size: st.lists(_entries, min_size=size, max_size=size, unique_by=lambda entry: entry.id)
)
_ids = st.lists(st.sampled_from(_LABELS).map(make_id), unique=True, max_size=4)


def _wheres(*, metadata: bool) -> st.SearchStrategy[Where]:
    return st.builds(
        Where,
        ids=st.sampled_from((None, None)) | _ids,
        template_id=st.sampled_from((None, None, None, "a", "b")),
        query_hash=st.sampled_from((None, None, None, f"hash-{_LABELS[0]}")),
        expired_at=st.sampled_from((None, None, NOW)),
        metadata=st.sampled_from(_CONDITIONS if metadata else _CONDITIONS[:1]),
    )


class MachineTopic(BackendTopic):
    """Random calls, made of the backend and of the memory backend; the first answer that differs is shown."""

    async def test_any_sequence_of_calls_is_answered_as_the_memory_backend_answers(self, lab: Lab) -> None:
        machine = _machine(lab, asyncio.get_running_loop())
        # hypothesis drives from a thread; every call is made on this loop, where the backend lives
        await asyncio.to_thread(
            run_state_machine_as_test,
            machine,
            settings=hypothesis_settings(
                max_examples=EXAMPLES if self.service is None else EXAMPLES_ON_A_SERVER,
                stateful_step_count=STEPS,
                deadline=None,
                derandomize=True,
                database=None,
                # shrinking twenty calls on a server takes minutes
                phases=(Phase.generate,),
                suppress_health_check=[HealthCheck.too_slow],
            ),
        )


class _Calls(RuleBasedStateMachine):
    """What may be called; a subclass says on what, and waits for the answers."""

    both: _Both
    wheres: st.SearchStrategy[Where]

    def wait(self, call: Coroutine[Any, Any, None]) -> None:
        raise NotImplementedError

    @initialize(entries=_batches)
    def begin(self, entries: list[CacheEntry]) -> None:
        self.wait(self.both.upsert(entries))

    @rule(entries=_batches)
    def upsert(self, entries: list[CacheEntry]) -> None:
        self.wait(self.both.upsert(entries))

    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        self.wait(self.both.delete(data.draw(self.wheres)))

    @rule(wanted=st.sampled_from(_LABELS), correct=st.integers(0, 2), incorrect=st.integers(0, 2))
    def add_feedback(self, wanted: str, correct: int, incorrect: int) -> None:
        self.wait(self.both.add_feedback(make_id(wanted), correct, incorrect))

    @rule(again=st.sampled_from(("initialize", "reconnect")))
    def reopen(self, again: str) -> None:
        self.wait(self.both.initialize_again() if again == "initialize" else self.both.reconnect())

    @rule(data=st.data(), ids=_ids, limit=st.integers(1, 5))
    def look_up(self, data: st.DataObject, ids: list[str], limit: int) -> None:
        where = data.draw(self.wheres)
        self.wait(self.both.get(ids))
        for condition in (where, Where(expired_at=NOW)):
            self.wait(self.both.count(condition))
        self.wait(self.both.scroll(where, limit=limit))

    @rule(data=st.data(), wanted=st.sampled_from(_LABELS), vector=_vectors, limit=st.integers(1, 8), least=_minima)
    def search(self, data: st.DataObject, wanted: str, vector: int, limit: int, least: float) -> None:
        where = data.draw(self.wheres)
        self.wait(self.both.search(vector, limit=limit, least=least, where=where))
        self.wait(self.both.get_and_search(make_id(wanted), vector, limit=limit, where=where))


def _machine(lab: Lab, loop: asyncio.AbstractEventLoop) -> type[RuleBasedStateMachine]:
    # one for all examples: an engine may take longer to make one than to answer a hundred calls
    collection = lab.name("machine")

    class Calls(_Calls):
        wheres = _wheres(metadata=bool(lab.backend.capabilities[Capability.METADATA_FILTER]))

        def __init__(self) -> None:
            super().__init__()
            self.both = _Both(lab.backend, collection)
            self.wait(self.both.begin())

        def wait(self, call: Coroutine[Any, Any, None]) -> None:
            asyncio.run_coroutine_threadsafe(call, loop).result()

    return Calls


class _Both:
    """The backend and its model, each with the same collection, which must always give the same answers."""

    def __init__(self, backend: VectorStorageBackend, collection: str) -> None:
        self._backend = backend
        self._model = MemoryBackend()
        self._collection = collection

    async def begin(self) -> None:
        for side in (self._model, self._backend):
            await side.initialize(self._collection, SPEC)
        await self._backend.delete(self._collection, where=Where())

    async def upsert(self, entries: Sequence[CacheEntry]) -> None:
        for side in (self._model, self._backend):
            await side.upsert(self._collection, entries)
        await self._check_everything()

    async def get(self, ids: Sequence[str]) -> None:
        expected, found = [await side.get(self._collection, ids) for side in (self._model, self._backend)]
        _same_entries(found, expected)

    async def search(self, vector: int, *, limit: int, least: float, where: Where) -> None:
        found = await closest(
            self._backend, self._collection, _VECTORS[vector], limit=limit, min_similarity=least, where=where
        )
        await self._check_matches(found, vector, limit=limit, least=least, where=where)

    async def get_and_search(self, entry_id: str, vector: int, *, limit: int, where: Where) -> None:
        entry, found = await self._backend.get_and_search(
            self._collection, entry_id, _VECTORS[vector], limit=limit, min_similarity=0.0, where=where, now=NOW
        )
        assert ([] if entry is None else [entry]) == await self._model.get(self._collection, [entry_id])
        await self._check_matches(found, vector, limit=limit, least=0.0, where=where)

    async def scroll(self, where: Where | None, *, limit: int) -> None:
        expected, found = [
            await read_all(side, self._collection, where=where, limit=limit, with_vectors=True)
            for side in (self._model, self._backend)
        ]
        _same_entries(found, expected)
        kept = {entry.id: entry.vector for entry in expected}
        for entry in found:
            assert np.array_equal(cast("Any", entry.vector), cast("Any", kept[entry.id])), f"the vector of {entry.id}"

    async def count(self, where: Where) -> None:
        expected, found = [await side.count(self._collection, where=where) for side in (self._model, self._backend)]
        assert found == expected, f"count of {where}"

    async def delete(self, where: Where) -> None:
        expected, found = [await side.delete(self._collection, where=where) for side in (self._model, self._backend)]
        assert found == expected, f"deleted by {where}"
        await self._check_everything()

    async def add_feedback(self, entry_id: str, correct: int, incorrect: int) -> None:
        expected, found = [
            await side.add_feedback(self._collection, entry_id, correct=correct, incorrect=incorrect)
            for side in (self._model, self._backend)
        ]
        assert found == expected, "the counters after feedback"
        await self._check_everything()

    async def initialize_again(self) -> None:
        await self._backend.initialize(self._collection, SPEC)
        await self._check_everything()

    async def reconnect(self) -> None:
        if self._backend.capabilities[Capability.DURABLE]:
            await self._backend.close()
        await self._backend.connect()
        await self._backend.initialize(self._collection, SPEC)
        await self._check_everything()

    async def _check_everything(self) -> None:
        await self.scroll(None, limit=100)
        await self.search(0, limit=100, least=-1.0, where=Where())

    async def _check_matches(
        self, found: Sequence[Match], vector: int, *, limit: int, least: float, where: Where
    ) -> None:
        everything = await closest(self._model, self._collection, _VECTORS[vector], where=where)
        true = {match.entry.id: match for match in everything}
        for match in found:
            assert match.entry.id in true, f"{match.entry.id} is expired, or does not match {where}"
            assert match.entry == true[match.entry.id].entry, "the match is an older version"
            assert abs(match.similarity - true[match.entry.id].similarity) <= SIMILARITY_TOLERANCE
            assert match.similarity >= least
        similarities = [match.similarity for match in found]
        assert similarities == sorted(similarities, reverse=True), "closest first"
        assert len({match.entry.id for match in found}) == len(found) <= limit
        if self._backend.capabilities[Capability.EXACT_SEARCH]:
            # what stands on the edge may be in or out
            best = [match.similarity for match in everything if match.similarity >= least + SIMILARITY_TOLERANCE]
            assert len(found) >= min(limit, len(best)), f"a match is missing: {len(found)} of {len(best)}"
            for mine, theirs in zip(similarities, best[:limit], strict=False):
                assert mine >= theirs - SIMILARITY_TOLERANCE, "a closer entry was left out"


def _same_entries(found: Sequence[CacheEntry], expected: Sequence[CacheEntry]) -> None:
    assert sorted(entry.id for entry in found) == sorted(entry.id for entry in expected)
    by_id = {entry.id: entry for entry in expected}
    for entry in found:
        assert entry == by_id[entry.id]
