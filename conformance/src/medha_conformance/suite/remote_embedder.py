"""The suite for an embedder that asks a vendor, on a server that answers like the vendor and fails on demand."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeAlias

import numpy as np
import pytest
import pytest_asyncio

from medha import BaseEmbedder, EmbedderPlugin, Medha, MedhaSync, Settings
from medha.errors import (
    EmbedderError,
    EmbedderInputError,
    EmbedderOutputError,
    EmbedderTimeoutError,
    EmbedderUnavailableError,
    LifecycleError,
)
from medha.plugins import env_prefix, installed_plugins
from medha_conformance.suite.embedder import EmbedderTests
from medha_conformance.suite.loading import make_from
from medha_conformance.suite.standard import StandardSuite
from medha_conformance.vendor import Reply, VendorServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from medha.models import Vectors

MakeWith: TypeAlias = Callable[..., BaseEmbedder]
Rows: TypeAlias = list[list[float]]

_TEXTS: Final = tuple(f"How many orders were there in {year}?" for year in range(2000, 2012))
_KEY: Final = "k3y-marker-5d0a"
_QUESTION: Final = "Whose salary is 4711 marker?"
_NO_ANSWERS: Final = (b"<html>not the vendor</html>", b'{"data": [', b"[]", b"{}", b'"text"', b"7", b"null")


def _one_less(rows: Rows) -> Rows:
    return rows[:-1]


def _one_more(rows: Rows) -> Rows:
    return [*rows, rows[0]]


def _none(_: Rows) -> Rows:
    return []


class RemoteEmbedderTests:
    """What a vendor's embedder promises beyond ``EmbedderTests``."""

    embedder_name: ClassVar[str]

    @pytest.fixture
    def vendor(self) -> Iterator[VendorServer]:
        """The vendor on this machine, running; an author's class yields its own."""
        raise NotImplementedError("the author's class yields a running VendorServer from its fixture vendor")

    @pytest.fixture
    def make_with(self, vendor: VendorServer, settings: Mapping[str, Any]) -> Iterator[MakeWith]:
        """Makes an embedder of the author's settings, some of them changed; waits between attempts are nothing."""
        plugin = installed_plugins().find(EmbedderPlugin, self.embedder_name)

        def make(**changed: Any) -> BaseEmbedder:
            return make_from(plugin, {"retry_wait": 0.001, **settings, **changed})

        yield make
        assert vendor.refusals == [], "the vendor's documentation does not allow a request that was sent"

    @pytest_asyncio.fixture(loop_scope="function")
    async def asked(self, make_with: MakeWith) -> AsyncIterator[BaseEmbedder]:
        """The embedder, connected, whose waits are nothing."""
        embedder = make_with()
        await embedder.connect()
        yield embedder
        await embedder.close()

    # ---- what is repeated, and what is not ----

    async def test_a_throttled_request_is_repeated_when_the_vendor_says(
        self, vendor: VendorServer, asked: BaseEmbedder
    ) -> None:
        vendor.fail(429, retry_after="0")
        vendor.fail(429, retry_after="Thu, 01 Jan 1970 00:00:00 GMT")
        before = len(vendor.requests)
        _vectors(await asked.aembed_batch(_TEXTS[:2]), 2, asked)
        assert len(vendor.requests) - before == 3

    async def test_a_failure_of_the_vendor_is_repeated(self, vendor: VendorServer, asked: BaseEmbedder) -> None:
        for status in (500, 503):
            vendor.fail(status)
            _vectors(await asked.aembed_batch(_TEXTS[:2]), 2, asked)

    async def test_a_connection_that_is_cut_is_repeated(self, vendor: VendorServer, asked: BaseEmbedder) -> None:
        vendor.reply(Reply())
        _vectors(await asked.aembed_batch(_TEXTS[:2]), 2, asked)

    async def test_what_stays_down_is_said_after_the_last_attempt(
        self, vendor: VendorServer, make_with: MakeWith
    ) -> None:
        async with _connected(make_with(retries=2)) as embedder:
            for _ in range(3):
                vendor.fail(503, retry_after="0")
            fault, requests = await _failed(embedder, vendor)
        assert isinstance(fault, EmbedderUnavailableError)
        assert fault.transient
        assert "3 times" in str(fault)
        assert requests == 3

    async def test_a_vendor_that_wants_a_long_wait_is_left_alone(
        self, vendor: VendorServer, make_with: MakeWith
    ) -> None:
        async with _connected(make_with(longest_retry_wait=5)) as embedder:
            vendor.fail(429, retry_after="3600")
            fault, requests = await _failed(embedder, vendor)
        assert isinstance(fault, EmbedderUnavailableError)
        assert fault.retry_after == 3600
        assert "3600" in str(fault)
        assert requests == 1

    @pytest.mark.parametrize("status", [401, 403])
    async def test_a_refused_key_is_said_at_once(self, vendor: VendorServer, asked: BaseEmbedder, status: int) -> None:
        vendor.fail(status)
        fault, requests = await _failed(asked, vendor)
        assert isinstance(fault, EmbedderUnavailableError)
        assert not fault.transient
        assert "_API_KEY" in str(fault)
        assert requests == 1

    async def test_an_unknown_model_is_said_at_once(self, vendor: VendorServer, asked: BaseEmbedder) -> None:
        vendor.fail(404)
        fault, requests = await _failed(asked, vendor)
        assert isinstance(fault, EmbedderUnavailableError)
        assert "_MODEL" in str(fault)
        assert requests == 1

    @pytest.mark.parametrize("status", [400, 413, 422])
    async def test_a_refused_text_is_said_at_once(self, vendor: VendorServer, asked: BaseEmbedder, status: int) -> None:
        vendor.fail(status)
        fault, requests = await _failed(asked, vendor)
        assert isinstance(fault, EmbedderInputError)
        assert requests == 1

    async def test_a_slow_vendor_is_a_timeout(self, vendor: VendorServer, make_with: MakeWith) -> None:
        async with _connected(make_with(timeout=0.05, retries=1)) as embedder:
            vendor.hold()
            fault, _ = await _failed(embedder, vendor)
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
        fault, requests = await _failed(asked, vendor)
        assert isinstance(fault, EmbedderOutputError)
        assert requests == 1

    @pytest.mark.parametrize("change", [_one_less, _one_more, _none])
    async def test_another_number_of_vectors_is_an_error(
        self, vendor: VendorServer, asked: BaseEmbedder, change: Callable[[Rows], Rows]
    ) -> None:
        vendor.tamper = change
        for count in (3, 12):
            with pytest.raises(EmbedderOutputError):
                await asked.aembed_batch(_TEXTS[:count])

    async def test_another_dimension_is_an_error(self, vendor: VendorServer, asked: BaseEmbedder) -> None:
        vendor.tamper = lambda rows: [row[:-1] for row in rows]
        with pytest.raises(EmbedderOutputError):
            await asked.aembed_batch(_TEXTS[:3])
        vendor.tamper = lambda rows: [rows[0][:-1], *rows[1:]]
        with pytest.raises(EmbedderOutputError):
            await asked.aembed_batch(_TEXTS[:3])

    # ---- how much is asked at a time ----

    async def test_many_texts_go_in_requests_of_the_size_that_is_set(
        self, vendor: VendorServer, make_with: MakeWith
    ) -> None:
        async with _connected(make_with()) as embedder:
            whole = _vectors(await embedder.aembed_batch(_TEXTS), len(_TEXTS), embedder)
            assert len(vendor.requests) == 1, "they fit into one request"
        async with _connected(make_with(texts_per_request=5)) as embedder:
            in_parts = _vectors(await embedder.aembed_batch(_TEXTS), len(_TEXTS), embedder)
        assert len(vendor.requests) == 1 + 3
        np.testing.assert_allclose(in_parts, whole, atol=1e-5)

    async def test_no_more_requests_than_set_are_under_way(self, vendor: VendorServer, make_with: MakeWith) -> None:
        async with _connected(make_with(texts_per_request=1, concurrency=3, timeout=30)) as embedder:
            vendor.hold()
            calls = [asyncio.ensure_future(embedder.aembed_batch(_TEXTS[:6])) for _ in range(2)]
            assert await asyncio.to_thread(vendor.wait_for_requests, 3)
            vendor.release()
            await asyncio.gather(*calls)
        assert vendor.most_at_once == 3

    async def test_a_cancelled_request_gives_up_its_turn(self, vendor: VendorServer, make_with: MakeWith) -> None:
        async with _connected(make_with(concurrency=1, timeout=30)) as embedder:
            vendor.hold()
            call = asyncio.ensure_future(embedder.aembed("How many orders?"))
            assert await asyncio.to_thread(vendor.wait_for_requests, 1)
            call.cancel()
            vendor.release()
            await asyncio.gather(call, return_exceptions=True)
            _vectors(await embedder.aembed_batch(_TEXTS[:1]), 1, embedder)

    async def test_one_failed_request_fails_the_whole_batch(self, vendor: VendorServer, make_with: MakeWith) -> None:
        async with _connected(make_with(texts_per_request=4, retries=0)) as embedder:
            vendor.fail(500)
            with pytest.raises(EmbedderUnavailableError):
                await embedder.aembed_batch(_TEXTS)
            _vectors(await embedder.aembed_batch(_TEXTS), len(_TEXTS), embedder)

    # ---- what is known, counted and never seen ----

    async def test_a_known_model_is_not_asked_for_its_dimension(
        self, vendor: VendorServer, make_with: MakeWith
    ) -> None:
        async with _connected(make_with()) as embedder:
            assert embedder.dimension > 0
        assert vendor.requests == []

    async def test_an_unknown_model_is_asked_once_for_its_dimension(
        self, vendor: VendorServer, make_with: MakeWith
    ) -> None:
        async with _connected(make_with(model="a-model-of-tomorrow")) as embedder:
            assert embedder.dimension > 0
            assert "a-model-of-tomorrow" in embedder.model_name
            assert len(vendor.requests) == 1
            _vectors(await embedder.aembed_batch(_TEXTS[:2]), 2, embedder)

    async def test_an_unknown_model_that_cannot_be_asked_does_not_connect(
        self, vendor: VendorServer, make_with: MakeWith
    ) -> None:
        embedder = make_with(model="a-model-of-tomorrow", retries=0)
        vendor.fail(500)
        with pytest.raises(EmbedderUnavailableError):
            await embedder.connect()
        with pytest.raises(LifecycleError):
            await embedder.aembed("How many orders?")
        assert await asyncio.to_thread(vendor.wait_until_closed)
        await embedder.connect()
        _vectors([await embedder.aembed(_TEXTS[0])], 1, embedder)
        await embedder.close()

    async def test_every_text_is_sent_on_its_side(
        self, vendor: VendorServer, asked: BaseEmbedder, tmp_path: Path
    ) -> None:
        file = tmp_path / "warmed.jsonl"
        file.write_text('{"question": "warmed", "query": "SELECT 3"}\n', encoding="utf-8")
        async with Medha("sides", asked, settings=Settings(l1_cache_max_size=0, embedding_cache_size=0)) as cache:
            await cache.store("stored alone", "SELECT 1")
            await cache.store_many([{"question": f"stored with others {n}", "query": "SELECT 2"} for n in range(3)])
            await cache.warm_from_file(file)
            await cache.get_or_generate("generated for a miss", lambda _: "SELECT 4", filters={"tenant": "a"})
            await cache.search("asked alone")
            await cache.search_batch(["asked with others 1", "asked with others 2"])
            await cache.explain("explained")
        sides = vendor.embedded
        stored = {side for text, side in sides if text.startswith(("stored", "warmed"))}
        questions = {side for text, side in sides if text.startswith(("asked", "explained"))}
        generated = [side for text, side in sides if text.startswith("generated")]
        documents, queries = (True, False) if asked.asymmetric else (None, None)
        assert (stored, questions, generated) == ({documents}, {queries}, [queries, documents])

    async def test_tokens_and_cost_are_in_the_statistics(self, vendor: VendorServer, make_with: MakeWith) -> None:
        async with _connected(make_with(cost_per_million_tokens=2.5)) as embedder:
            await embedder.aembed("spent before, and not the cache's")
            before = vendor.tokens
            async with Medha("costs", embedder) as cache:
                await cache.store("How many orders were there in May?", "SELECT 1")
                await cache.search("What is something else entirely?")
                usage = cache.stats().embedding
                assert usage is not None
                assert (usage.requests, usage.texts, usage.tokens) == (2, 2, vendor.tokens - before)
                assert usage.cost_per_million_tokens == 2.5
                assert usage.cost == pytest.approx((vendor.tokens - before) * 2.5e-6)
                cache.reset_stats()
                usage = cache.stats().embedding
                assert usage is not None
                assert (usage.requests, usage.tokens) == (0, 0)

    async def test_the_key_is_seen_nowhere(
        self, vendor: VendorServer, make_with: MakeWith, caplog: pytest.LogCaptureFixture
    ) -> None:
        embedder = make_with(api_key=_KEY, retries=0)
        with caplog.at_level(logging.DEBUG):
            async with _connected(embedder):
                for status in (400, 401, 500):
                    vendor.fail(status, f"Incorrect API key provided: {_KEY}")
                    fault, _ = await _failed(embedder, vendor)
                    shown = "".join(traceback.format_exception(fault)) + _inside(fault)
                    assert _KEY not in shown, f"the error of status {status} shows the key"
                    assert _KEY not in f"{embedder!r} {embedder} {vars(embedder)}"
        # the text alone: a comparison would bring the key into the report
        assert _KEY not in caplog.text, "the log shows the key"
        assert any(_KEY in value for request in vendor.requests for value in request.headers.values())

    async def test_no_question_is_seen_in_an_error_nor_in_a_log_above_debug(
        self, vendor: VendorServer, make_with: MakeWith, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.INFO):
            async with _connected(make_with(retries=0)) as embedder:
                for status in (400, 422, 500):
                    vendor.fail(status, f"cannot embed {_QUESTION!r}")
                    with pytest.raises(EmbedderError) as raised:
                        await embedder.aembed(_QUESTION)
                    assert _QUESTION not in f"{raised.value} {raised.value!r}"
        assert _QUESTION not in caplog.text

    async def test_closing_leaves_no_connection_open(self, vendor: VendorServer, make_with: MakeWith) -> None:
        embedder = make_with()
        await embedder.connect()
        await asyncio.gather(*(embedder.aembed(text) for text in _TEXTS))
        await embedder.close()
        assert await asyncio.to_thread(vendor.wait_until_closed)
        with pytest.raises(LifecycleError):
            await embedder.aembed(_TEXTS[0])

    async def test_it_works_by_name_and_without_an_event_loop_of_its_own(
        self, vendor: VendorServer, settings: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        prefix = env_prefix(installed_plugins().find(EmbedderPlugin, self.embedder_name).settings)
        for name, value in settings.items():
            monkeypatch.setenv(prefix + name.upper(), str(value))

        def use() -> None:
            with MedhaSync("sync", self.embedder_name) as cache:
                cache.store(_TEXTS[0], "SELECT 1")
                assert cache.search(_TEXTS[0]).generated_query == "SELECT 1"
                assert not cache.search("What is something else entirely?")

        await asyncio.to_thread(use)
        assert len(vendor.requests) >= 2
        assert await asyncio.to_thread(vendor.wait_until_closed)


class RemoteEmbedderSuite(RemoteEmbedderTests, EmbedderTests, StandardSuite):
    """``EmbedderSuite``, and the clauses of an embedder that asks a vendor, made with ``medha.remote``.

    A subclass sets ``embedder_name``, yields the vendor from a ``vendor`` fixture, and returns the values of its
    settings, with the vendor's address and ``over_long="truncate"``, from a ``settings`` fixture.
    """

    plugin_name: ClassVar[str] = "embedder_name"


class _connected:  # noqa: N801 - reads as a function
    """The embedder between connect and close."""

    def __init__(self, embedder: BaseEmbedder) -> None:
        self._embedder = embedder

    async def __aenter__(self) -> BaseEmbedder:
        await self._embedder.connect()
        return self._embedder

    async def __aexit__(self, *_: object) -> None:
        await self._embedder.close()


async def _failed(embedder: BaseEmbedder, vendor: VendorServer) -> tuple[EmbedderError, int]:
    """The error of embedding two texts, and how many requests were made."""
    before = len(vendor.requests)
    with pytest.raises(EmbedderError) as raised:
        await embedder.aembed_batch(_TEXTS[:2])
    return raised.value, len(vendor.requests) - before


def _vectors(found: Any, count: int, embedder: BaseEmbedder) -> Vectors:
    vectors = np.asarray(found, dtype=np.float32)
    assert vectors.shape == (count, embedder.dimension)
    return vectors


def _inside(error: BaseException) -> str:
    """The error and its causes, as a debugger shows them."""
    parts: list[str] = []
    seen: BaseException | None = error
    while seen is not None:
        parts.append(f"{seen!r} {seen.args!r}")
        seen = seen.__cause__ or seen.__context__
    return "".join(parts)
