"""Topic: a server that stops, stalls, or is cut off in the middle of a call."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import pytest

from medha import Capability, Where
from medha.errors import BackendUnavailableError
from medha_conformance.corpus import make_entries, make_entry
from medha_conformance.proxy import Cut, Proxy
from medha_conformance.suite.calls import every_call
from medha_conformance.suite.lab import BackendTopic, Lab
from medha_conformance.suite.reading import closest, outcome_of, read_one

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator, Sequence

    from medha import CacheEntry, VectorStorageBackend
    from medha_conformance.suite.calls import Call
    from medha_conformance.suite.lab import MakeBackend

ANSWER_WITHIN: float = 20.0
"""Seconds after which a call that was neither answered nor refused hangs."""
GIVE_UP_AFTER: float = 0.2
"""The deadline that is set for calls to a server that has stalled."""
_MOST_EXCHANGES: Final = 12
_WARMING_UP: Final = 64
"""Calls after which a pool has opened its connections and a driver has prepared its statements."""


class FaultTopic(BackendTopic):
    """What goes wrong is said at once and in Medha's words; afterwards everything is right again, and nothing lost."""

    @pytest.fixture
    def faults(self, lab: Lab, proxy: Proxy) -> Iterator[Proxy]:
        """The way to the server, to be broken; it is whole again before the lab is put away."""
        assert lab.backend is not None
        if proxy.connections == 0:
            pytest.fail("the backend connected past the proxy: the settings fixture must use service_url")
        yield proxy
        proxy.mend()

    async def test_connecting_to_a_stopped_server_says_that_it_is_unavailable(
        self, faults: Proxy, make_backend: MakeBackend
    ) -> None:
        backend = make_backend()
        faults.stop()
        outcome = await _within(backend.connect())
        assert isinstance(outcome, BackendUnavailableError), f"connect to a stopped server gave {outcome!r}"
        faults.start()
        assert await _within(backend.connect()) is None, "the server is back, and connect fails"
        assert await _within(backend.close()) is None

    async def test_calls_to_a_stopped_server_say_so_and_work_again_when_it_is_back(
        self, lab: Lab, faults: Proxy
    ) -> None:
        collection, entries = await _stored(lab)
        calls = every_call(lab.backend, collection, entries) | {
            "initialize": lambda: lab.open("while it is down"),
            "drop_collection": lambda: lab.backend.drop_collection(lab.name("never made")),
        }
        faults.stop()
        outcomes = await _all_within(calls)
        faults.start()
        for name, outcome in outcomes.items():
            assert isinstance(outcome, BackendUnavailableError), f"{name} on a stopped server gave {outcome!r}"
        await _healthy(lab.backend, collection, entries)

    async def test_calls_under_way_when_the_server_stops_end_with_a_typed_error(self, lab: Lab, faults: Proxy) -> None:
        collection, entries = await _stored(lab)
        held = faults.hold()
        under_way = asyncio.ensure_future(_all_within(every_call(lab.backend, collection, entries)))
        await asyncio.wait_for(asyncio.wrap_future(held), ANSWER_WITHIN)
        faults.stop()
        faults.release()
        outcomes = await under_way
        faults.start()
        for name, outcome in outcomes.items():
            _typed(outcome, f"{name}, under way when the server stopped,")
        await _healthy(lab.backend, collection, entries)

    async def test_a_connection_that_breaks_mid_call_is_a_typed_error_or_repaired(
        self, lab: Lab, faults: Proxy
    ) -> None:
        collection, entries = await _stored(lab)
        for where in Cut:
            for name, call in every_call(lab.backend, collection, entries).items():
                faults.cut_next(where)
                outcome = await _within(call())
                faults.cut_next(None)
                _typed(outcome, f"{name}, cut at the {where},")
                await _healthy(lab.backend, collection, entries)

    async def test_a_write_that_is_cut_off_is_stored_whole_or_not_at_all(self, lab: Lab, faults: Proxy) -> None:
        collection, entries = await _stored(lab)
        for where in Cut:
            batch = make_entries(40, f"cut {where}", template_id=where)
            faults.cut_next(where)
            outcome = await _within(lab.backend.upsert(collection, batch))
            faults.cut_next(None)
            _typed(outcome, f"upsert, cut at the {where},")
            stored = await _within(lab.backend.count(collection, where=Where(template_id=where)))
            assert stored in ({40} if outcome is None else {0, 40}), (
                f"{stored} of 40 are stored; upsert gave {outcome!r}"
            )
            await _within(lab.backend.delete(collection, where=Where(template_id=where)))
        await _healthy(lab.backend, collection, entries)

    async def test_feedback_whose_answer_is_lost_is_not_counted_twice(self, lab: Lab, faults: Proxy) -> None:
        collection, _ = await _stored(lab)
        for where in Cut:
            entry = make_entry(f"rated {where}")
            await lab.backend.upsert(collection, [entry])
            faults.cut_next(where)
            outcome = await _within(lab.backend.add_feedback(collection, entry.id, correct=1))
            faults.cut_next(None)
            _typed(outcome, f"add_feedback, cut at the {where},")
            counted = (await read_one(lab.backend, collection, entry.id)).feedback_correct
            assert counted in ({1} if isinstance(outcome, tuple) else {0, 1}), (
                f"one feedback was counted {counted} times"
            )

    async def test_calls_to_a_stalled_server_can_be_given_up(self, lab: Lab, faults: Proxy) -> None:
        collection, entries = await _stored(lab)
        calls = every_call(lab.backend, collection, entries)
        held = faults.hold()
        outcomes = await _all_within({name: _given_up(call) for name, call in calls.items()})
        assert held.done(), "no call reached the server"
        faults.release()
        for name, outcome in outcomes.items():
            if not isinstance(outcome, TimeoutError):
                _typed(outcome, f"{name} on a stalled server")
        await _healthy(lab.backend, collection, entries)

    async def test_a_call_cancelled_at_any_exchange_leaves_no_answer_to_the_next(self, lab: Lab, faults: Proxy) -> None:
        collection, entries = await _stored(lab)
        for name, call in every_call(lab.backend, collection, entries).items():
            for nth in range(1, _MOST_EXCHANGES):
                if not await _cancelled_at(faults, call, nth, name):
                    break
                await _healthy(lab.backend, collection, entries)

    async def test_get_and_search_is_one_round_trip_where_it_is_declared(self, lab: Lab, faults: Proxy) -> None:
        support = lab.backend.capabilities[Capability.ONE_ROUND_TRIP]
        if not support:
            pytest.skip(f"the backend declares more than one round trip: {support.reason}")
        collection, entries = await _stored(lab)
        call = every_call(lab.backend, collection, entries)["get_and_search"]
        for _ in range(_WARMING_UP):
            await call()
        made: list[int] = []
        for _ in range(5):
            before = faults.exchanges
            await call()
            made.append(faults.exchanges - before)
        assert made == [1] * 5, f"the server was asked {made} times for five calls"


