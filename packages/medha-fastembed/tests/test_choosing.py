"""Which model the settings mean, and what is said of settings that mean none."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from fastembed import TextEmbedding

from medha.errors import ConfigurationError, EmbedderUnavailableError
from medha.plugins import read_settings
from medha_fastembed import FastEmbedSettings, make_embedder

if TYPE_CHECKING:
    from pathlib import Path

MODEL = "sentence-transformers/all-MiniLM-L6-v2"
CUSTOM: dict[str, Any] = {"model": "own/minilm", "dimension": 384}


async def name_of(settings: FastEmbedSettings) -> str:
    embedder = make_embedder(settings)
    await embedder.connect()
    await embedder.close()
    return embedder.model_name


def test_importing_the_plugin_imports_no_model_library() -> None:
    script = (
        "import sys, medha, medha_fastembed.plugin as plugin\n"
        "plugin.medha_register_embedders()[0].factory(plugin.FastEmbedSettings())\n"
        "print(sorted({'fastembed', 'onnxruntime', 'tokenizers', 'huggingface_hub', 'numpy'} & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=True)
    assert ended.stdout == "[]\n"


async def test_every_model_that_fastembed_lists_is_known_with_its_dimension() -> None:
    listed = [entry for entry in TextEmbedding.list_supported_models() if not entry["model"].startswith("medha-")]
    assert len(listed) > 20
    for entry in listed:
        embedder = make_embedder(FastEmbedSettings(model=entry["model"].upper()))
        await embedder.connect()
        assert (embedder.dimension, embedder.model_name) == (entry["dim"], f"fastembed/{entry['model']}")
        await embedder.close()


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [("BAAI/bge-smal-en-v1.5", "BAAI/bge-small-en-v1.5"), ("all-MiniLM-L6", MODEL), ("nomic-embed-text", "nomic-ai")],
)
async def test_an_unknown_model_is_refused_with_the_nearest_names(misspelt: str, meant: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"no model '{misspelt}'.* Did you mean .*'{meant}"):
        await make_embedder(FastEmbedSettings(model=misspelt)).connect()


async def test_a_custom_model_without_dimension_is_asked_for_it(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"describe it: set MEDHA_FASTEMBED_DIMENSION$"):
        await make_embedder(FastEmbedSettings(model="own/minilm", model_path=folder)).connect()


async def test_a_known_model_is_not_described_anew(folder: Path) -> None:
    settings = FastEmbedSettings(model=MODEL, model_path=folder, dimension=100, pooling="cls")
    with pytest.raises(ConfigurationError, match="leave out MEDHA_FASTEMBED_DIMENSION, MEDHA_FASTEMBED_POOLING"):
        await make_embedder(settings).connect()


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "tokenizer_config.json"])
async def test_a_folder_that_lacks_a_file_is_refused_with_its_name(name: str, folder: Path, tmp_path: Path) -> None:
    part = shutil.copytree(folder, tmp_path / "part", ignore=shutil.ignore_patterns(name))
    with pytest.raises(ConfigurationError, match=rf"{part} lacks {name}.* it holds config.json"):
        await make_embedder(FastEmbedSettings(model=MODEL, model_path=part)).connect()


async def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=f"there is no folder {tmp_path}/nowhere"):
        await make_embedder(FastEmbedSettings(model=MODEL, model_path=tmp_path / "nowhere")).connect()


@pytest.mark.parametrize("switch", ["setting", "variable"])
async def test_a_model_that_is_not_there_and_must_not_be_downloaded_leads_to_a_local_folder(
    switch: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if switch == "variable":
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    embedder = make_embedder(FastEmbedSettings(cache_dir=tmp_path, local_files_only=switch == "setting"))
    await embedder.connect()
    assert embedder.dimension == 384
    with pytest.raises(
        EmbedderUnavailableError, match=r"model_optimized\.onnx, tokenizer\.json.* MEDHA_FASTEMBED_MODEL_PATH"
    ) as raised:
        await embedder.aembed("how many tracks")
    assert raised.value.__cause__ is not None
    await embedder.close()


async def test_calls_that_wait_for_a_load_share_its_failure_and_a_later_call_tries_again(tmp_path: Path) -> None:
    embedder = make_embedder(FastEmbedSettings(cache_dir=tmp_path, local_files_only=True))
    await embedder.connect()
    together = await asyncio.gather(*(embedder.aembed(f"question {i}") for i in range(5)), return_exceptions=True)
    assert all(isinstance(error, EmbedderUnavailableError) for error in together)
    assert all(error is together[0] for error in together)
    with pytest.raises(EmbedderUnavailableError) as later:
        await embedder.aembed("another question")
    assert later.value is not together[0]
    await embedder.close()


async def test_the_name_follows_the_content_of_the_folder_not_its_place(folder: Path, tmp_path: Path) -> None:
    copied = shutil.copytree(folder, tmp_path / "copied")
    changed = shutil.copytree(folder, tmp_path / "changed")
    with (changed / "model.onnx").open("ab") as file:
        file.write(b"\0")
    names = [await name_of(FastEmbedSettings(model=MODEL, model_path=path)) for path in (folder, copied, changed)]
    assert names[0] == names[1] != names[2]


async def test_whatever_changes_the_vectors_changes_the_name(folder: Path) -> None:
    choices: list[dict[str, Any]] = [
        {"model": MODEL},
        {"model": MODEL, "model_path": folder},
        {"model": MODEL, "query_prefix": "query: "},
        {"model": MODEL, "asymmetric": True, "query_prefix": "query: "},
        {"model": MODEL, "asymmetric": True, "query_prefix": "query: ", "passage_prefix": "passage: "},
        {**CUSTOM, "model_path": folder},
        {**CUSTOM, "model_path": folder, "pooling": "cls"},
        {**CUSTOM, "hf_source": "own/minilm-onnx"},
        {**CUSTOM, "hf_source": "own/minilm-onnx", "model_file": "onnx/model_int8.onnx"},
        {**CUSTOM, "url_source": "https://example.com/minilm.tar.gz"},
    ]
    names = [await name_of(FastEmbedSettings(**choice)) for choice in choices]
    assert len(set(names)) == len(choices)


async def test_asymmetric_is_refused_for_a_model_with_one_side() -> None:
    with pytest.raises(ConfigurationError, match="MEDHA_FASTEMBED_PASSAGE_PREFIX"):
        await make_embedder(FastEmbedSettings(model=MODEL, asymmetric=True)).connect()


async def test_asymmetric_needs_no_prefixes_for_a_model_with_tasks() -> None:
    embedder = make_embedder(FastEmbedSettings(model="jinaai/jina-embeddings-v3", asymmetric=True))
    await embedder.connect()
    assert (embedder.asymmetric, embedder.dimension) == (True, 1024)
    await embedder.close()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("passage_prefix", "passage: ", "no effect unless asymmetric"),
        ("model_path", "models/minilm", "needs model as well"),
        ("pooling", "max", "MEDHA_FASTEMBED_POOLING"),
        ("dimension", "0", "MEDHA_FASTEMBED_DIMENSION"),
        ("batch_size", "many", "MEDHA_FASTEMBED_BATCH_SIZE"),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    name: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"MEDHA_FASTEMBED_{name.upper()}", value)
    with pytest.raises(ConfigurationError, match=message):
        read_settings(FastEmbedSettings)
