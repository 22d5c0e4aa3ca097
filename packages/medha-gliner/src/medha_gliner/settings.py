"""The settings of the GLiNER extractor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class GlinerSettings(BaseSettings):
    """Which model, and how it runs; each setting is also the environment variable ``MEDHA_GLINER_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix="MEDHA_GLINER_", frozen=True, extra="forbid")

    model: Annotated[str, Field(min_length=1)] = "urchade/gliner_small-v2.1"
    """The name of a model on the Hugging Face hub, or the path of a folder that holds one."""
    revision: str | None = None
    """The branch, tag or commit of a model from the hub."""
    cache_dir: Path | None = None
    """Where downloaded models are kept; ``None`` leaves the choice to the hub's library."""
    local_files_only: bool = False
    """Whether a model that is not in ``cache_dir`` is an error rather than a download."""
    token: SecretStr | None = None
    """The key to a model that is not public."""
    device: str = "cpu"
    """Where PyTorch runs it: "cpu", "cuda", "cuda:1", "mps"."""
    onnx_file: str | None = None
    """The ONNX file in the model's folder, to run it with ONNX Runtime instead."""
    batch_size: Annotated[int, Field(ge=1, le=4096)] = 16
    """Texts that go through the model at a time; between two batches another call has its turn."""
