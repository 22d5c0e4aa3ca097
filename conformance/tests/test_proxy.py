"""The proxy forwards, fails as it is told, and counts what is asked."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Self

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medha_conformance.exchanges import Exchanges
from medha_conformance.proxy import Cut, Proxy, UnproxiedError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while line := await reader.readline():
            writer.write(line)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


@asynccontextmanager
async def _echoing() -> AsyncGenerator[Proxy]:
    server = await asyncio.start_server(_echo, "127.0.0.1", 0)
    try:
        with Proxy(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0") as proxy:
            yield proxy
    finally:
        server.close()


class _Client:
    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy

    async def __aenter__(self) -> Self:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.proxy.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.transport.abort()

    async def ask(self, line: bytes) -> bytes:
        async with asyncio.timeout(10):
            self.writer.write(line)
            return await self.reader.readline()


async def _ask_in_vain(client: _Client) -> bytes:
    try:
        return await client.ask(b"hello\n")
    except ConnectionError:
        return b""


async def test_it_forwards_and_counts_exchanges() -> None:
    async with _echoing() as proxy, _Client(proxy) as client:
        assert proxy.url == f"redis://127.0.0.1:{proxy.port}/0"
        for number in range(3):
            assert await client.ask(b"hello\n") == b"hello\n"
            assert proxy.exchanges == number + 1
        assert proxy.connections == 1


async def test_what_is_sent_at_once_is_one_exchange() -> None:
    async with _echoing() as proxy, _Client(proxy) as client:
        await client.ask(b"a\nb\nc\n")
        assert proxy.exchanges == 1


async def test_a_stopped_server_breaks_its_connections_and_refuses_new_ones_until_it_is_back() -> None:
    async with _echoing() as proxy:
        async with _Client(proxy) as client:
            await client.ask(b"hello\n")
            proxy.stop()
            assert await _ask_in_vain(client) == b""
        for _ in range(2):
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", proxy.port)
        proxy.start()
        async with _Client(proxy) as client:
            assert await client.ask(b"again\n") == b"again\n"


@pytest.mark.parametrize(("where", "received"), [(Cut.REQUEST, b""), (Cut.REPLY, b""), (Cut.MIDWAY, b"hel")])
async def test_one_connection_is_cut_where_it_is_told(where: Cut, received: bytes) -> None:
    async with _echoing() as proxy, _Client(proxy) as client, _Client(proxy) as other:
        proxy.cut_next(where)
        client.writer.write(b"hello\n")
        try:
            async with asyncio.timeout(10):
                answer = await client.reader.read(100)
        except ConnectionResetError:
            answer = b""
        assert received.startswith(answer)
        assert await other.ask(b"hello\n") == b"hello\n"


async def test_replies_are_held_from_the_nth_request_on_until_they_are_released() -> None:
    async with _echoing() as proxy, _Client(proxy) as client:
        held = proxy.hold(2)
        assert await client.ask(b"first\n") == b"first\n"
        assert not held.done()
        second = asyncio.create_task(client.ask(b"second\n"))
        await asyncio.wrap_future(held)
        assert not second.done()
        proxy.release()
        assert await second == b"second\n"


async def test_a_server_that_is_not_there_breaks_the_connection() -> None:
    with Proxy("redis://127.0.0.1:1/0") as proxy:
        async with _Client(proxy) as client:
            assert await _ask_in_vain(client) == b""


def test_an_encrypted_server_is_refused() -> None:
    with pytest.raises(UnproxiedError, match="https"):
        Proxy("https://example.test")


def _frame(kind: int, length: int) -> bytes:
    return length.to_bytes(3) + bytes([kind]) + bytes(5) + b"\x01" * length


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 300))), st.data())
def test_http2_requests_are_counted_however_the_bytes_are_cut(
    frames: list[tuple[int, int]], data: st.DataObject
) -> None:
    sent = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"".join(_frame(*frame) for frame in frames)
    exchanges, count = Exchanges(), 0
    while sent:
        size = data.draw(st.integers(1, len(sent)))
        count += exchanges.asked(sent[:size])
        exchanges.answered()
        sent = sent[size:]
    assert count == sum(kind == 1 for kind, _ in frames)
