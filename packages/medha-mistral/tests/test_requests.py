"""What is asked of Mistral, and what is not."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from medha.errors import ConfigurationError
from medha_mistral import MistralEmbedder, MistralSettings

from .vendor import KEY

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from medha_conformance.vendor import VendorServer


@asynccontextmanager
async def connected(vendor: VendorServer, **values: Any) -> AsyncGenerator[MistralEmbedder]:
    chosen: dict[str, Any] = {"api_key": KEY, "base_url": vendor.url} | values
    embedder = MistralEmbedder(MistralSettings(**chosen))
    await embedder.connect()
    yield embedder
    await embedder.close()
    assert vendor.refusals == []


async def test_a_request_says_model_and_texts_and_nothing_else(vendor: VendorServer) -> None:
    async with connected(vendor) as embedder:
        await embedder.aembed("How many albums?")
        assert not embedder.asymmetric
    (request,) = vendor.requests
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.body == {"model": "mistral-embed", "input": ["How many albums?"]}


@pytest.mark.parametrize(("dimension", "sent"), [(256, 256), (3072, 3072), (1536, None), (None, None)])
async def test_a_dimension_is_asked_for_where_it_is_not_the_models_own(
    vendor: VendorServer, dimension: int | None, sent: int | None
) -> None:
    async with connected(vendor, model="codestral-embed", dimension=dimension) as embedder:
        assert np.shape(await embedder.aembed("How many albums?")) == (dimension or 1536,)
        assert embedder.model_name == "mistral/codestral-embed" + (f" {sent}" if sent else "")
    assert vendor.requests[0].body.get("output_dimension") == sent


def test_a_dimension_that_the_model_cannot_make_is_refused_before_anything_is_asked() -> None:
    with pytest.raises(ConfigurationError, match="not of 256"):
        MistralEmbedder(MistralSettings(dimension=256))


async def test_requests_stay_below_the_most_texts_and_tokens(vendor: VendorServer) -> None:
    async with connected(vendor) as embedder:
        assert np.shape(await embedder.aembed_batch(["四" * 100] * 300)) == (300, 1024)
        assert np.shape(await embedder.aembed_batch(["short"] * 300)) == (300, 1024)
    assert max(len(request.body["input"]) for request in vendor.requests) == 256
    assert max(sum(len(text.encode()) for text in request.body["input"]) for request in vendor.requests) <= 16_384


async def test_a_text_is_cut_only_when_that_was_chosen(vendor: VendorServer) -> None:
    async with connected(vendor, over_long="truncate") as embedder:
        await embedder.aembed("é" * 5000)
    async with connected(vendor) as embedder:
        await embedder.aembed("é" * 5000)
    assert [text for text, _ in vendor.embedded] == ["é" * 4096, "é" * 5000]


async def test_mistrals_own_variable_holds_the_key_for_mistral_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MISTRAL_API_KEY", "the-key-of-mistral")
    assert MistralEmbedder(MistralSettings()).key() == "the-key-of-mistral"
    with pytest.raises(ConfigurationError, match=r"set MEDHA_MISTRAL_API_KEY$"):
        await MistralEmbedder(MistralSettings(base_url="http://127.0.0.1:9")).connect()
