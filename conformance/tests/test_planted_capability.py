"""Backends that declare what is not so, and the standard test that catches it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from medha import FULL, Capability, CollectionSpec, Match, Page, Support, Where, impossible
from medha.errors import UnsupportedError
from medha.memory import MemoryBackend
from medha_conformance.suite.capability import CapabilityTopic

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

_NO_FILTER = {**MemoryBackend.capabilities, Capability.METADATA_FILTER: impossible("it has no fields")}
_KEPT = {**MemoryBackend.capabilities, Capability.DURABLE: FULL, Capability.SHARED: FULL}


class RefusesMetadata(MemoryBackend):
    """Declares that it cannot filter by metadata, and refuses to."""

    capabilities: Mapping[Capability, Support] = _NO_FILTER

    async def search(self, collection: str, vector: Any, *, where: Where, **options: Any) -> list[Match]:
        return await super().search(collection, vector, where=self.checked(where), **options)

    async def scroll(self, collection: str, *, where: Where | None = None, **options: Any) -> Page:
        return await super().scroll(collection, where=where and self.checked(where), **options)

    async def count(self, collection: str, *, where: Where | None = None) -> int:
        return await super().count(collection, where=where and self.checked(where))

    async def delete(self, collection: str, *, where: Where) -> int:
        return await super().delete(collection, where=self.checked(where))

    def checked(self, where: Where) -> Where:
        if where.metadata:
            raise UnsupportedError("this backend cannot filter by metadata")
        return where


class IgnoresMetadata(RefusesMetadata):
    def checked(self, where: Where) -> Where:
        return Where()


class CountsAsIfItFiltered(RefusesMetadata):
    async def count(self, collection: str, *, where: Where | None = None) -> int:
        return 0 if where is not None else await super().count(collection)


class Kept(MemoryBackend):
    """Durable and shared as far as one process can tell: all its backends hold the same collections."""

    capabilities: Mapping[Capability, Support] = _KEPT
    stored: ClassVar[dict[str, Any]] = {}

    def __init__(self) -> None:
        super().__init__()
        self._collections = self.stored

    async def close(self) -> None:
        self._collections = {}

    async def connect(self) -> None:
        self._collections = self.stored


class ForgetsOnClose(MemoryBackend):
    capabilities: Mapping[Capability, Support] = _KEPT


class ForgetsTheModel(Kept):
    async def initialize(self, collection: str, spec: CollectionSpec) -> None:
        if collection not in self._collections:
            await super().initialize(collection, spec)


class SearchesItsOwnWrites(Kept):
    async def search(self, collection: str, vector: Any, **options: Any) -> list[Match]:
        found = await super().search(collection, vector, **options)
        return [match for match in found if match.entry.id in self.written]

    def __init__(self) -> None:
        super().__init__()
        self.written: set[str] = set()

    async def upsert(self, collection: str, entries: Any) -> None:
        await super().upsert(collection, entries)
        self.written |= {entry.id for entry in entries}


class CountsFeedbackForItself(Kept):
    def __init__(self) -> None:
        super().__init__()
        self.seen = 0

    async def add_feedback(
        self, collection: str, entry_id: str, *, correct: int = 0, incorrect: int = 0
    ) -> tuple[int, int] | None:
        self.seen += correct
        present = self._open(collection).entries[entry_id]
        return await super().add_feedback(collection, entry_id, correct=self.seen - present.feedback_correct)


class KeepsTheCountsOfFormerVersions(Kept):
    async def upsert(self, collection: str, entries: Any) -> None:
        former = self._open(collection).entries
        counts = {entry.id: former[entry.id].feedback_correct for entry in entries if entry.id in former}
        await super().upsert(
            collection, [replace(entry, feedback_correct=counts.get(entry.id, 0)) for entry in entries]
        )


class ClosesTheSharedConnection(Kept):
    async def close(self) -> None:
        self.stored.clear()


class DeclaresTooLittle(MemoryBackend):
    capabilities: Mapping[Capability, Support] = {Capability.DURABLE: FULL}


class RefusesWithoutReason(MemoryBackend):
    capabilities: Mapping[Capability, Support] = {
        **MemoryBackend.capabilities,
        Capability.DURABLE: Support(supported=False),
    }


class RefusesWithAnEmptyReason(MemoryBackend):
    capabilities: Mapping[Capability, Support] = {
        **MemoryBackend.capabilities,
        Capability.DURABLE: impossible(" "),
    }


PLANTED: list[tuple[type[MemoryBackend], str]] = [
    (DeclaresTooLittle, "test_every_capability_is_declared"),
    (RefusesWithoutReason, "test_every_refusal_has_a_reason"),
    (RefusesWithAnEmptyReason, "test_every_refusal_has_a_reason"),
    (IgnoresMetadata, "test_metadata_filtering_is_refused_where_it_is_not_supported"),
    (CountsAsIfItFiltered, "test_metadata_filtering_is_refused_where_it_is_not_supported"),
    (ForgetsOnClose, "test_durable_entries_are_there_after_a_restart"),
    (ForgetsOnClose, "test_a_durable_collection_remembers_its_model"),
    (ForgetsTheModel, "test_a_durable_collection_remembers_its_model"),
    (ForgetsOnClose, "test_backends_that_share_see_each_others_writes"),
    (SearchesItsOwnWrites, "test_backends_that_share_see_each_others_writes"),
    (CountsFeedbackForItself, "test_backends_that_share_lose_no_feedback"),
    (KeepsTheCountsOfFormerVersions, "test_backends_that_share_lose_no_feedback"),
    (ClosesTheSharedConnection, "test_closing_one_of_two_backends_leaves_the_other_working"),
]


@pytest.mark.parametrize(
    ("sound", "test"),
    [
        (RefusesMetadata, "test_metadata_filtering_is_refused_where_it_is_not_supported"),
        (Kept, "test_durable_entries_are_there_after_a_restart"),
        (Kept, "test_a_durable_collection_remembers_its_model"),
        (Kept, "test_backends_that_share_see_each_others_writes"),
        (Kept, "test_backends_that_share_lose_no_feedback"),
        (Kept, "test_closing_one_of_two_backends_leaves_the_other_working"),
    ],
)
async def test_a_backend_that_does_what_it_declares_passes(
    sound: type[MemoryBackend], test: str, passes: Callable[[str, Any], Awaitable[None]]
) -> None:
    await passes(test, sound)


@pytest.mark.parametrize(("broken", "test"), PLANTED)
async def test_the_planted_bug_is_caught(broken: type[MemoryBackend], test: str, backend_test_fails: Any) -> None:
    await backend_test_fails(test, broken)


async def test_a_backend_that_declares_other_than_its_plugin_is_caught() -> None:
    promised = {**MemoryBackend.capabilities, Capability.DURABLE: FULL}
    with pytest.raises(AssertionError, match="the descriptor and the backend declare the same"):
        await CapabilityTopic().test_every_capability_is_declared(MemoryBackend(), promised)


def test_every_standard_test_of_the_topic_catches_a_bug() -> None:
    assert {test for _, test in PLANTED} == {name for name in vars(CapabilityTopic) if name.startswith("test")}
