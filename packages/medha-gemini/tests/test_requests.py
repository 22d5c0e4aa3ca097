"""What is asked of the Gemini API, and what is not."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pydantic import ValidationError

from medha.errors import ConfigurationError, EmbedderInputError
from medha_gemini import GeminiEmbedder, GeminiSettings, make_embedder

from .vendor import DOCUMENT, KEY, QUERY

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from medha_conformance.vendor import VendorServer


@asynccontextmanager
async def connected(vendor: VendorServer, **values: Any) -> AsyncGenerator[GeminiEmbedder]:
    chosen: dict[str, Any] = {"api_key": KEY, "base_url": vendor.url} | values
    embedder = make_embedder(GeminiSettings(**chosen))
    await embedder.connect()
    yield embedder
    await embedder.close()
    assert vendor.refusals == []


async def test_a_stored_question_is_a_document_and_an_asked_one_a_query(vendor: VendorServer) -> None:
    async with connected(vendor) as embedder:
        await embedder.aembed("asked")
        await embedder.aembed_batch(["stored", "too"], is_document=True)
    asked, stored = vendor.requests
    assert asked.headers["x-goog-api-key"] == KEY
    assert asked.path == "/v1beta/models/gemini-embedding-001:batchEmbedContents"
    assert asked.body["requests"] == [
        {
            "model": "models/gemini-embedding-001",
            "content": {"parts": [{"text": "asked"}]},
            "taskType": "RETRIEVAL_QUERY",
        }
    ]
    assert [one["taskType"] for one in stored.body["requests"]] == ["RETRIEVAL_DOCUMENT"] * 2


async def test_the_second_generation_is_told_its_task_in_words_and_gets_one_content_per_text(
    vendor: VendorServer,
) -> None:
    async with connected(vendor, model="gemini-embedding-2") as embedder:
        assert np.shape(await embedder.aembed_batch(["asked", "too"])) == (2, 3072)
        await embedder.aembed_batch(["stored"], is_document=True)
    asked, stored = vendor.requests
    assert [one["content"]["parts"] for one in asked.body["requests"]] == [
        [{"text": f"{QUERY}asked"}],
        [{"text": f"{QUERY}too"}],
    ]
    assert stored.body["requests"][0]["content"]["parts"] == [{"text": f"{DOCUMENT}stored"}]
    assert not any("taskType" in one for request in vendor.requests for one in request.body["requests"])


async def test_the_same_task_on_both_sides_makes_it_symmetric(vendor: VendorServer) -> None:
    tasks = {"query_task": "SEMANTIC_SIMILARITY", "document_task": "SEMANTIC_SIMILARITY"}
    async with connected(vendor, **tasks) as embedder:
        assert not embedder.asymmetric
        assert embedder.model_name.endswith("SEMANTIC_SIMILARITY SEMANTIC_SIMILARITY")
        asked = await embedder.aembed_batch(["the same"])
        np.testing.assert_array_equal(asked, await embedder.aembed_batch(["the same"], is_document=True))


@pytest.mark.parametrize(("dimension", "sent"), [(768, 768), (3072, None), (None, None)])
async def test_a_dimension_is_asked_for_where_it_is_not_the_models_own(
    vendor: VendorServer, dimension: int | None, sent: int | None
) -> None:
    async with connected(vendor, dimension=dimension) as embedder:
        assert np.shape(await embedder.aembed("How many albums?")) == (dimension or 3072,)
        assert embedder.model_name == "gemini/gemini-embedding-001" + (f" {sent}" if sent else "")
    assert vendor.requests[0].body["requests"][0].get("outputDimensionality") == sent


def test_settings_that_cannot_be_meant_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="128 to 3071 where asked, not of 64"):
        make_embedder(GeminiSettings(dimension=64))
    with pytest.raises(ValidationError, match="RETRIEVAL_QUERY"):
        GeminiSettings.model_validate({"query_task": "SEARCH"})


async def test_a_text_that_google_would_cut_without_a_word_is_refused_here(vendor: VendorServer) -> None:
    async with connected(vendor) as embedder:
        with pytest.raises(EmbedderInputError, match=r"text 1 has 2,049 bytes.*MEDHA_GEMINI_OVER_LONG=truncate"):
            await embedder.aembed_batch(["short", "x" * 2049])
        assert vendor.requests == []
        await embedder.aembed("x" * 2048)
    async with connected(vendor, over_long="truncate") as embedder:
        await embedder.aembed("x" * 2049)
    assert [len(text) for text, _ in vendor.embedded] == [2048, 2049]


async def test_no_request_has_more_than_100_texts(vendor: VendorServer) -> None:
    async with connected(vendor, dimension=128) as embedder:
        assert np.shape(await embedder.aembed_batch([f"question {n}" for n in range(250)])) == (250, 128)
    assert sorted(len(request.body["requests"]) for request in vendor.requests) == [50, 100, 100]


async def test_googles_own_variables_hold_the_key_for_google_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GEMINI_API_KEY", raising=False)
    monkeypatch.setenv("GOOGLE_API_KEY", "the-key-of-google")
    assert GeminiEmbedder(GeminiSettings()).key() == "the-key-of-google"
    with pytest.raises(ConfigurationError, match=r"set MEDHA_GEMINI_API_KEY$"):
        await GeminiEmbedder(GeminiSettings(base_url="http://127.0.0.1:9")).connect()
