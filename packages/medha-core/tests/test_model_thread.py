"""The thread of a model: loaded once, used in turn, let go of; and what becomes of a load that fails or is late."""

from __future__ import annotations

import asyncio
import threading

import pytest

from medha.errors import LifecycleError
from medha.model_thread import ModelThread


class Abacus:
    """Loads lists of one number, noting in which thread; waits and fails when it is told to."""

    def __init__(self) -> None:
        self.threads: list[str] = []
        self.failures: list[Exception] = []
        self.started, self.may_go_on = threading.Event(), threading.Event()
        self.may_go_on.set()
        self.thread = ModelThread("the abacus", name="medha-abacus", load=self._load)

    def _load(self) -> list[int]:
        self.threads.append(threading.current_thread().name)
        self.wait()
        if self.failures:
            raise self.failures.pop()
        return [len(self.threads)]

    def wait(self, _: object = None) -> str:
        self.started.set()
        assert self.may_go_on.wait(timeout=30)
        return threading.current_thread().name


def beginning(_: object, batch: list[str], first: int) -> str:
    return f"{''.join(batch)} at {first}"


@pytest.fixture
def abacus() -> Abacus:
    return Abacus()


async def refuses(thread: ModelThread[list[int]]) -> None:
    said = r"the abacus works between connect\(\) and close\(\); connect it first"
    with pytest.raises(LifecycleError, match=said):
        _ = thread.model
    with pytest.raises(LifecycleError, match=said):
        await thread.run(len)
    with pytest.raises(LifecycleError, match=said):
        await thread.run_in_batches(["a"], 1, beginning)


async def test_many_who_connect_share_one_load_in_the_one_thread_of_that_name(abacus: Abacus) -> None:
    models = await asyncio.gather(*(abacus.thread.connect() for _ in range(8)))
    assert all(model is abacus.thread.model for model in models)
    (name,) = {await abacus.thread.run(abacus.wait), *abacus.threads}
    assert name.startswith("medha-abacus")
    await abacus.thread.close()


async def test_it_works_between_connect_and_close_and_may_be_connected_again(abacus: Abacus) -> None:
    for expected in (1, 2):
        await refuses(abacus.thread)
        await abacus.thread.connect()
        assert await abacus.thread.run(sum) == expected
        await abacus.thread.close()
        await abacus.thread.close()
    await refuses(abacus.thread)


async def test_a_load_that_failed_is_tried_again(abacus: Abacus) -> None:
    abacus.failures.append(ValueError("no beads"))
    outcomes = await asyncio.gather(abacus.thread.connect(), abacus.thread.connect(), return_exceptions=True)
    assert [str(outcome) for outcome in outcomes] == ["no beads", "no beads"]
    assert await abacus.thread.connect() == [2]
    await abacus.thread.close()


async def test_a_load_goes_on_when_its_caller_stops_waiting(abacus: Abacus) -> None:
    abacus.may_go_on.clear()
    impatient = asyncio.create_task(abacus.thread.connect())
    await asyncio.to_thread(abacus.started.wait)
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    await refuses(abacus.thread)
    abacus.may_go_on.set()
    assert await abacus.thread.connect() == [1]
    await abacus.thread.close()


async def test_what_was_handed_in_before_close_is_done(abacus: Abacus) -> None:
    await abacus.thread.connect()
    abacus.may_go_on.clear()
    under_way, waiting = (asyncio.create_task(abacus.thread.run(work)) for work in (abacus.wait, len))
    await asyncio.sleep(0)
    closing = asyncio.create_task(abacus.thread.close())
    await asyncio.sleep(0)
    abacus.may_go_on.set()
    assert [await under_way, await waiting] == [abacus.threads[0], 1]
    await closing


async def test_batches_keep_their_order_and_know_where_they_begin(abacus: Abacus) -> None:
    await abacus.thread.connect()
    assert await abacus.thread.run_in_batches("abcdefg", 3, beginning) == ["abc at 0", "def at 3", "g at 6"]
    assert await abacus.thread.run_in_batches("", 3, beginning) == []
    await abacus.thread.close()


async def test_others_have_their_turn_between_batches(abacus: Abacus) -> None:
    await abacus.thread.connect()
    turns: list[str] = []
    bulk = asyncio.create_task(abacus.thread.run_in_batches("abcdef", 1, lambda _, batch, __: turns.extend(batch)))
    await asyncio.sleep(0)
    await abacus.thread.run(lambda _: turns.append("other"))
    await bulk
    assert "other" in turns[:-1]
    await abacus.thread.close()
