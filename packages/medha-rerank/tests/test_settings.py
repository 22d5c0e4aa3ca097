from __future__ import annotations

from typing import Any

import pytest

from medha.errors import ConfigurationError
from medha.plugins import read_settings
from medha_conformance.imports import imported_by
from medha_rerank import RerankSettings


def test_there_is_no_threshold_that_nobody_chose() -> None:
    with pytest.raises(ConfigurationError, match=r"threshold \(MEDHA_RERANK_THRESHOLD\): Field required"):
        read_settings(RerankSettings, model="x")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"threshold": 0}, "MEDHA_RERANK_THRESHOLD"),
        ({"threshold": -1}, "MEDHA_RERANK_THRESHOLD"),
        ({"threshold": 1.01}, "MEDHA_RERANK_THRESHOLD"),
        ({"threshold": float("nan")}, "MEDHA_RERANK_THRESHOLD"),
        ({"model": ""}, "MEDHA_RERANK_MODEL"),
        ({"max_tokens": 1}, "MEDHA_RERANK_MAX_TOKENS"),
        ({"runtime": "tensorflow"}, "MEDHA_RERANK_RUNTIME"),
        ({"device": "cuda"}, "device is for the runtime sentence-transformers"),
        ({"runtime": "sentence-transformers", "threads": 2}, "are for the runtime onnxruntime"),
        ({"treshold": 0.5}, "Did you mean 'threshold'"),
    ],
)
def test_settings_that_make_no_sense_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        read_settings(RerankSettings, **({"model": "x", "threshold": 0.5} | values))


def test_the_token_is_never_shown() -> None:
    assert "hf_secret" not in repr(RerankSettings.model_validate({"model": "x", "threshold": 1, "token": "hf_secret"}))


def test_the_plugin_and_its_reviewer_are_made_without_importing_a_runtime() -> None:
    made = (
        "from medha_rerank import RerankReviewer, RerankSettings; import medha_rerank.plugin; "
        "RerankReviewer(RerankSettings(model='x', threshold=0.5))"
    )
    assert imported_by(made).isdisjoint({"onnxruntime", "tokenizers", "torch", "numpy"})
