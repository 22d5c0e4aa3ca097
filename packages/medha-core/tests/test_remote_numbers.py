"""Vectors are taken out of an answer whole, in order, and the rest stays; the SDK runs on a loop of its own."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medha.errors import EmbedderUnavailableError, LifecycleError
from medha.loop_thread import LoopThread
from medha.remote import (
    Answer,
    RemoteEmbedder,
    RemoteEmbedderSettings,
    RemoteModel,
    Vendor,
    collected_vectors,
    loads,
    to_vector,
)
from medha.remote.numbers import set_aside

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from medha.errors import EmbedderError

NUMBERS = st.one_of(st.floats(width=32, allow_nan=False, allow_infinity=False), st.integers(-(2**24), 2**24))
VECTORS = st.lists(st.lists(NUMBERS, min_size=1, max_size=5), min_size=1, max_size=5)
OTHERS = st.recursive(
    st.none() | st.booleans() | st.text(max_size=5) | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
).filter(lambda other: "embedding" not in json.dumps(other))


async def taken(body: bytes) -> tuple[bytes, list[list[float]]]:
    with collected_vectors() as vectors:
        rest = await set_aside([body[:7], body[7:]], "embedding")
    return rest, [vector.tolist() for vector in vectors]


@given(vectors=VECTORS, other=OTHERS)
async def test_vectors_come_out_in_order_and_the_rest_stays(vectors: list[list[float]], other: Any) -> None:
    items = [{"index": place, "embedding": vector, "other": other} for place, vector in enumerate(vectors)]
    rest, found = await taken(json.dumps({"data": items, "usage": other}).encode())
    assert found == vectors
    emptied = [{**item, "embedding": []} for item in items]
    assert json.loads(rest) == {"data": emptied, "usage": other}


@given(vectors=VECTORS, other=OTHERS)
async def test_a_list_of_vectors_becomes_a_list_of_empty_ones(vectors: list[list[float]], other: Any) -> None:
    rest, found = await taken(json.dumps({"embedding": vectors, "other": other}).encode())
    assert found == vectors
    assert json.loads(rest) == {"embedding": [[] for _ in vectors], "other": other}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b'{"embedding": [1.5, 2.5]} and more',
        b'{"embedding": null}',
        b'{"embedding": ["1.5"]}',
        b'{"embedding": [true, 1.5]}',
        b'{"embedding": []}',
        b'{"embedding": [[1.5], "two"]}',
        b'{"other": [1.5]}',
        b"[" * 100_000,
    ],
)
async def test_what_holds_no_vectors_goes_to_the_sdk_as_it_came(body: bytes) -> None:
    assert await taken(body) == (body, [])


async def test_a_large_answer_is_read_in_another_thread() -> None:
    at: list[int] = []
    body = json.dumps({"embedding": [0.5] * 20_000}).encode()
    assert (await taken(body))[1] == [[0.5] * 20_000]
    found = await asyncio.to_thread(loads, body, "embedding", lambda value: at.append(threading.get_ident()) or value)
    assert found == {"embedding": [0.5] * 20_000}
    assert at != [threading.get_ident()]


async def test_requests_at_the_same_time_do_not_mix_their_vectors() -> None:
    async def request(number: int) -> list[list[float]]:
        with collected_vectors() as vectors:
            for _ in range(2):
                await asyncio.sleep(0)
                await set_aside([json.dumps({"embedding": [number] * 9_000}).encode()], "embedding")
        return [vector.tolist() for vector in vectors]

    found = await asyncio.gather(*map(request, range(5)))
    assert found == [[[number] * 9_000] * 2 for number in range(5)]


@pytest.mark.parametrize("value", [None, "AAAA", [], ["1.5"], [None], [True], {"0": 1.5}])
def test_what_is_no_list_of_numbers_is_no_vector(value: Any) -> None:
    with pytest.raises(ValueError, match="no list of numbers"):
        to_vector(value)


# ---- where the SDK runs ----


class Acme(RemoteEmbedder):
    """Answers at once, unless it is held."""

    def __init__(self) -> None:
        vendor = Vendor(name="Acme", plugin="acme", key_variables=(), texts=10)
        super().__init__(RemoteEmbedderSettings(model="acme-1"), vendor, RemoteModel(dimension=2))
        self.ran: dict[str, int] = {}
        self.sending = threading.Event()
        self.held = False

    def open(self) -> None:
        self.ran["open"] = threading.get_ident()

    async def shut(self) -> None:
        self.ran["shut"] = threading.get_ident()

    async def send(self, texts: Sequence[str], *, is_document: bool) -> Any:
        self.ran["send"] = threading.get_ident()
        self.sending.set()
        if self.held:
            await asyncio.Event().wait()
        return texts

    def read(self, answer: Any) -> Answer:
        return Answer(vectors=np.ones((len(answer), 2), np.float32), tokens=None)

    def explain(self, fault: Exception) -> EmbedderError:
        raise fault


async def test_the_sdk_runs_on_a_loop_of_its_own_that_ends_with_the_embedder() -> None:
    before = threading.active_count()
    embedder, here = Acme(), threading.get_ident()
    await embedder.connect()
    await embedder.aembed("one")
    await embedder.close()
    assert here not in embedder.ran.values()
    assert embedder.ran["send"] == embedder.ran["shut"]
    assert embedder.ran["send"] not in {thread.ident for thread in threading.enumerate()}
    await asyncio.get_running_loop().shutdown_default_executor()
    assert threading.active_count() <= before


async def test_a_client_of_the_callers_loop_stays_there() -> None:
    embedder = Acme()
    embedder.apart = False
    await embedder.connect()
    await embedder.aembed("one")
    await embedder.close()
    assert {embedder.ran["send"], embedder.ran["shut"]} == {threading.get_ident()}


async def test_closing_ends_a_request_under_way_with_an_error_and_not_a_cancellation() -> None:
    embedder = Acme()
    await embedder.connect()
    embedder.held = True
    call = asyncio.ensure_future(embedder.aembed("one"))
    await asyncio.to_thread(embedder.sending.wait)
    await embedder.close()
    with pytest.raises(EmbedderUnavailableError, match="Acme was closed during a request"):
        await call


# ---- the thread ----


@pytest.fixture
def thread() -> Iterator[LoopThread]:
    thread = LoopThread()
    yield thread
    thread.stop()


async def test_a_caller_that_is_cancelled_cancels_what_runs_in_the_thread(thread: LoopThread) -> None:
    begun, ended = threading.Event(), threading.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.set()
            raise

    call = asyncio.ensure_future(thread.awaited(work))
    await asyncio.to_thread(begun.wait)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await asyncio.to_thread(ended.wait, 10)


async def test_an_error_in_the_thread_is_the_callers(thread: LoopThread) -> None:
    async def work() -> None:
        raise ValueError("there")

    with pytest.raises(ValueError, match="there"):
        await thread.awaited(work)


async def test_nothing_runs_on_a_thread_that_has_stopped() -> None:
    thread = LoopThread()
    thread.stop()
    with pytest.raises(LifecycleError, match="ended"):
        await thread.awaited(lambda: asyncio.sleep(0))
