"""What needs no model: settings, the plugin, and the message to someone who has no PyTorch."""

from __future__ import annotations

import importlib.util

import pytest

from medha.errors import ConfigurationError, ExtractorUnavailableError
from medha.plugins import read_settings
from medha_conformance.imports import imported_by
from medha_gliner import GlinerExtractor, GlinerSettings


@pytest.mark.skipif(importlib.util.find_spec("torch") is not None, reason="PyTorch is installed")
async def test_without_pytorch_the_error_says_what_to_install() -> None:
    with pytest.raises(
        ExtractorUnavailableError, match=r"gliner does not import: .*pip install torch gliner"
    ) as raised:
        await GlinerExtractor(GlinerSettings()).connect()
    assert isinstance(raised.value.__cause__, ImportError)


@pytest.mark.parametrize(("name", "value"), [("model", ""), ("batch_size", "0"), ("local_files_only", "perhaps")])
def test_settings_that_make_no_sense_are_refused(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"MEDHA_GLINER_{name.upper()}", value)
    with pytest.raises(ConfigurationError, match=f"MEDHA_GLINER_{name.upper()}"):
        read_settings(GlinerSettings)


def test_a_misspelt_setting_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDHA_GLINER_MODLE", "x")
    with pytest.raises(ConfigurationError, match="did you mean MEDHA_GLINER_MODEL"):
        read_settings(GlinerSettings)


def test_the_token_is_never_shown() -> None:
    assert "hf_secret" not in repr(GlinerSettings.model_validate({"token": "hf_secret"}))


def test_the_plugin_and_its_extractor_are_made_without_importing_gliner() -> None:
    made = "from medha_gliner import GlinerExtractor as E, GlinerSettings as S; import medha_gliner.plugin; E(S())"
    assert imported_by(made).isdisjoint({"gliner", "torch"})
