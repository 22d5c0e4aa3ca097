"""A small server, a sound backend for it, and others that take its failures wrongly, each caught by a standard test."""

from __future__ import annotations

import asyncio
import contextlib
import copyreg
import pickle
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from medha import FULL, Capability, VectorStorageBackend, impossible
from medha.errors import BackendUnavailableError
from medha.memory import MemoryBackend
from medha_conformance import BackendSuite
from medha_conformance.proxy import Proxy
from medha_conformance.suite import faults
from medha_conformance.suite.faults import FaultTopic
from medha_conformance.suite.lab import Lab

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from medha import CacheEntry, Match

STANDARD = sorted(name for name in vars(FaultTopic) if name.startswith("test"))


def _reduced(mapping: MappingProxyType[str, Any]) -> tuple[type[dict[str, Any]], tuple[dict[str, Any]]]:
    return dict, (dict(mapping),)


# an entry without metadata has an empty one of these
copyreg.pickle(cast("Any", MappingProxyType), _reduced)


async def _read(reader: asyncio.StreamReader) -> Any:
    size = int.from_bytes(await reader.readexactly(4))
    return pickle.loads(await reader.readexactly(size))  # noqa: S301 - from this process


def _write(writer: asyncio.StreamWriter, value: object) -> None:
    message = pickle.dumps(value)
    writer.write(len(message).to_bytes(4) + message)


@pytest_asyncio.fixture
async def address() -> AsyncIterator[str]:
    """A server that keeps a memory backend, and does what it is asked."""
    kept = MemoryBackend()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError), contextlib.closing(writer):
            while True:
                method, arguments, options = await _read(reader)
                result = await getattr(kept, method)(*arguments, **options)
                _write(writer, result)
                await writer.drain()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()
    # connections that were being accepted, and those whose other end is gone
    while others := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(others)
        await asyncio.sleep(0)


def _asked(method: str) -> Any:
    async def ask(self: ServedBackend, *arguments: Any, **options: Any) -> Any:
        return await self.ask(method, *arguments, **options)

    return ask


