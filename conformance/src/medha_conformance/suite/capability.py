"""Topic: what the backend declares that it can do, it does; what it declares that it cannot, it refuses."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np
import pytest

from medha import BackendPlugin, Capability, Where
from medha.errors import CollectionMismatchError, UnsupportedError
from medha.plugins import installed_plugins
from medha_conformance.corpus import NOW, SPEC, make_entries, make_entry
from medha_conformance.suite.lab import BackendTopic
from medha_conformance.suite.loading import AuthorSettings, settings_for
from medha_conformance.suite.reading import closest, outcome_of, read_all, read_one

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medha import CollectionSpec, Support, VectorStorageBackend
    from medha_conformance.suite.lab import Lab


class CapabilityTopic(BackendTopic):
    """Capabilities are data: each is declared, each "no" has its reason, each "yes" is put to the test."""

    @pytest.fixture
    def offered(self, settings: AuthorSettings) -> Mapping[Capability, Support]:
        """What the plugin's descriptor declares of these settings, before anything is connected."""
        plugin = installed_plugins().find(BackendPlugin, self.backend_name)
        return plugin.declared_with(settings_for(plugin, settings))

    async def test_every_capability_is_declared(
        self, backend: VectorStorageBackend, offered: Mapping[Capability, Support]
    ) -> None:
        assert set(backend.capabilities) == set(Capability), "the backend declares each capability, and no other"
        assert dict(offered) == dict(backend.capabilities), "the descriptor and the backend declare the same"

    async def test_every_refusal_has_a_reason(self, backend: VectorStorageBackend) -> None:
        for capability, support in backend.capabilities.items():
            if support:
                assert support.reason == "", f"{capability}: only a refusal has a reason"
            else:
                _, colon, why = support.reason.partition(": ")
                assert colon, f"{capability}: say impossible(why) or not_yet(why)"
                assert why.strip(), f"{capability}: the reason is empty"

    async def test_metadata_filtering_is_refused_where_it_is_not_supported(
        self, backend: VectorStorageBackend, collection: str
    ) -> None:
        if backend.capabilities[Capability.METADATA_FILTER]:
            pytest.skip("the backend filters by metadata; the topic `where` tests how")
        await backend.upsert(collection, [make_entry("one", metadata={"tenant": "acme"})])
        where = Where(metadata={"tenant": "zenith"})
        for call in (
            lambda: closest(backend, collection, where=where),
            lambda: backend.scroll(collection, where=where),
            lambda: backend.count(collection, where=where),
            lambda: backend.delete(collection, where=where),
        ):
            outcome = await outcome_of(call())
            assert isinstance(outcome, UnsupportedError), f"a condition that cannot be applied gave {outcome!r}"
        assert await backend.count(collection) == 1

    async def test_durable_entries_are_there_after_a_restart(self, lab: Lab) -> None:
        _needs(lab.backend, Capability.DURABLE)
        name = await lab.open()
        entries = make_entries(50, expires_at=NOW + 5.123456, template_id="t", metadata={"flag": True, "share": 10.0})
        await lab.backend.upsert(name, entries)
        await lab.backend.add_feedback(name, entries[0].id, correct=2)
        await lab.backend.delete(name, where=Where(ids=[entries[1].id]))
        written = {entry.id: entry for entry in await read_all(lab.backend, name, with_vectors=True)}
        await lab.backend.close()
        reopened = await lab.another()
        await reopened.initialize(name, SPEC)
        read = {entry.id: entry for entry in await read_all(reopened, name, with_vectors=True)}
        assert read == written
        assert len(read) == 49
        for entry_id, entry in read.items():
            before = written[entry_id].vector
            assert entry.vector is not None
            assert before is not None
            assert np.array_equal(entry.vector, before)
            assert [type(value) for value in entry.metadata.values()] == [bool, float]
        assert len(await closest(reopened, name)) == 49

    async def test_a_durable_collection_remembers_its_model(self, lab: Lab) -> None:
        _needs(lab.backend, Capability.DURABLE)
        name = await lab.open()
        await lab.backend.close()
        reopened = await lab.another()
        with pytest.raises(CollectionMismatchError):
            await reopened.initialize(name, _other_model(SPEC))
        await reopened.initialize(name, SPEC)

    async def test_backends_that_share_see_each_others_writes(self, lab: Lab) -> None:
        _needs(lab.backend, Capability.SHARED)
        one, name = lab.backend, await lab.open()
        two = await lab.another()
        await two.initialize(name, SPEC)
        first, second = make_entry("first"), make_entry("second")
        await one.upsert(name, [first])
        assert await read_one(two, name, first.id) == first
        await two.upsert(name, [second])
        for backend in (one, two):
            assert {match.entry.id for match in await closest(backend, name)} == {first.id, second.id}
            assert await backend.count(name) == 2
        assert await two.delete(name, where=Where(ids=[first.id])) == 1
        assert await read_all(one, name) == [second]
        assert [match.entry for match in await closest(one, name)] == [second], "a search still finds what is gone"

    async def test_backends_that_share_lose_no_feedback(self, lab: Lab) -> None:
        _needs(lab.backend, Capability.SHARED)
        name, entry = await lab.open(), make_entry("popular")
        two = await lab.another()
        await two.initialize(name, SPEC)
        await lab.backend.upsert(name, [entry])
        await asyncio.gather(
            *(backend.add_feedback(name, entry.id, correct=1) for backend in (lab.backend, two) for _ in range(50))
        )
        for backend in (lab.backend, two):
            assert (await read_one(backend, name, entry.id)).feedback_correct == 100
        await two.upsert(name, [entry])
        assert await lab.backend.add_feedback(name, entry.id, incorrect=1) == (0, 1), "storing again sets the counters"
        assert await two.count(name) == 1

    async def test_closing_one_of_two_backends_leaves_the_other_working(self, lab: Lab) -> None:
        _needs(lab.backend, Capability.SHARED)
        name = await lab.open()
        await lab.backend.upsert(name, [make_entry("one")])
        other = await lab.another()
        await other.close()
        outcome = await outcome_of(lab.backend.count(name))
        assert outcome == 1, "close reached further than what this backend had opened"


def _needs(backend: VectorStorageBackend, capability: Capability) -> None:
    support = backend.capabilities[capability]
    if not support:
        pytest.skip(f"the backend declares that it is not {capability}: {support.reason}")


def _other_model(spec: CollectionSpec) -> CollectionSpec:
    return type(spec)(dimension=spec.dimension, model_name=f"not {spec.model_name}")
