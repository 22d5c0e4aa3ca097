"""The settings of the sentence-transformers embedder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class SentenceTransformersSettings(BaseSettings):
    """Which model, and how it runs; each is also the variable ``MEDHA_SENTENCE_TRANSFORMERS_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix="MEDHA_SENTENCE_TRANSFORMERS_", frozen=True, extra="forbid")

    model: Annotated[str, Field(min_length=1)] = "sentence-transformers/all-MiniLM-L6-v2"
    """The name of a model on the Hugging Face hub, or the path of a folder that holds one."""
    revision: str | None = None
    """The branch, tag or commit of a model from the hub."""
    cache_dir: Path | None = None
    """Where downloaded models are kept; ``None`` leaves the choice to the hub's library."""
    local_files_only: bool = False
    """Whether a model that is not in ``cache_dir`` is an error rather than a download."""
    token: SecretStr | None = None
    """The key to a model that is not public."""
    trust_remote_code: bool = False
    """Whether code that comes with the model may run here; some models need it. Only with one that you trust."""

    backend: Literal["torch", "onnx", "openvino"] = "torch"
    """What runs the model; the last two need their extra of sentence-transformers."""
    model_file: str | None = None
    """The file of the model to run, for "onnx" and "openvino"; ``None`` leaves the choice to sentence-transformers."""
    device: str | None = None
    """Where it runs: "cpu", "cuda", "mps"; ``None`` takes the best there is."""
    batch_size: Annotated[int, Field(ge=1, le=4096)] = 32
    """Texts that go through the model at a time; between two batches another call has its turn."""
    truncate_dim: Annotated[int, Field(ge=1)] | None = None
    """The first components to keep of each vector, for models that were trained for it (Matryoshka)."""

    asymmetric: bool = False
    """Whether stored questions are embedded as documents and asked ones as queries; by default both are queries."""
    query_prompt: str | None = None
    """Put in front of every text that is embedded as a query; ``None`` takes what the model brings for it."""
    document_prompt: str | None = None
    """The same for documents, so only with ``asymmetric``."""

    @model_validator(mode="after")
    def _consistent(self) -> SentenceTransformersSettings:
        if self.document_prompt is not None and not self.asymmetric:
            raise ValueError("document_prompt has no effect unless asymmetric is true; set both, or only query_prompt")
        if self.model_file is not None and self.backend == "torch":
            raise ValueError(
                'model_file names the file of the backends "onnx" and "openvino"; set backend, or leave it out'
            )
        return self
