"""What needs no model: settings, the plugin, and the message to someone who has no PyTorch."""

from __future__ import annotations

import importlib.util

import pytest

from medha.errors import ConfigurationError, EmbedderUnavailableError
from medha.plugins import read_settings
from medha_conformance.imports import imported_by
from medha_sentence_transformers import SentenceTransformersSettings, make_embedder


@pytest.mark.skipif(importlib.util.find_spec("torch") is not None, reason="PyTorch is installed")
async def test_without_pytorch_the_error_says_what_to_install() -> None:
    with pytest.raises(EmbedderUnavailableError, match=r"does not import: .*pip install torch sentence-tr") as raised:
        await make_embedder(SentenceTransformersSettings()).connect()
    assert isinstance(raised.value.__cause__, ImportError)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("model", "", "MODEL"),
        ("batch_size", "0", "BATCH_SIZE"),
        ("backend", "tensorflow", "BACKEND"),
        ("truncate_dim", "0", "TRUNCATE_DIM"),
        ("document_prompt", "passage: ", "no effect unless asymmetric"),
        ("model_file", "onnx/model.onnx", "set backend, or leave it out"),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    name: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"MEDHA_SENTENCE_TRANSFORMERS_{name.upper()}", value)
    with pytest.raises(ConfigurationError, match=message):
        read_settings(SentenceTransformersSettings)


def test_the_token_is_never_shown() -> None:
    assert "hf_secret" not in repr(SentenceTransformersSettings.model_validate({"token": "hf_secret"}))


@pytest.mark.parametrize(("asymmetric", "declared"), [(False, False), (True, True)])
def test_the_embedder_declares_its_sides_before_it_loads_anything(asymmetric: bool, declared: bool) -> None:
    assert make_embedder(SentenceTransformersSettings(asymmetric=asymmetric)).asymmetric is declared


def test_the_plugin_and_its_embedder_are_made_without_importing_the_library() -> None:
    made = (
        "from medha_sentence_transformers import SentenceTransformersSettings, make_embedder; "
        "import medha_sentence_transformers.plugin; make_embedder(SentenceTransformersSettings())"
    )
    assert imported_by(made).isdisjoint({"sentence_transformers", "torch", "transformers"})
