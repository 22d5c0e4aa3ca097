from __future__ import annotations

import asyncio
import logging
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import wordllama  # pyright: ignore[reportMissingTypeStubs]
from hypothesis import given, settings
from hypothesis import strategies as st

from medha.errors import ConfigurationError, EmbedderOutputError, LifecycleError
from medha.plugins import read_settings
from medha_wordllama import WordLlamaEmbedder, WordLlamaSettings
from medha_wordllama.model import WordLlamaModel

if TYPE_CHECKING:
    from medha.models import Vectors

QUESTIONS = ["How many tracks are longer than five minutes?", "¿Cuántos álbumes hay?", "???", "🎸", "\x00", "שלום", " "]


@pytest.mark.parametrize("dimension", [64, 128, 256])
async def test_vectors_are_those_of_wordllama_itself(dimension: int) -> None:
    folder = Path(wordllama.__file__).parent
    bare: Any = wordllama.WordLlama.load(cache_dir=folder, trunc_dim=dimension, disable_download=True)
    embedder = WordLlamaEmbedder(WordLlamaSettings(dimension=dimension))
    await embedder.connect()
    vectors = await embedder.aembed_batch(QUESTIONS)
    await embedder.close()
    np.testing.assert_allclose(vectors, bare.embed(QUESTIONS), atol=1e-6)


async def test_the_mean_over_a_long_text_is_that_of_wordllama_itself(embedder: WordLlamaEmbedder) -> None:
    bare: Any = wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)
    text = " ".join(f"track {number}" for number in range(6_000))
    # both add tens of thousands of float32 numbers, in another order
    np.testing.assert_allclose(await embedder.aembed(text), bare.embed(text)[0], atol=1e-3)


def test_dimension_and_name_are_known_before_connect() -> None:
    embedders = [WordLlamaEmbedder(WordLlamaSettings(dimension=dimension)) for dimension in (64, 128, 256)]
    assert [embedder.dimension for embedder in embedders] == [64, 128, 256]
    assert len({embedder.model_name for embedder in embedders}) == 3


@pytest.mark.parametrize("given", ["100", "0", "big", "256.5"])
def test_a_dimension_it_does_not_have_is_refused_by_name(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDHA_WORDLLAMA_DIMENSION", given)
    with pytest.raises(ConfigurationError, match="MEDHA_WORDLLAMA_DIMENSION"):
        read_settings(WordLlamaSettings)


async def test_the_dimension_can_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDHA_WORDLLAMA_DIMENSION", "64")
    embedder = WordLlamaEmbedder()
    await embedder.connect()
    assert np.shape(await embedder.aembed("how many tracks")) == (64,)
    await embedder.close()


async def test_an_unusual_text_has_a_finite_vector_of_some_length(embedder: WordLlamaEmbedder) -> None:
    lengths = np.linalg.norm(await embedder.aembed_batch(QUESTIONS), axis=1)
    assert np.isfinite(lengths).all()
    assert (lengths > 0.1).all()


@pytest.mark.parametrize("count", [3, 40])
async def test_an_empty_text_is_refused_with_its_place(embedder: WordLlamaEmbedder, count: int) -> None:
    texts = ["tracks", "", *["albums"] * (count - 2)]
    with pytest.raises(EmbedderOutputError, match=f"text 1 of {count}: it is empty"):
        await embedder.aembed_batch(texts)


async def test_a_lone_surrogate_is_refused(embedder: WordLlamaEmbedder) -> None:
    with pytest.raises(EmbedderOutputError, match=r"these 3 texts: .* lone surrogate"):
        await embedder.aembed_batch(["tracks", "albums", "bad \ud800"])


async def test_no_texts_have_no_vectors(embedder: WordLlamaEmbedder) -> None:
    assert np.shape(await embedder.aembed_batch([])) == (0, 256)


@pytest.fixture(scope="module")
def model() -> WordLlamaModel:
    return WordLlamaModel.load(64)


@settings(max_examples=50, deadline=None)
@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1, max_size=20))
def test_a_text_has_the_same_vector_alone_and_in_any_batch(model: WordLlamaModel, texts: list[str]) -> None:
    alone: list[Vectors] = [model.embed([text]) for text in texts]
    np.testing.assert_array_equal(model.embed(texts), np.concatenate(alone))


async def test_first_calls_at_the_same_time_share_one_load_outside_the_event_loop(
    embedder: WordLlamaEmbedder, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, logger="wordllama.wordllama"):
        found = await asyncio.gather(*(embedder.aembed("how many tracks") for _ in range(20)))
    loads = [record for record in caplog.records if "Loading weights" in record.message]
    assert len(loads) == 1
    assert (loads[0].threadName or "").startswith("medha-wordllama")
    assert all(np.array_equal(vector, found[0]) for vector in found)


async def test_a_cancelled_first_call_leaves_the_others_alone(embedder: WordLlamaEmbedder) -> None:
    first, second = (asyncio.create_task(embedder.aembed("how many tracks")) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert np.shape(await second) == (256,)
    assert first.cancelled()


async def test_the_event_loop_turns_while_a_large_batch_is_embedded(embedder: WordLlamaEmbedder) -> None:
    await embedder.aembed("load it")
    task = asyncio.create_task(embedder.aembed_batch([f"how many tracks has album {i}" for i in range(2_000)]))
    turns = 0
    while not task.done():
        await asyncio.sleep(0)
        turns += 1
    assert np.shape(task.result()) == (2_000, 256)
    assert turns > 10


async def test_one_long_text_does_not_make_its_whole_batch_large(embedder: WordLlamaEmbedder) -> None:
    texts = ["how many tracks", "albums " * 20_000] * 16
    await embedder.aembed("load it")
    tracemalloc.start()
    await embedder.aembed_batch(texts)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 30_000_000  # padded to the longest, the token vectors alone take 650 MB


async def test_it_embeds_only_between_connect_and_close() -> None:
    embedder = WordLlamaEmbedder()
    with pytest.raises(LifecycleError, match="connect"):
        await embedder.aembed("how many tracks")
    await embedder.connect()
    await embedder.connect()
    before = await embedder.aembed("how many tracks")
    await embedder.close()
    await embedder.close()
    with pytest.raises(LifecycleError, match="connect"):
        await embedder.aembed("how many tracks")
    await embedder.connect()
    assert np.array_equal(await embedder.aembed("how many tracks"), before)
    await embedder.close()