class ServedBackend(VectorStorageBackend):
    """One connection, made when it is needed, and given up when a call on it did not end well."""

    capabilities = {  # noqa: RUF012 - as every backend has it
        capability: FULL if capability is Capability.ONE_ROUND_TRIP else impossible("it is only for these tests")
        for capability in Capability
    }

    def __init__(self, address: str) -> None:
        self.place = urlsplit(address)
        self.lock = asyncio.Lock()
        self.streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self.connected = False

    async def connect(self) -> None:
        self.connected = True
        async with self.lock:
            await self.opened()

    async def close(self) -> None:
        self.connected = False
        self.give_up()

    async def ask(self, method: str, *arguments: Any, **options: Any) -> Any:
        async with self.lock:
            try:
                reader, writer = await self.opened()
                _write(writer, (method, arguments, options))
                await writer.drain()
                return await _read(reader)
            except (OSError, asyncio.IncompleteReadError) as exc:
                self.give_up()
                raise BackendUnavailableError(f"{method}: the connection broke ({exc}); try again") from exc
            except asyncio.CancelledError:
                self.give_up()
                raise

    async def opened(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if not self.connected:
            raise BackendUnavailableError("the backend is not connected; call connect() first")
        if self.streams is None:
            try:
                self.streams = await asyncio.open_connection(self.place.hostname, self.place.port)
            except OSError as exc:
                raise BackendUnavailableError(f"connecting to {self.place.netloc}: {exc}; start it") from exc
        return self.streams

    def give_up(self) -> None:
        if self.streams is not None:
            self.streams[1].transport.abort()
            self.streams = None

    initialize: Any = _asked("initialize")
    drop_collection: Any = _asked("drop_collection")
    upsert: Any = _asked("upsert")
    get: Any = _asked("get")
    search: Any = _asked("search")
    get_and_search: Any = _asked("get_and_search")
    scroll: Any = _asked("scroll")
    count: Any = _asked("count")
    delete: Any = _asked("delete")
    add_feedback: Any = _asked("add_feedback")


class ConnectsLater(ServedBackend):
    async def connect(self) -> None:
        self.connected = True


class LeaksTheDriversError(ServedBackend):
    async def ask(self, method: str, *arguments: Any, **options: Any) -> Any:
        try:
            return await super().ask(method, *arguments, **options)
        except BackendUnavailableError as exc:
            raise ConnectionResetError("connection reset by peer") from exc


class CallsItAMiss(ServedBackend):
    async def get(self, collection: str, ids: Sequence[str]) -> list[CacheEntry]:
        try:
            return await self.ask("get", collection, ids)
        except BackendUnavailableError:
            return []


class NeverReconnects(ServedBackend):
    gone = False

    def give_up(self) -> None:
        self.gone = self.gone or self.streams is not None
        super().give_up()

    async def opened(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self.gone:
            raise BackendUnavailableError("the connection is closed; restart the program")
        return await super().opened()


class WaitsForEver(ServedBackend):
    async def ask(self, method: str, *arguments: Any, **options: Any) -> Any:
        try:
            return await super().ask(method, *arguments, **options)
        except BackendUnavailableError:
            return await asyncio.Event().wait()


class WritesInTwoRequests(ServedBackend):
    async def upsert(self, collection: str, entries: Sequence[CacheEntry]) -> None:
        half = len(entries) // 2
        await self.ask("upsert", collection, entries[:half])
        await self.ask("upsert", collection, entries[half:])


class TriesAgain(ServedBackend):
    async def ask(self, method: str, *arguments: Any, **options: Any) -> Any:
        try:
            return await super().ask(method, *arguments, **options)
        except BackendUnavailableError:
            return await super().ask(method, *arguments, **options)


class IgnoresBeingGivenUp(ServedBackend):
    async def ask(self, method: str, *arguments: Any, **options: Any) -> Any:
        call = asyncio.ensure_future(super().ask(method, *arguments, **options))
        while not call.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait({call})
        return call.result()


class KeepsTheConnection(ServedBackend):
    """Whose call was cancelled leaves its answer in the line, for the next one."""

    async def ask(self, method: str, *arguments: Any, **options: Any) -> Any:
        async with self.lock:
            reader, writer = await self.opened()
            _write(writer, (method, arguments, options))
            return await _read(reader)


class AsksTwice(ServedBackend):
    async def get_and_search(
        self, collection: str, entry_id: str, *arguments: Any, **options: Any
    ) -> tuple[CacheEntry | None, list[Match]]:
        found = await self.get(collection, [entry_id])
        return found[0] if found else None, await self.search(collection, *arguments, **options)


PLANTED: list[tuple[type[ServedBackend], str]] = [
    (ConnectsLater, "test_connecting_to_a_stopped_server_says_that_it_is_unavailable"),
    (LeaksTheDriversError, "test_calls_to_a_stopped_server_say_so_and_work_again_when_it_is_back"),
    (CallsItAMiss, "test_calls_to_a_stopped_server_say_so_and_work_again_when_it_is_back"),
    (NeverReconnects, "test_calls_to_a_stopped_server_say_so_and_work_again_when_it_is_back"),
    (WaitsForEver, "test_calls_under_way_when_the_server_stops_end_with_a_typed_error"),
    (LeaksTheDriversError, "test_a_connection_that_breaks_mid_call_is_a_typed_error_or_repaired"),
    (NeverReconnects, "test_a_connection_that_breaks_mid_call_is_a_typed_error_or_repaired"),
    (WritesInTwoRequests, "test_a_write_that_is_cut_off_is_stored_whole_or_not_at_all"),
    (TriesAgain, "test_feedback_whose_answer_is_lost_is_not_counted_twice"),
    (IgnoresBeingGivenUp, "test_calls_to_a_stalled_server_can_be_given_up"),
    (KeepsTheConnection, "test_a_call_cancelled_at_any_exchange_leaves_no_answer_to_the_next"),
    (AsksTwice, "test_get_and_search_is_one_round_trip_where_it_is_declared"),
]


@pytest.fixture(autouse=True)
def _short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "ANSWER_WITHIN", 2.0)


async def _run(test: str, kind: type[ServedBackend], address: str) -> None:
    with Proxy(address) as proxy:

        def make() -> ServedBackend:
            return kind(proxy.url)

        lab = Lab(make)
        await lab.backend.connect()
        suite: Any = BackendSuite()
        values: dict[str, object] = {"lab": lab, "faults": proxy, "make_backend": make}
        method = getattr(suite, test)
        names = method.__code__.co_varnames[1 : method.__code__.co_argcount]
        try:
            await method(**{name: values[name] for name in names})
        finally:
            proxy.mend()
            await lab.backend.close()


@pytest.mark.parametrize("test", STANDARD)
async def test_a_sound_backend_passes(test: str, address: str) -> None:
    await _run(test, ServedBackend, address)


@pytest.mark.parametrize(("broken", "test"), PLANTED)
async def test_the_planted_bug_is_caught(broken: type[ServedBackend], test: str, address: str) -> None:
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        await _run(test, broken, address)


def test_every_standard_test_of_the_topic_catches_a_bug() -> None:
    assert sorted({test for _, test in PLANTED}) == STANDARD
