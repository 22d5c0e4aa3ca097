"""Backends that break one clause of feedback each, and the standard test that catches it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from medha.memory import MemoryBackend
from medha_conformance.corpus import make_entry
from medha_conformance.suite.feedback import FeedbackTopic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medha import CacheEntry


class Counts(MemoryBackend):
    """Adds feedback in another way than in one step."""

    async def counted(self, collection: str, entry: CacheEntry, correct: int, incorrect: int) -> CacheEntry:
        raise NotImplementedError

    async def add_feedback(
        self, collection: str, entry_id: str, *, correct: int = 0, incorrect: int = 0
    ) -> tuple[int, int] | None:
        found = await self.get(collection, [entry_id])
        if not found:
            return None
        vector = self._open(collection).matrix.vector(entry_id)
        changed = await self.counted(collection, replace(found[0], vector=vector), correct, incorrect)
        await self.upsert(collection, [changed])
        return changed.feedback_correct, changed.feedback_incorrect


def _added(entry: CacheEntry, correct: int, incorrect: int) -> CacheEntry:
    return replace(
        entry,
        feedback_correct=entry.feedback_correct + correct,
        feedback_incorrect=entry.feedback_incorrect + incorrect,
    )


class ReadsThenWrites(Counts):
    async def counted(self, collection: str, entry: CacheEntry, correct: int, incorrect: int) -> CacheEntry:
        await asyncio.sleep(0)
        return _added(entry, correct, incorrect)


class SetsInsteadOfAdding(Counts):
    async def counted(self, collection: str, entry: CacheEntry, correct: int, incorrect: int) -> CacheEntry:
        return replace(entry, feedback_correct=correct, feedback_incorrect=incorrect)


class LosesTheExpiry(Counts):
    async def counted(self, collection: str, entry: CacheEntry, correct: int, incorrect: int) -> CacheEntry:
        return replace(_added(entry, correct, incorrect), expires_at=None)


class RatesTheQuestion(MemoryBackend):
    async def add_feedback(
        self, collection: str, entry_id: str, *, correct: int = 0, incorrect: int = 0
    ) -> tuple[int, int] | None:
        entries = self._open(collection).entries
        counters = None
        for entry in list(entries.values()):
            if entry.question == entries[entry_id].question:
                counters = await super().add_feedback(collection, entry.id, correct=correct, incorrect=incorrect)
        return counters


class MakesWhatIsAbsent(MemoryBackend):
    async def add_feedback(
        self, collection: str, entry_id: str, *, correct: int = 0, incorrect: int = 0
    ) -> tuple[int, int] | None:
        if not await self.get(collection, [entry_id]):
            await self.upsert(collection, [replace(make_entry("made"), id=entry_id)])
        return await super().add_feedback(collection, entry_id, correct=correct, incorrect=incorrect)


class ZeroForTheAbsent(MemoryBackend):
    async def add_feedback(
        self, collection: str, entry_id: str, *, correct: int = 0, incorrect: int = 0
    ) -> tuple[int, int] | None:
        return await super().add_feedback(collection, entry_id, correct=correct, incorrect=incorrect) or (0, 0)


class KeepsTheCounters(MemoryBackend):
    async def upsert(self, collection: str, entries: Sequence[CacheEntry]) -> None:
        old = self._open(collection).entries
        kept = [
            replace(e, feedback_correct=max(e.feedback_correct, old[e.id].feedback_correct)) if e.id in old else e
            for e in entries
        ]
        await super().upsert(collection, kept)


PLANTED: list[tuple[type[MemoryBackend], str]] = [
    (SetsInsteadOfAdding, "test_feedback_adds_up_and_is_returned"),
    (MakesWhatIsAbsent, "test_feedback_on_an_absent_entry_is_none"),
    (ZeroForTheAbsent, "test_feedback_on_an_absent_entry_is_none"),
    (LosesTheExpiry, "test_feedback_changes_no_other_field"),
    (RatesTheQuestion, "test_feedback_counts_for_one_entry_only"),
    (ReadsThenWrites, "test_100_tasks_lose_no_feedback"),
    (ReadsThenWrites, "test_feedback_never_undoes_an_upsert"),
    (ReadsThenWrites, "test_feedback_never_brings_a_deleted_entry_back"),
    (KeepsTheCounters, "test_storing_an_entry_again_sets_its_counters"),
]


@pytest.mark.parametrize(("broken", "test"), PLANTED)
async def test_the_planted_bug_is_caught(broken: type[MemoryBackend], test: str, backend_test_fails: Any) -> None:
    await backend_test_fails(test, broken)


def test_every_standard_test_of_the_topic_catches_a_bug() -> None:
    assert {test for _, test in PLANTED} == {name for name in vars(FeedbackTopic) if name.startswith("test")}
