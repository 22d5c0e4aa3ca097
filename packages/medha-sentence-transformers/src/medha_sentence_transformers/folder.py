"""Where a model is: a folder, or the hub; and which one, so that its name changes when its vectors would."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from medha.errors import ConfigurationError

_WEIGHTS: Final = {
    "torch": {".safetensors", ".bin"},
    "onnx": {".onnx", ".onnx_data", ".data"},
    "openvino": {".xml", ".bin"},
}
_SMALL: Final = {".json", ".txt", ".model"}


def folder_of(model: str) -> Path | None:
    """The folder that the setting names; ``None`` for a name on the hub.

    Raises:
        ConfigurationError: it can only be a folder, and there is none, or it holds no model.
    """
    folder = Path(model).expanduser()
    if folder.is_dir():
        if not any((folder / name).is_file() for name in ("modules.json", "config.json")):
            there = ", ".join(sorted(path.name for path in folder.iterdir())[:20])
            raise ConfigurationError(
                f"MEDHA_SENTENCE_TRANSFORMERS_MODEL: the folder {folder} holds no model, neither "
                f"modules.json nor config.json; it holds {there or 'nothing'}"
            )
        return folder.resolve()
    if folder.is_absolute() or model.startswith((".", "~")) or model.count("/") > 1:
        raise ConfigurationError(
            f"MEDHA_SENTENCE_TRANSFORMERS_MODEL: there is no folder {folder}; it should hold a model"
        )
    return None


def fingerprint(folder: Path, backend: str) -> str:
    """A short digest of the weights that the backend reads, the tokenizer and the configuration."""
    kinds = _WEIGHTS[backend] | _SMALL
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.suffix in kinds and path.is_file()):
        with path.open("rb") as file:
            digest.update(str(path.relative_to(folder)).encode() + hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:12]
