"""Backends that go wrong only after certain calls in a certain order, which the state machine finds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from medha import Where
from medha.memory import MemoryBackend
from medha_conformance.corpus import make_id
from medha_conformance.suite.machine import MachineTopic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medha import CacheEntry, CollectionSpec, Match

pytestmark = pytest.mark.long

STANDARD = "test_any_sequence_of_calls_is_answered_as_the_memory_backend_answers"


class ForgetsFeedbackOnInitialize(MemoryBackend):
    async def initialize(self, collection: str, spec: CollectionSpec) -> None:
        await super().initialize(collection, spec)
        entries = self._collections[collection].entries
        entries |= {key: replace(entry, feedback_correct=0) for key, entry in entries.items()}


class FindsDeletedOnesAgain(MemoryBackend):
    """What a search without conditions found is only forgotten by a write."""

    copy: list[Match] | None = None

    async def upsert(self, collection: str, entries: Sequence[CacheEntry]) -> None:
        self.copy = None
        await super().upsert(collection, entries)

    async def search(self, collection: str, vector: Any, *, where: Where, **options: Any) -> list[Match]:
        if where != Where():
            return await super().search(collection, vector, where=where, **options)
        if self.copy is None:
            self.copy = await super().search(collection, vector, where=where, **options)
        return self.copy


class KeepsTheOldTemplate(MemoryBackend):
    async def upsert(self, collection: str, entries: Sequence[CacheEntry]) -> None:
        before = {entry.id: entry for entry in await self.get(collection, [entry.id for entry in entries])}
        await super().upsert(
            collection,
            [replace(e, template_id=before[e.id].template_id) if e.id in before else e for e in entries],
        )


class CountsTheExpiredOnlyOnce(MemoryBackend):
    async def count(self, collection: str, *, where: Where | None = None) -> int:
        found = await super().count(collection, where=where)
        return min(found, 1) if where is not None and where.expired_at is not None else found


class LosesTheLastOfALargeBatch(MemoryBackend):
    async def upsert(self, collection: str, entries: Sequence[CacheEntry]) -> None:
        await super().upsert(collection, entries[:3])


class MissesOneVectorAfterReplacing(MemoryBackend):
    async def search(self, collection: str, vector: Any, *, limit: int, **options: Any) -> list[Match]:
        found = await super().search(collection, vector, limit=limit, **options)
        hidden = make_id("entry 1")
        return [m for m in found if m.entry.id != hidden or m.entry.feedback_correct == 0]


@pytest.mark.parametrize(
    "broken",
    [
        ForgetsFeedbackOnInitialize,
        FindsDeletedOnesAgain,
        KeepsTheOldTemplate,
        CountsTheExpiredOnlyOnce,
        LosesTheLastOfALargeBatch,
        MissesOneVectorAfterReplacing,
    ],
)
async def test_the_planted_bug_is_caught(broken: type[MemoryBackend], backend_test_fails: Any) -> None:
    await backend_test_fails(STANDARD, broken)


async def test_the_calls_that_led_there_are_shown(passes: Any) -> None:
    with pytest.raises(AssertionError) as caught:
        await passes(STANDARD, LosesTheLastOfALargeBatch)
    notes = "\n".join(caught.value.__notes__)
    assert "state.begin(entries=[" in notes


def test_the_machine_is_the_whole_topic() -> None:
    assert [name for name in vars(MachineTopic) if name.startswith("test")] == [STANDARD]
