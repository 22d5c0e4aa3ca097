"""The embedder with a real model, loaded from a folder."""

from __future__ import annotations

import asyncio
import json
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from medha import Medha
from medha.errors import ConfigurationError, EmbedderError, EmbedderUnavailableError, LifecycleError
from medha_conformance.connected import connected
from medha_sentence_transformers import SentenceTransformersSettings, make_embedder

pytest.importorskip("torch", reason="sentence-transformers needs PyTorch; run python tools/torch_tests.py")

if TYPE_CHECKING:
    from pathlib import Path

    from medha.models import Vectors
    from medha_sentence_transformers import SentenceTransformersEmbedder

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

QUESTIONS = ["How many albums are there?", "What is the number of albums?", "Which customers live in Berlin?", "", "🎸"]


async def vectors_of(settings: SentenceTransformersSettings, texts: list[str], *, is_document: bool = False) -> Vectors:
    async with connected(make_embedder(settings)) as embedder:
        return await embedder.aembed_batch(texts, is_document=is_document)


async def name_of(settings: SentenceTransformersSettings) -> str:
    async with connected(make_embedder(settings)) as embedder:
        return embedder.model_name


async def test_vectors_are_those_of_sentence_transformers_itself(
    embedder: SentenceTransformersEmbedder, folder: Path
) -> None:
    from sentence_transformers import SentenceTransformer

    bare: Any = SentenceTransformer(str(folder), device="cpu")
    np.testing.assert_allclose(await embedder.aembed_batch(QUESTIONS), bare.encode(QUESTIONS), atol=1e-5)


async def test_a_paraphrase_is_closer_than_another_question(embedder: SentenceTransformersEmbedder) -> None:
    question, paraphrase, other = await embedder.aembed_batch(QUESTIONS[:3])
    assert float(question @ paraphrase) > 0.8
    assert float(question @ other) < 0.4


async def test_a_cache_finds_a_paraphrase_with_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDHA_SENTENCE_TRANSFORMERS_MODEL", str(folder))
    async with Medha("tests", "sentence-transformers") as cache:
        await cache.store("How many albums are there?", "SELECT count(*) FROM album")
        assert (await cache.search("Could you tell me how many albums are there?")).generated_query
        assert not await cache.search("How many artists are there?")


@pytest.mark.parametrize("batch_size", [1, 2, 5])
async def test_a_list_longer_than_a_batch_keeps_its_order(
    settings: SentenceTransformersSettings, batch_size: int
) -> None:
    whole = await vectors_of(settings, QUESTIONS)
    in_batches = await vectors_of(settings.model_copy(update={"batch_size": batch_size}), QUESTIONS)
    np.testing.assert_allclose(in_batches, whole, atol=1e-5)


async def test_a_vector_can_be_cut_to_its_first_components(settings: SentenceTransformersSettings) -> None:
    cut = settings.model_copy(update={"truncate_dim": 64})
    embedder = make_embedder(cut)
    await embedder.connect()
    assert embedder.dimension == 64
    whole = await vectors_of(settings, QUESTIONS)
    np.testing.assert_allclose(await embedder.aembed_batch(QUESTIONS), whole[:, :64], atol=1e-5)
    await embedder.close()
    with pytest.raises(ConfigurationError, match=r"TRUNCATE_DIM: .* has 384 components, fewer than 1000"):
        await make_embedder(settings.model_copy(update={"truncate_dim": 1000})).connect()


async def test_an_asymmetric_embedder_puts_each_side_behind_its_prompt(settings: SentenceTransformersSettings) -> None:
    sides = settings.model_copy(update={"asymmetric": True, "query_prompt": "query: ", "document_prompt": "passage: "})
    stored = await vectors_of(sides, ["how many tracks"], is_document=True)
    asked = await vectors_of(sides, ["how many tracks"])
    plain = await vectors_of(settings, ["passage: how many tracks", "query: how many tracks"])
    np.testing.assert_allclose(np.concatenate([stored, asked]), plain, atol=1e-5)