async def _stored(lab: Lab) -> tuple[str, list[CacheEntry]]:
    collection, entries = await lab.open(), make_entries(12)
    await lab.backend.upsert(collection, entries)
    return collection, entries


async def _within(call: Coroutine[Any, Any, object]) -> object:
    """What the call returns or raises, if it does so in time."""
    task = asyncio.ensure_future(call)
    # not asyncio.timeout: it would wait for a call that ignores being cancelled
    done, _ = await asyncio.wait({task}, timeout=ANSWER_WITHIN)
    if not done:
        task.cancel()
        pytest.fail(f"a call hangs: it neither returned nor raised within {ANSWER_WITHIN} seconds")
    return await outcome_of(task)


async def _all_within(calls: dict[str, Call]) -> dict[str, object]:
    outcomes = await asyncio.gather(*(_within(call()) for call in calls.values()))
    return dict(zip(calls, outcomes, strict=True))


def _typed(outcome: object, what: str) -> None:
    if isinstance(outcome, BaseException):
        assert isinstance(outcome, BackendUnavailableError), f"{what} raised {outcome!r}"


async def _healthy(backend: VectorStorageBackend, collection: str, entries: Sequence[CacheEntry]) -> None:
    """Every answer is the one to its own question."""
    found = await asyncio.gather(*(_within(read_one(backend, collection, entry.id)) for entry in entries))
    assert list(found) == list(entries), "the backend did not recover, or gave the answer to another call"
    assert await _within(backend.count(collection)) == len(entries)
    matches = await _within(closest(backend, collection, entries[0].vector, limit=1, min_similarity=0.9))
    assert isinstance(matches, list), f"a search after the fault gave {matches!r}"
    assert [match.entry for match in matches] == [entries[0]]  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


def _given_up(call: Call) -> Call:
    async def limited() -> object:
        async with asyncio.timeout(GIVE_UP_AFTER):
            return await call()

    return limited


async def _cancelled_at(faults: Proxy, call: Call, nth: int, name: str) -> bool:
    """Cancel the call while it waits for the reply to its nth request; false when it does not make so many."""
    held = asyncio.wrap_future(faults.hold(nth))
    task = asyncio.ensure_future(call())
    await asyncio.wait({task, held}, timeout=ANSWER_WITHIN, return_when=asyncio.FIRST_COMPLETED)
    reached = not task.done()
    task.cancel()
    faults.release()
    held.cancel()
    outcome = await _within(outcome_of(task))
    if isinstance(outcome, Exception):
        pytest.fail(f"{name}, cancelled at its request {nth}, raised {outcome!r}")
    return reached
