"""The settings of the cross-encoder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class RerankSettings(BaseSettings):
    """Which cross-encoder, and from which score on it accepts; each is also ``MEDHA_RERANK_<NAME>``.

    ``threshold`` has no default: what a score means differs from model to model, and a wrong one serves wrong queries.
    """

    model_config = SettingsConfigDict(env_prefix="MEDHA_RERANK_", frozen=True, extra="forbid")

    model: Annotated[str, Field(min_length=1)]
    """The path of a folder that holds the model, or its name on the Hugging Face hub."""
    threshold: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
    """Least score, above 0 and up to 1, of an accepted pair; ``calibrate`` finds one from pairs of your own."""
    label: str | None = None
    """Of a model with several labels, the one that says "the same"; its probability is the score."""
    both_directions: bool = True
    """Whether asked and stored question are compared in both orders, and the lower score counts."""
    max_tokens: Annotated[int, Field(ge=8, le=100_000)] = 512
    """Longest pair that the model reads; a longer one is rejected, never cut."""

    runtime: Literal["onnxruntime", "sentence-transformers"] = "onnxruntime"
    """What runs the model; the second needs the extra of that name, and PyTorch."""
    model_file: str | None = None
    """The ONNX file in the folder or repository; ``None`` looks for onnx/model.onnx and model.onnx."""
    threads: Annotated[int, Field(ge=1)] | None = None
    """Threads of one inference of ONNX Runtime; ``None`` takes one per core."""
    providers: tuple[str, ...] = ("CPUExecutionProvider",)
    """ONNX Runtime execution providers, in order of preference."""
    device: str | None = None
    """Where PyTorch runs the model: "cpu", "cuda"; ``None`` takes the best there is."""

    revision: str | None = None
    """The branch, tag or commit of a model from the hub."""
    cache_dir: Path | None = None
    """Where downloaded models are kept; ``None`` leaves the choice to the hub's library."""
    local_files_only: bool = False
    """Whether a model that is not in ``cache_dir`` is an error rather than a download."""
    token: SecretStr | None = None
    """The key to a model that is not public."""

    @model_validator(mode="after")
    def _of_one_runtime(self) -> RerankSettings:
        if self.runtime == "onnxruntime" and self.device is not None:
            raise ValueError("device is for the runtime sentence-transformers; ONNX Runtime has providers")
        if self.runtime != "onnxruntime" and (self.model_file is not None or self.threads is not None):
            raise ValueError("model_file and threads are for the runtime onnxruntime")
        return self
