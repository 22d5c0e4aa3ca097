"""The suite for an embedder that asks a vendor, on a server that answers like the vendor and fails on demand."""

from __future__ import annotations

import asyncio
import logging
import traceback
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
import pytest

from medha import BaseEmbedder, EmbedderPlugin, Medha, MedhaSync, Settings
from medha.errors import EmbedderError, EmbedderUnavailableError, LifecycleError
from medha.plugins import env_prefix, installed_plugins
from medha_conformance.connected import connected
from medha_conformance.suite.embedder import EmbedderTests
from medha_conformance.suite.remote_faults import RemoteFaultTopic
from medha_conformance.suite.remote_lab import TEXTS, MakeWith, RemoteTopic, failed, vectors_of
from medha_conformance.suite.standard import StandardSuite

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from medha_conformance.vendor import VendorServer

_KEY: Final = "k3y-marker-5d0a"
_QUESTION: Final = "Whose salary is 4711 marker?"


class RemoteUseTopic(RemoteTopic):
    """How much is asked at a time, what is known beforehand, what is counted, and what is never seen."""

    # ---- how much is asked at a time ----

    async def test_many_texts_go_in_requests_of_the_size_that_is_set(
        self, vendor: VendorServer, make_with: MakeWith
    ) -> None:
        async with connected(make_with()) as embedder:
            whole = vectors_of(await embedder.aembed_batch(TEXTS), len(TEXTS), embedder)
            assert len(vendor.requests) == 1, "they fit into one request"
        async with connected(make_with(texts_per_request=5)) as embedder:
            in_parts = vectors_of(await embedder.aembed_batch(TEXTS), len(TEXTS), embedder)
        assert len(vendor.requests) == 1 + 3
        np.testing.assert_allclose(in_parts, whole, atol=1e-5)

    async def test_a_compressed_answer_is_read_as_one_that_is_not(
        self, vendor: VendorServer, make_with: MakeWith
    ) -> None:
        async with connected(make_with(retries=0)) as embedder:
            plain = vectors_of(await embedder.aembed_batch(TEXTS), len(TEXTS), embedder)
            vendor.compress = True
            packed = vectors_of(await embedder.aembed_batch(TEXTS), len(TEXTS), embedder)
            np.testing.assert_array_equal(packed, plain)
            vendor.fail(400, "the reason of the vendor")
            with pytest.raises(EmbedderError, match="the reason of the vendor"):
                await embedder.aembed("How many orders?")

    async def test_no_more_requests_than_set_are_under_way(self, vendor: VendorServer, make_with: MakeWith) -> None:
        async with connected(make_with(texts_per_request=1, concurrency=3, timeout=30)) as embedder:
            vendor.hold()
            calls = [asyncio.ensure_future(embedder.aembed_batch(TEXTS[:6])) for _ in range(2)]
            assert await asyncio.to_thread(vendor.wait_for_requests, 3)
            vendor.release()
            await asyncio.gather(*calls)
        assert vendor.most_at_once == 3

    async def test_a_cancelled_request_gives_up_its_turn(self, vendor: VendorServer, make_with: MakeWith) -> None:
        async with connected(make_with(concurrency=1, timeout=30)) as embedder:
            vendor.hold()
            call = asyncio.ensure_future(embedder.aembed("How many orders?"))
            assert await asyncio.to_thread(vendor.wait_for_requests, 1)
            call.cancel()
            vendor.release()
            await asyncio.gather(call, return_exceptions=True)
            vectors_of(await embedder.aembed_batch(TEXTS[:1]), 1, embedder)

    async def test_one_failed_request_fails_the_whole_batch(self, vendor: VendorServer, make_with: MakeWith) -> None:
        async with connected(make_with(texts_per_request=4, retries=0)) as embedder:
            vendor.fail(500)
            with pytest.raises(EmbedderUnavailableError):
                await embedder.aembed_batch(TEXTS)
            vectors_of(await embedder.aembed_batch(TEXTS), len(TEXTS), embedder)

    # ---- what is known, counted and never seen ----

    async def test_a_known_model_is_not_asked_for_its_dimension(
        self, vendor: VendorServer, make_with: MakeWith
    ) -> None:
        async with connected(make_with()) as embedder:
            assert embedder.dimension > 0
        assert vendor.requests == []

    async def test_an_unknown_model_is_asked_once_for_its_dimension(
        self, vendor: VendorServer, make_with: MakeWith
    ) -> None:
        async with connected(make_with(model="a-model-of-tomorrow")) as embedder:
            assert embedder.dimension > 0
            assert "a-model-of-tomorrow" in embedder.model_name
            assert len(vendor.requests) == 1
            vectors_of(await embedder.aembed_batch(TEXTS[:2]), 2, embedder)

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
        vectors_of([await embedder.aembed(TEXTS[0])], 1, embedder)
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
        async with connected(make_with(cost_per_million_tokens=2.5)) as embedder:
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
            async with connected(embedder):
                for status in (400, 401, 500):
                    vendor.fail(status, f"Incorrect API key provided: {_KEY}")
                    fault, _ = await failed(embedder, vendor)
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
            async with connected(make_with(retries=0)) as embedder:
                for status in (400, 422, 500):
                    vendor.fail(status, f"cannot embed {_QUESTION!r}")
                    with pytest.raises(EmbedderError) as raised:
                        await embedder.aembed(_QUESTION)
                    assert _QUESTION not in f"{raised.value} {raised.value!r}"
        assert _QUESTION not in caplog.text

    async def test_closing_leaves_no_connection_open(self, vendor: VendorServer, make_with: MakeWith) -> None:
        embedder = make_with()
        await embedder.connect()
        await asyncio.gather(*(embedder.aembed(text) for text in TEXTS))
        await embedder.close()
        assert await asyncio.to_thread(vendor.wait_until_closed)
        with pytest.raises(LifecycleError):
            await embedder.aembed(TEXTS[0])

    async def test_it_works_by_name_and_without_an_event_loop_of_its_own(
        self, vendor: VendorServer, settings: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        prefix = env_prefix(installed_plugins().find(EmbedderPlugin, self.embedder_name).settings)
        for name, value in settings.items():
            monkeypatch.setenv(prefix + name.upper(), str(value))

        def use() -> None:
            with MedhaSync("sync", self.embedder_name) as cache:
                cache.store(TEXTS[0], "SELECT 1")
                assert cache.search(TEXTS[0]).generated_query == "SELECT 1"
                assert not cache.search("What is something else entirely?")

        await asyncio.to_thread(use)
        assert len(vendor.requests) >= 2
        assert await asyncio.to_thread(vendor.wait_until_closed)


class RemoteEmbedderSuite(RemoteFaultTopic, RemoteUseTopic, EmbedderTests, StandardSuite):
    """``EmbedderSuite``, and the clauses of an embedder that asks a vendor, made with ``medha.remote``.

    A subclass sets ``embedder_name``, yields the vendor from a ``vendor`` fixture, and returns the values of its
    settings, with the vendor's address and ``over_long="truncate"``, from a ``settings`` fixture.
    """

    plugin_name: ClassVar[str] = "embedder_name"


def _inside(error: BaseException) -> str:
    """The error and its causes, as a debugger shows them."""
    parts: list[str] = []
    seen: BaseException | None = error
    while seen is not None:
        parts.append(f"{seen!r} {seen.args!r}")
        seen = seen.__cause__ or seen.__context__
    return "".join(parts)
