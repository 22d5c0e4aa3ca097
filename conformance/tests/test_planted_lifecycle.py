"""Backends that break one clause of opening and closing each, and the standard test that catches it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from medha.errors import BackendUnavailableError
from medha.memory import MemoryBackend
from medha_conformance.suite.lifecycle import LifecycleTopic


class ForgetsOnReconnect(MemoryBackend):
    async def connect(self) -> None:
        self._collections.clear()


class ConnectsOnlyAlone(MemoryBackend):
    connecting = False

    async def connect(self) -> None:
        if self.connecting:
            raise BackendUnavailableError("connect was called while it was connecting")
        self.connecting = True
        await asyncio.sleep(0)
        self.connecting = False


class ClosesOnce(MemoryBackend):
    closed = False

    async def connect(self) -> None:
        self.closed = False

    async def close(self) -> None:
        if self.closed:
            raise BackendUnavailableError("it is closed already")
        self.closed = True


class ClosesOnlyWhatWasConnected(MemoryBackend):
    connected = False

    async def connect(self) -> None:
        self.connected = True

    async def close(self) -> None:
        if not self.connected:
            raise BackendUnavailableError("it was never connected")


class NeverReopens(MemoryBackend):
    closed = False

    async def close(self) -> None:
        self.closed = True

    async def upsert(self, collection: str, entries: Any) -> None:
        if not self.closed:
            await super().upsert(collection, entries)


class AnswersAfterClose(MemoryBackend):
    async def close(self) -> None:
        pass


class LeavesATask(MemoryBackend):
    async def connect(self) -> None:
        self.task = asyncio.create_task(asyncio.Event().wait())


PLANTED: list[tuple[type[MemoryBackend], str]] = [
    (ForgetsOnReconnect, "test_connecting_again_keeps_everything"),
    (ConnectsOnlyAlone, "test_connecting_from_many_tasks_at_once_is_harmless"),
    (ClosesOnce, "test_closing_again_is_harmless"),
    (ClosesOnlyWhatWasConnected, "test_closing_what_was_never_connected_is_harmless"),
    (NeverReopens, "test_it_works_again_after_close_and_connect"),
    (AnswersAfterClose, "test_a_call_after_close_raises_a_medha_error"),
    (LeavesATask, "test_closing_leaves_no_task_running"),
]


@pytest.mark.parametrize(("broken", "test"), PLANTED)
async def test_the_planted_bug_is_caught(broken: type[MemoryBackend], test: str, backend_test_fails: Any) -> None:
    await backend_test_fails(test, broken)


def test_every_standard_test_of_the_topic_catches_a_bug() -> None:
    assert {test for _, test in PLANTED} == {name for name in vars(LifecycleTopic) if name.startswith("test")}
