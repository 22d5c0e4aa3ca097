"""The settings of the fastembed embedder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

CUSTOM_ONLY: Final = frozenset({"dimension", "pooling", "normalization", "model_file", "hf_source", "url_source"})
"""Settings that describe a model which fastembed does not know."""


class FastEmbedSettings(BaseSettings):
    """Which model, and how it runs; each setting is also the environment variable ``MEDHA_FASTEMBED_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix="MEDHA_FASTEMBED_", frozen=True, extra="forbid")

    model: Annotated[str, Field(min_length=1)] = "BAAI/bge-small-en-v1.5"
    """A name that fastembed knows, or a name of your own for a model that the custom settings describe."""
    model_path: Path | None = None
    """A folder that holds the model; nothing is downloaded then."""
    cache_dir: Path | None = None
    """Where downloaded models are kept; ``None`` leaves the choice to fastembed."""
    local_files_only: bool = False
    """Whether a model that is not in ``cache_dir`` is an error rather than a download."""

    dimension: Annotated[int, Field(ge=1)] | None = None
    """Custom model: components of a vector."""
    pooling: Literal["cls", "mean", "last_token", "disabled"] = "mean"
    """Custom model: how the vectors of the tokens become one; ``disabled`` when the model does it."""
    normalization: bool = True
    """Custom model: whether fastembed makes the vectors unit length."""
    model_file: str | None = None
    """Custom model: the ONNX file in the folder or repository; ``None`` looks for the usual two places."""
    hf_source: str | None = None
    """Custom model: the Hugging Face repository to download it from."""
    url_source: str | None = None
    """Custom model: the URL of a .tar.gz archive to download it from."""

    threads: Annotated[int, Field(ge=1)] | None = None
    """Threads of one embedding; ``None`` takes one per core."""
    providers: tuple[str, ...] | None = None
    """ONNX Runtime execution providers, in order of preference; ``None`` takes CUDA where it is installed."""
    batch_size: Annotated[int, Field(ge=1, le=4096)] = 32
    """Texts that go through the model at a time; between two batches another call has its turn."""

    asymmetric: bool = False
    """Whether stored questions are embedded as passages and asked ones as queries; by default both are queries."""
    query_prefix: str = ""
    """Put in front of every text that is embedded as a query, as some models demand."""
    passage_prefix: str = ""
    """The same for passages, so only with ``asymmetric``."""

    @model_validator(mode="after")
    def _consistent(self) -> FastEmbedSettings:
        if self.passage_prefix and not self.asymmetric:
            raise ValueError("passage_prefix has no effect unless asymmetric is true; set both, or only query_prefix")
        if self.model_path is not None and "model" not in self.model_fields_set:
            raise ValueError("model_path needs model as well: the name of the model that the folder holds")
        return self