async def test_the_prompts_that_a_model_brings_are_used(folder: Path, tmp_path: Path) -> None:
    own = shutil.copytree(folder, tmp_path / "own")
    config = own / "config_sentence_transformers.json"
    brought = {"prompts": {"query": "query: ", "document": "passage: "}, "default_prompt_name": None}
    config.write_text(json.dumps(json.loads(config.read_text()) | brought))
    alike = SentenceTransformersSettings(model=str(own), device="cpu")
    plain = SentenceTransformersSettings(model=str(folder), device="cpu")
    prompted = await vectors_of(plain, ["query: how many tracks", "passage: how many tracks"])
    np.testing.assert_allclose(await vectors_of(alike, ["how many tracks"]), prompted[:1], atol=1e-5)
    as_stored = await vectors_of(alike, ["how many tracks"], is_document=True)
    np.testing.assert_allclose(as_stored, prompted[:1], atol=1e-5)
    sides = alike.model_copy(update={"asymmetric": True})
    as_stored = await vectors_of(sides, ["how many tracks"], is_document=True)
    np.testing.assert_allclose(as_stored, prompted[1:], atol=1e-5)


async def test_asymmetric_is_refused_for_a_model_with_one_side(settings: SentenceTransformersSettings) -> None:
    with pytest.raises(ConfigurationError, match="MEDHA_SENTENCE_TRANSFORMERS_DOCUMENT_PROMPT"):
        await make_embedder(settings.model_copy(update={"asymmetric": True})).connect()


async def test_the_name_follows_the_content_of_the_folder_and_whatever_else_changes_the_vectors(
    folder: Path, settings: SentenceTransformersSettings, tmp_path: Path
) -> None:
    copied = shutil.copytree(folder, tmp_path / "copied")
    changed = shutil.copytree(folder, tmp_path / "changed")
    with (changed / "vocab.txt").open("a") as file:
        file.write("medha\n")
    same = await name_of(settings)
    assert await name_of(settings.model_copy(update={"model": str(copied)})) == same
    choices: list[dict[str, Any]] = [
        {"model": str(changed)},
        {"truncate_dim": 64},
        {"query_prompt": "query: "},
        {"asymmetric": True, "query_prompt": "query: ", "document_prompt": "passage: "},
    ]
    names = {await name_of(settings.model_copy(update=choice)) for choice in choices}
    assert len(names | {same}) == len(choices) + 1


@pytest.mark.parametrize("place", ["/nowhere/model", "./nowhere", "~/nowhere/at/all"])
async def test_a_folder_that_is_not_there_is_refused(place: str) -> None:
    with pytest.raises(ConfigurationError, match="there is no folder"):
        await make_embedder(SentenceTransformersSettings(model=place)).connect()


async def test_a_folder_without_a_model_is_refused_with_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(ConfigurationError, match=r"holds no model, .* it holds notes.txt"):
        await make_embedder(SentenceTransformersSettings(model=str(tmp_path))).connect()


async def test_damaged_weights_are_an_error_with_their_cause(folder: Path, tmp_path: Path) -> None:
    damaged = shutil.copytree(folder, tmp_path / "damaged")
    (damaged / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(EmbedderUnavailableError, match="could not load the model") as raised:
        await make_embedder(SentenceTransformersSettings(model=str(damaged), device="cpu")).connect()
    assert raised.value.__cause__ is not None


async def test_a_model_that_must_not_be_downloaded_leads_to_a_local_folder(tmp_path: Path) -> None:
    settings = SentenceTransformersSettings(cache_dir=tmp_path, local_files_only=True)
    with pytest.raises(EmbedderUnavailableError, match="set MEDHA_SENTENCE_TRANSFORMERS_MODEL to that folder"):
        await make_embedder(settings).connect()


async def test_it_embeds_only_between_connect_and_close(settings: SentenceTransformersSettings) -> None:
    embedder = make_embedder(settings)
    with pytest.raises(LifecycleError, match="connect"):
        _ = embedder.dimension
    await asyncio.gather(embedder.connect(), embedder.connect())
    await embedder.close()
    with pytest.raises(LifecycleError, match="connect"):
        await embedder.aembed("how many tracks")


async def test_a_lone_surrogate_is_refused(embedder: SentenceTransformersEmbedder) -> None:
    with pytest.raises(EmbedderError, match="2 texts, from text 0 on"):
        await embedder.aembed_batch(["a", "bad \ud800"])
