"""What is asked of OpenAI, of Azure and of compatible servers, and what is not."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from openai import AsyncOpenAI
from pydantic import ValidationError

from medha.errors import ConfigurationError, EmbedderInputError
from medha_openai import OpenAIEmbedder, OpenAISettings, make_embedder

from .vendor import DOCUMENT, KEY, QUERY, openai_server

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from medha_conformance.vendor import Request, VendorServer


@asynccontextmanager
async def connected(vendor: VendorServer, **values: Any) -> AsyncGenerator[OpenAIEmbedder]:
    chosen: dict[str, Any] = {"api_key": KEY, "base_url": f"{vendor.url}/v1"} | values
    if "azure_endpoint" in values:
        del chosen["base_url"]
    embedder = make_embedder(OpenAISettings(**chosen))
    await embedder.connect()
    yield embedder
    await embedder.close()
    assert vendor.refusals == []


async def test_a_request_says_model_texts_and_encoding_and_nothing_else(vendor: VendorServer) -> None:
    async with connected(vendor) as embedder:
        await embedder.aembed("How many albums?")
    (request,) = vendor.requests
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.body == {
        "model": "text-embedding-3-small",
        "input": ["How many albums?"],
        "encoding_format": "base64",
    }


@pytest.mark.parametrize(("dimension", "sent"), [(256, 256), (1536, None), (None, None)])
async def test_a_dimension_is_asked_for_where_it_is_not_the_models_own(
    vendor: VendorServer, dimension: int | None, sent: int | None
) -> None:
    async with connected(vendor, dimension=dimension) as embedder:
        assert np.shape(await embedder.aembed("How many albums?")) == (dimension or 1536,)
        assert embedder.model_name == "openai/text-embedding-3-small" + (f" {sent}" if sent else "")
    assert vendor.requests[0].body.get("dimensions") == sent


def test_a_dimension_that_the_model_cannot_make_is_refused_before_anything_is_asked() -> None:
    with pytest.raises(ConfigurationError, match=r"MEDHA_OPENAI_DIMENSION.* 1536 .*not of 256"):
        make_embedder(OpenAISettings(model="text-embedding-ada-002", dimension=256))
    with pytest.raises(ConfigurationError, match="1 to 1535"):
        make_embedder(OpenAISettings(dimension=4000))


async def test_floats_are_read_as_well_as_base64(vendor: VendorServer) -> None:
    async with connected(vendor) as packed, connected(vendor, encoding_format="float") as plain:
        texts = [f"How many albums in {year}?" for year in range(2000, 2012)]
        np.testing.assert_allclose(await packed.aembed_batch(texts), await plain.aembed_batch(texts), atol=1e-6)


async def test_azure_is_asked_at_the_address_of_the_deployment_with_its_own_header() -> None:
    def azure(request: Request) -> None:
        assert (request.method, request.path) == ("POST", "/openai/deployments/our-small/embeddings")
        assert request.query == {"api-version": "2024-10-21"}
        assert request.headers["api-key"] == KEY

    with openai_server(azure) as vendor:
        async with connected(vendor, azure_endpoint=vendor.url, azure_deployment="our-small") as embedder:
            assert np.shape(await embedder.aembed("How many albums?")) == (1536,)
            assert embedder.model_name == "openai/text-embedding-3-small", "the vectors are those of OpenAI"


async def test_each_side_goes_behind_its_prefix_and_the_name_says_so(vendor: VendorServer) -> None:
    async with connected(vendor, model="nomic", query_prefix=QUERY, document_prefix=DOCUMENT) as embedder:
        vendor.embedded.clear()
        await embedder.aembed("asked")
        await embedder.aembed_batch(["stored"], is_document=True)
        assert [text for text, _ in vendor.embedded] == [f"{QUERY}asked", f"{DOCUMENT}stored"]
        assert embedder.asymmetric
        assert "search_query" in embedder.model_name
    async with connected(vendor, model="e5", query_prefix=QUERY, document_prefix=QUERY) as embedder:
        assert not embedder.asymmetric


async def test_requests_stay_below_the_most_tokens_whatever_a_token_is(vendor: VendorServer) -> None:
    async with connected(vendor) as embedder:
        assert np.shape(await embedder.aembed_batch(["日本" * 1365] * 40)) == (40, 1536)
    sizes = [sum(len(text.encode()) for text in request.body["input"]) for request in vendor.requests]
    assert len(sizes) == 2
    assert max(sizes) <= 300_000


async def test_a_text_that_is_too_long_is_cut_only_when_that_was_chosen(vendor: VendorServer) -> None:
    text = "é" * 5000
    async with connected(vendor, over_long="truncate") as embedder:
        await embedder.aembed(text)
    assert vendor.embedded[0][0] == "é" * 4096
    async with connected(vendor) as embedder:
        vendor.fail(400, "This model's maximum context length is 8192 tokens")
        with pytest.raises(EmbedderInputError, match="MEDHA_OPENAI_OVER_LONG=truncate"):
            await embedder.aembed(text)
    assert vendor.embedded[1][0] == text


async def test_a_lone_surrogate_is_refused_before_anything_is_sent(vendor: VendorServer) -> None:
    async with connected(vendor) as embedder:
        with pytest.raises(EmbedderInputError, match=r"text 1 .*lone surrogate"):
            await embedder.aembed_batch(["good", "bad \ud800"])
    assert vendor.requests == []


async def test_openais_own_key_goes_to_openai_alone(vendor: VendorServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-the-key-of-openai")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/never")
    assert OpenAIEmbedder(OpenAISettings()).key() == "sk-the-key-of-openai"
    async with connected(vendor, api_key=None) as embedder:
        await embedder.aembed("How many albums?")
    assert vendor.requests[0].headers["authorization"] == "Bearer no-key"


async def test_without_a_key_it_says_where_to_put_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(ConfigurationError, match="set MEDHA_OPENAI_API_KEY or OPENAI_API_KEY"):
        await OpenAIEmbedder(OpenAISettings()).connect()


async def test_a_client_that_was_given_is_used_and_not_closed(vendor: VendorServer) -> None:
    async with AsyncOpenAI(base_url=f"{vendor.url}/v1", api_key="sk-of-the-client", max_retries=5) as client:
        embedder = OpenAIEmbedder(OpenAISettings(retries=0), client)
        await embedder.connect()
        await embedder.aembed("How many albums?")
        await embedder.close()
        assert not client.is_closed()
        assert vendor.requests[0].headers["authorization"] == "Bearer sk-of-the-client"
        assert vendor.requests[0].headers["x-stainless-retry-count"] == "0"


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"base_url": "http://a/v1", "azure_endpoint": "http://b"}, "two addresses"),
        ({"azure_deployment": "our-small"}, "azure_endpoint"),
        ({"base_url": "http://user:pass@a/v1"}, "api_key"),
        ({"base_url": "localhost:11434"}, "http://"),
        ({"api_key": "two\nlines"}, "blanks"),
        ({"dimensions": 256}, "dimensions"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(values: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        OpenAISettings(**values)
