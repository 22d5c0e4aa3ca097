from __future__ import annotations

import asyncio
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from fastembed import TextEmbedding

from medha.errors import (
    EmbedderError,
    EmbedderOutputError,
    EmbedderUnavailableError,
    LifecycleError,
)
from medha_conformance.connected import connected
from medha_fastembed import FastEmbedEmbedder, FastEmbedSettings, make_embedder

if TYPE_CHECKING:
    from pathlib import Path

    from medha.models import Vectors

MODEL = "sentence-transformers/all-MiniLM-L6-v2"
QUESTIONS = ["How many albums are there?", "What is the number of albums?", "Which customers live in Berlin?", "", "🎸"]


async def vectors_of(settings: FastEmbedSettings, texts: list[str], *, is_document: bool = False) -> Vectors:
    async with connected(make_embedder(settings)) as embedder:
        return await embedder.aembed_batch(texts, is_document=is_document)


async def test_vectors_are_those_of_fastembed_itself(embedder: FastEmbedEmbedder, folder: Path) -> None:
    bare: Any = TextEmbedding(MODEL, specific_model_path=str(folder))
    np.testing.assert_allclose(await embedder.aembed_batch(QUESTIONS), np.array(list(bare.embed(QUESTIONS))), atol=1e-5)


async def test_a_paraphrase_is_closer_than_another_question(embedder: FastEmbedEmbedder) -> None:
    question, paraphrase, other = await embedder.aembed_batch(QUESTIONS[:3])
    assert float(question @ paraphrase) > 0.8
    assert float(question @ other) < 0.4


async def test_a_text_has_the_same_vector_alone_and_in_a_batch(embedder: FastEmbedEmbedder) -> None:
    together = await embedder.aembed_batch(QUESTIONS)
    for text, vector in zip(QUESTIONS, together, strict=True):
        np.testing.assert_allclose(await embedder.aembed(text), vector, atol=1e-5)


async def test_no_texts_have_no_vectors(embedder: FastEmbedEmbedder) -> None:
    assert np.shape(await embedder.aembed_batch([])) == (0, 384)


@pytest.mark.parametrize("batch_size", [1, 2, 5])
async def test_a_list_longer_than_a_batch_keeps_its_order(settings: FastEmbedSettings, batch_size: int) -> None:
    whole = await vectors_of(settings, QUESTIONS)
    in_batches = await vectors_of(settings.model_copy(update={"batch_size": batch_size}), QUESTIONS)
    np.testing.assert_allclose(in_batches, whole, atol=1e-5)


async def test_a_lone_surrogate_is_refused(settings: FastEmbedSettings) -> None:
    with pytest.raises(EmbedderError, match="1 texts, from text 4 on"):
        await vectors_of(settings.model_copy(update={"batch_size": 4}), ["a", "b", "c", "d", "bad \ud800"])


async def test_dimension_and_name_are_known_from_connect_on_though_the_model_does_not_load(
    folder: Path, tmp_path: Path
) -> None:
    damaged = shutil.copytree(folder, tmp_path / "damaged")
    (damaged / "model.onnx").write_bytes(b"not a model")
    embedder = make_embedder(FastEmbedSettings(model=MODEL, model_path=damaged))
    with pytest.raises(LifecycleError, match="connect"):
        _ = embedder.dimension
    await embedder.connect()
    assert embedder.dimension == 384
    assert embedder.model_name.startswith(f"fastembed/{MODEL} ")
    for _ in range(2):
        with pytest.raises(EmbedderUnavailableError, match=r"could not load the model .*/damaged") as raised:
            await embedder.aembed("how many tracks")
        assert raised.value.__cause__ is not None
    await embedder.close()


async def test_first_calls_at_the_same_time_agree(embedder: FastEmbedEmbedder) -> None:
    found = await asyncio.gather(*(embedder.aembed("how many tracks") for _ in range(10)))
    assert all(np.array_equal(vector, found[0]) for vector in found)


async def test_the_event_loop_turns_while_the_model_loads_and_embeds(embedder: FastEmbedEmbedder) -> None:
    task = asyncio.create_task(embedder.aembed("how many tracks"))
    turns = 0
    while not task.done():
        await asyncio.sleep(0)
        turns += 1
    assert np.shape(task.result()) == (384,)
    assert turns > 100


async def test_a_cancelled_first_call_leaves_the_others_alone(embedder: FastEmbedEmbedder) -> None:
    first, second = (asyncio.create_task(embedder.aembed("how many tracks")) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert np.shape(await second) == (384,)
    assert first.cancelled()


async def test_it_embeds_only_between_connect_and_close(settings: FastEmbedSettings) -> None:
    embedder = make_embedder(settings)
    with pytest.raises(LifecycleError, match="connect"):
        await embedder.aembed("how many tracks")
    await asyncio.gather(embedder.connect(), embedder.connect())
    before = await embedder.aembed("how many tracks")
    await embedder.close()
    await embedder.close()
    with pytest.raises(LifecycleError, match="connect"):
        await embedder.aembed("how many tracks")
    await embedder.connect()
    np.testing.assert_allclose(await embedder.aembed("how many tracks"), before, atol=1e-6)
    await embedder.close()


async def test_a_custom_model_embeds_as_described(settings: FastEmbedSettings, folder: Path) -> None:
    described = FastEmbedSettings(model="own/minilm", model_path=folder, dimension=384, pooling="mean")
    other = FastEmbedSettings(model="own/minilm", model_path=folder, dimension=384, pooling="cls")
    questions = QUESTIONS[:3]
    known = await vectors_of(settings, questions)
    for _ in range(2):  # a second embedder finds the model registered already
        np.testing.assert_allclose(await vectors_of(described, questions), known, atol=1e-5)
    assert np.abs(await vectors_of(other, questions) - known).max() > 0.01


async def test_a_custom_dimension_that_is_wrong_is_named(folder: Path) -> None:
    settings = FastEmbedSettings(model="own/minilm", model_path=folder, dimension=100)
    with pytest.raises(EmbedderOutputError, match=r"shape \(384,\), not \(100,\); correct MEDHA_FASTEMBED_DIMENSION"):
        await vectors_of(settings, ["how many tracks"])


async def test_by_default_stored_and_asked_questions_are_embedded_alike(settings: FastEmbedSettings) -> None:
    prefixed = settings.model_copy(update={"query_prefix": "query: "})
    assert not make_embedder(prefixed).asymmetric
    asked = await vectors_of(prefixed, QUESTIONS[:2])
    np.testing.assert_array_equal(asked, await vectors_of(prefixed, QUESTIONS[:2], is_document=True))
    plain = await vectors_of(settings, [f"query: {question}" for question in QUESTIONS[:2]])
    np.testing.assert_array_equal(asked, plain)


async def test_an_asymmetric_embedder_puts_each_side_behind_its_prefix(settings: FastEmbedSettings) -> None:
    sides = settings.model_copy(update={"asymmetric": True, "query_prefix": "query: ", "passage_prefix": "passage: "})
    assert make_embedder(sides).asymmetric
    stored = await vectors_of(sides, ["how many tracks"], is_document=True)
    asked = await vectors_of(sides, ["how many tracks"])
    plain = await vectors_of(settings, ["passage: how many tracks", "query: how many tracks"])
    np.testing.assert_array_equal(np.concatenate([stored, asked]), plain)
