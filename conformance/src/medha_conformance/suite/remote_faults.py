"""Topic: a vendor that throttles, fails, stalls, is gone, or sends what is no answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import pytest

from medha.errors import EmbedderInputError, EmbedderOutputError, EmbedderTimeoutError, EmbedderUnavailableError
from medha_conformance.connected import connected
from medha_conformance.suite.remote_lab import TEXTS, RemoteTopic, failed, vectors_of
from medha_conformance.vendor import Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from medha import BaseEmbedder
    from medha_conformance.suite.remote_lab import MakeWith
    from medha_conformance.vendor import VendorServer

Rows: TypeAlias = list[list[float]]

_NO_ANSWERS: Final = (b"<html>not the vendor</html>", b'{"data": [', b"[]", b"{}", b'"text"', b"7", b"null")


def _one_less(rows: Rows) -> Rows:
    return rows[:-1]


def _one_more(rows: Rows) -> Rows:
    return [*rows, rows[0]]


def _none(_: Rows) -> Rows:
    return []


class RemoteFaultTopic(RemoteTopic):
    """What can help is tried again, what cannot is said at once, and no wrong answer is taken for one."""

    # ---- what is repeated, and what is not ----

    async def test_a_throttled_request_is_repeated_when_the_vendor_says(
        self, vendor: VendorServer, asked: BaseEmbedder
    ) -> None:
        vendor.fail(429, retry_after="0")
        vendor.fail(429, retry_after="Thu, 01 Jan 1970 00:00:00 GMT")
        before = len(vendor.requests)
        vectors_of(await asked.aembed_batch(TEXTS[:2]), 2, asked)
        assert len(vendor.requests) - before == 3

    async def test_a_failure_of_the_vendor_is_repeated(self, vendor: VendorServer, asked: BaseEmbedder) -> None:
        for status in (500, 503):
            vendor.fail(status)
            vectors_of(await asked.aembed_batch(TEXTS[:2]), 2, asked)

    async def test_a_connection_that_is_cut_is_repeated(self, vendor: VendorServer, asked: BaseEmbedder) -> None:
        vendor.reply(Reply())
        vectors_of(await asked.aembed_batch(TEXTS[:2]), 2, asked)

    async def test_what_stays_down_is_said_after_the_last_attempt(
        self, vendor: VendorServer, make_with: MakeWith
    ) -> None:
        async with connected(make_with(retries=2)) as embedder:
            for _ in range(3):
                vendor.fail(503, retry_after="0")
            fault, requests = await failed(embedder, vendor)
        assert isinstance(fault, EmbedderUnavailableError)
        assert fault.transient
        assert "3 times" in str(fault)
        assert requests == 3

    async def test_a_vendor_that_wants_a_long_wait_is_left_alone(
        self, vendor: VendorServer, make_with: MakeWith
    ) -> None:
        async with connected(make_with(longest_retry_wait=5)) as embedder:
            vendor.fail(429, retry_after="3600")
            fault, requests = await failed(embedder, vendor)
        assert isinstance(fault, EmbedderUnavailableError)
        assert fault.retry_after == 3600
        assert "3600" in str(fault)
        assert requests == 1

    @pytest.mark.parametrize("status", [401, 403])
    async def test_a_refused_key_is_said_at_once(self, vendor: VendorServer, asked: BaseEmbedder, status: int) -> None:
        vendor.fail(status)
        fault, requests = await failed(asked, vendor)
        assert isinstance(fault, EmbedderUnavailableError)
        assert not fault.transient
        assert "_API_KEY" in str(fault)
        assert requests == 1

    async def test_an_unknown_model_is_said_at_once(self, vendor: VendorServer, asked: BaseEmbedder) -> None:
        vendor.fail(404)
        fault, requests = await failed(asked, vendor)
        assert isinstance(fault, EmbedderUnavailableError)
        assert "_MODEL" in str(fault)
        assert requests == 1

    @pytest.mark.parametrize("status", [400, 413, 422])
    async def test_a_refused_text_is_said_at_once(self, vendor: VendorServer, asked: BaseEmbedder, status: int) -> None:
        vendor.fail(status)
        fault, requests = await failed(asked, vendor)
        assert isinstance(fault, EmbedderInputError)
        assert requests == 1

    async def test_a_slow_vendor_is_a_timeout(self, vendor: VendorServer, make_with: MakeWith) -> None:
        async with connected(make_with(timeout=0.05, retries=1)) as embedder:
            vendor.hold()
            fault, _ = await failed(embedder, vendor)
            assert isinstance(fault, EmbedderTimeoutError)
            assert "_TIMEOUT" in str(fault)
            assert "2 times" in str(fault)
            vendor.release()

    async def test_a_vendor_that_is_not_there_is_unavailable(self, vendor: VendorServer, asked: BaseEmbedder) -> None:
        vendor.stop()
        with pytest.raises(EmbedderUnavailableError, match="_BASE_URL"):
            await asked.aembed("How many orders?")

    # ---- what is no answer ----

    @pytest.mark.parametrize("body", _NO_ANSWERS)
    async def test_what_is_no_answer_is_an_error(self, vendor: VendorServer, asked: BaseEmbedder, body: bytes) -> None:
        vendor.reply(Reply(body=body))
        fault, requests = await failed(asked, vendor)
        assert isinstance(fault, EmbedderOutputError)
        assert requests == 1

    @pytest.mark.parametrize("change", [_one_less, _one_more, _none])
    async def test_another_number_of_vectors_is_an_error(
        self, vendor: VendorServer, asked: BaseEmbedder, change: Callable[[Rows], Rows]
    ) -> None:
        vendor.tamper = change
        for count in (3, 12):
            with pytest.raises(EmbedderOutputError):
                await asked.aembed_batch(TEXTS[:count])

    async def test_another_dimension_is_an_error(self, vendor: VendorServer, asked: BaseEmbedder) -> None:
        vendor.tamper = lambda rows: [row[:-1] for row in rows]
        with pytest.raises(EmbedderOutputError):
            await asked.aembed_batch(TEXTS[:3])
        vendor.tamper = lambda rows: [rows[0][:-1], *rows[1:]]
        with pytest.raises(EmbedderOutputError):
            await asked.aembed_batch(TEXTS[:3])
