"""Topic: opening and closing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from medha.errors import MedhaError
from medha_conformance.corpus import make_entry
from medha_conformance.suite.lab import BackendTopic
from medha_conformance.suite.reading import closest, outcome_of, read_one

if TYPE_CHECKING:
    from medha import VectorStorageBackend
    from medha_conformance.suite.lab import Lab, MakeBackend


class LifecycleTopic(BackendTopic):
    """``connect`` and ``close`` may be called at any time, in any order, as often as one likes."""

    async def test_connecting_again_keeps_everything(self, backend: VectorStorageBackend, collection: str) -> None:
        entry = make_entry("kept")
        await backend.upsert(collection, [entry])
        await backend.connect()
        assert await outcome_of(backend.get(collection, [entry.id])) == [entry], "a second connect lost what was stored"

    async def test_connecting_from_many_tasks_at_once_is_harmless(self, lab: Lab) -> None:
        await lab.backend.close()
        outcomes = await asyncio.gather(*(lab.backend.connect() for _ in range(20)), return_exceptions=True)
        assert [outcome for outcome in outcomes if outcome is not None] == [], "every connect succeeds"
        name = await lab.open()
        await lab.backend.upsert(name, [make_entry("one")])
        assert await lab.backend.count(name) == 1

    async def test_closing_again_is_harmless(self, lab: Lab) -> None:
        outcomes = await asyncio.gather(lab.backend.close(), lab.backend.close(), return_exceptions=True)
        assert outcomes == [None, None], "closing twice at once"
        await _must_not_raise(lab.backend, "closing once more")

    async def test_closing_what_was_never_connected_is_harmless(self, make_backend: MakeBackend) -> None:
        await _must_not_raise(make_backend(), "closing before connect")

    async def test_it_works_again_after_close_and_connect(self, lab: Lab) -> None:
        backend = lab.backend
        for round_number in range(3):
            await backend.close()
            await backend.connect()
            name = await lab.open()
            entry = make_entry(f"round-{round_number}")
            await backend.upsert(name, [entry])
            assert await read_one(backend, name, entry.id) == entry
            assert [match.entry for match in await closest(backend, name)] == [entry]

    async def test_a_call_after_close_raises_a_medha_error(self, lab: Lab) -> None:
        name = await lab.open()
        await lab.backend.close()
        with pytest.raises(MedhaError):
            await lab.backend.count(name)
        with pytest.raises(MedhaError):
            await lab.backend.upsert(name, [make_entry("late")])
        with pytest.raises(MedhaError):
            await closest(lab.backend, name)

    async def test_closing_leaves_no_task_running(self, lab: Lab) -> None:
        await lab.backend.close()
        before = asyncio.all_tasks()
        await lab.backend.connect()
        await lab.backend.upsert(await lab.open(), [make_entry("one")])
        await lab.backend.close()
        for _ in range(10):
            await asyncio.sleep(0)
        assert asyncio.all_tasks() - before == set(), "close ends every task that the backend started"


async def _must_not_raise(backend: VectorStorageBackend, what: str) -> None:
    outcome = await outcome_of(backend.close())
    assert outcome is None, f"{what} is harmless"
