"""What is asked of Cohere, and what is not."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from medha.errors import ConfigurationError, EmbedderInputError
from medha_cohere import CohereEmbedder, CohereSettings, make_embedder

from .vendor import KEY

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from medha_conformance.vendor import VendorServer


@asynccontextmanager
async def connected(vendor: VendorServer, **values: Any) -> AsyncGenerator[CohereEmbedder]:
    chosen: dict[str, Any] = {"api_key": KEY, "base_url": vendor.url} | values
    embedder = make_embedder(CohereSettings(**chosen))
    await embedder.connect()
    yield embedder
    await embedder.close()


async def test_a_stored_question_is_a_document_and_an_asked_one_a_query(vendor: VendorServer) -> None:
    async with connected(vendor) as embedder:
        await embedder.aembed("asked")
        await embedder.aembed_batch(["stored"], is_document=True)
    asked, stored = vendor.requests
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.body == {
        "model": "embed-v4.0",
        "input_type": "search_query",
        "texts": ["asked"],
        "embedding_types": ["float"],
        "truncate": "NONE",
    }
    assert stored.body["input_type"] == "search_document"


async def test_both_sides_are_queries_where_that_was_chosen(vendor: VendorServer) -> None:
    async with connected(vendor, asymmetric=False) as embedder:
        assert not embedder.asymmetric
        assert embedder.model_name == "cohere/embed-v4.0 search_query"
        asked = await embedder.aembed_batch(["the same"])
        np.testing.assert_array_equal(asked, await embedder.aembed_batch(["the same"], is_document=True))
    assert {request.body["input_type"] for request in vendor.requests} == {"search_query"}


@pytest.mark.parametrize(("dimension", "sent"), [(256, 256), (1536, None), (None, None)])
async def test_a_dimension_is_asked_for_where_it_is_not_the_models_own(
    vendor: VendorServer, dimension: int | None, sent: int | None
) -> None:
    async with connected(vendor, dimension=dimension) as embedder:
        assert np.shape(await embedder.aembed("How many albums?")) == (dimension or 1536,)
        assert embedder.model_name == "cohere/embed-v4.0" + (f" {sent}" if sent else "")
    assert vendor.requests[0].body.get("output_dimension") == sent


def test_a_dimension_that_the_model_cannot_make_is_refused_before_anything_is_asked() -> None:
    with pytest.raises(ConfigurationError, match="256, 512, 1024 where asked, not of 300"):
        make_embedder(CohereSettings(dimension=300))
    with pytest.raises(ConfigurationError, match="not of 256"):
        make_embedder(CohereSettings(model="embed-english-v3.0", dimension=256))


async def test_a_text_that_is_too_long_is_cut_by_cohere_only_when_that_was_chosen(vendor: VendorServer) -> None:
    text = "word " * 600
    async with connected(vendor, model="embed-english-v3.0") as embedder:
        with pytest.raises(EmbedderInputError, match="MEDHA_COHERE_OVER_LONG=truncate"):
            await embedder.aembed(text)
    async with connected(vendor, model="embed-english-v3.0", over_long="truncate") as embedder:
        assert np.shape(await embedder.aembed(text)) == (1024,)
    assert [request.body["truncate"] for request in vendor.requests] == ["NONE", "END"]
    assert {request.body["texts"][0] for request in vendor.requests} == {text}


async def test_no_request_has_more_than_96_texts(vendor: VendorServer) -> None:
    async with connected(vendor, texts_per_request=500) as embedder:
        assert np.shape(await embedder.aembed_batch([f"question {n}" for n in range(200)])) == (200, 1536)
    assert sorted(len(request.body["texts"]) for request in vendor.requests) == [8, 96, 96]


async def test_a_price_that_is_not_stated_is_not_made_up(vendor: VendorServer) -> None:
    async with connected(vendor, model="embed-english-v3.0") as embedder:
        await embedder.aembed("three words here")
        assert (embedder.usage.tokens, embedder.usage.cost_per_million_tokens, embedder.usage.cost) == (3, None, None)


async def test_coheres_own_variable_holds_the_key_for_cohere_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CO_API_KEY", "the-key-of-cohere")
    assert CohereEmbedder(CohereSettings()).key() == "the-key-of-cohere"
    with pytest.raises(ConfigurationError, match=r"set MEDHA_COHERE_API_KEY$"):
        await CohereEmbedder(CohereSettings(base_url="http://127.0.0.1:9")).connect()
