"""The thread of a model: loaded once, used in turn, let go of; and what becomes of a load that fails or is late."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from medha.errors import LifecycleError
from medha.model_thread import ModelThread

if TYPE_CHECKING:
    from collections.abc import Iterator


class Loader:
    """Loads lists of numbers; notes in which thread, and can be told to wait or to fail."""

    def __init__(self) -> None:
        self.threads: list[str] = []
        self.failures: list[Exception] = []
        self.started, self.may_end = threading.Event(), threading.Event()
        self.may_end.set()

    def __call__(self) -> list[int]:
        self.threads.append(threading.current_thread().name)
        self.started.set()
        self.may_end.wait(timeout=30)
        if self.failures:
            raise self.failures.pop()
        return [len(self.threads)]


@pytest.fixture
def loader() -> Iterator[Loader]:
    made = Loader()
    yield made
    made.may_end.set()


@pytest.fixture
def thread(loader: Loader) -> ModelThread[list[int]]:
    return ModelThread("the abacus", name="medha-abacus", load=loader)


def name_of_thread(_: object) -> str:
    return threading.current_thread().name


def beginning(_: object, batch: list[str], first: int) -> str:
    return f"{''.join(batch)} at {first}"


async def test_the_model_is_loaded_and_used_in_one_thread_that_bears_the_name(
    thread: ModelThread[list[int]], loader: Loader
) -> None:
    model = await thread.connect()
    names = {await thread.run(name_of_thread) for _ in range(5)} | set(loader.threads)
    assert model == [1]
    assert thread.model is model
    assert len(names) == 1
    assert names.pop().startswith("medha-abacus")
    await thread.close()


async def test_many_who_connect_at_once_share_one_load(thread: ModelThread[list[int]], loader: Loader) -> None:
    models = await asyncio.gather(*(thread.connect() for _ in range(8)), thread.connect())
    assert all(model is models[0] for model in models)
    assert len(loader.threads) == 1
    await thread.close()


async def test_before_connect_and_after_close_the_error_says_who_must_be_connected(
    thread: ModelThread[list[int]],
) -> None:
    async def refuses() -> None:
        said = r"the abacus works between connect\(\) and close\(\); connect it first"
        with pytest.raises(LifecycleError, match=said):
            _ = thread.model
        with pytest.raises(LifecycleError, match=said):
            await thread.run(len)
        with pytest.raises(LifecycleError, match=said):
            await thread.run_in_batches(["a"], 1, beginning)

    await refuses()
    await thread.connect()
    await thread.close()
    await thread.close()
    await refuses()


async def test_connected_again_it_loads_again(thread: ModelThread[list[int]]) -> None:
    first = await thread.connect()
    await thread.close()
    assert await thread.connect() is not first
    assert await thread.run(sum) == 2
    await thread.close()


async def test_a_load_that_failed_is_tried_again(thread: ModelThread[list[int]], loader: Loader) -> None:
    loader.failures.append(ValueError("no beads"))
    outcomes = await asyncio.gather(thread.connect(), thread.connect(), return_exceptions=True)
    assert [str(outcome) for outcome in outcomes] == ["no beads", "no beads"]
    assert await thread.connect() == [2]
    await thread.close()


async def test_a_load_goes_on_when_its_caller_stops_waiting(thread: ModelThread[list[int]], loader: Loader) -> None:
    loader.may_end.clear()
    impatient = asyncio.create_task(thread.connect())
    await asyncio.to_thread(loader.started.wait)
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    with pytest.raises(LifecycleError):
        _ = thread.model
    loader.may_end.set()
    assert await thread.connect() == [1]
    await thread.close()


async def test_what_was_handed_in_before_close_is_done(thread: ModelThread[list[int]]) -> None:
    await thread.connect()
    begun, go_on = threading.Event(), threading.Event()

    def work(_: object) -> str:
        begun.set()
        go_on.wait(timeout=30)
        return "done"

    under_way, waiting = (asyncio.create_task(thread.run(each)) for each in (work, len))
    await asyncio.to_thread(begun.wait)
    closing = asyncio.create_task(thread.close())
    await asyncio.sleep(0)
    go_on.set()
    assert (await under_way, await waiting) == ("done", 1)
    await closing


async def test_batches_keep_their_order_and_know_where_they_begin(thread: ModelThread[list[int]]) -> None:
    await thread.connect()
    assert await thread.run_in_batches("abcdefg", 3, beginning) == ["abc at 0", "def at 3", "g at 6"]
    assert await thread.run_in_batches("", 3, beginning) == []
    await thread.close()


async def test_others_have_their_turn_between_batches(thread: ModelThread[list[int]]) -> None:
    await thread.connect()
    turns: list[str] = []
    first_batch = asyncio.Event()
    loop = asyncio.get_running_loop()

    def note(_: object, batch: list[str], __: int) -> None:
        turns.extend(batch)
        loop.call_soon_threadsafe(first_batch.set)

    async def other() -> None:
        await first_batch.wait()
        await thread.run(lambda _: turns.append("other"))

    await asyncio.gather(other(), thread.run_in_batches(["a", "b", "c", "d", "e", "f"], 1, note))
    assert turns.index("other") < turns.index("f")
    await thread.close()
