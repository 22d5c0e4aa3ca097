"""A local folder that holds a model: is it whole, and which model is it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from medha.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

USUAL_MODEL_FILES: Final = ("onnx/model.onnx", "model.onnx")
_TOKENIZER_FILES: Final = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")


def find_model_file(folder: Path | None) -> str:
    """The ONNX file in one of the usual places; fastembed's own default where there is none, or no folder."""
    if folder is not None:
        for name in USUAL_MODEL_FILES:
            if (folder / name).is_file():
                return name
    return USUAL_MODEL_FILES[0]


def check_folder(folder: Path, model: str, model_file: str, additional_files: Sequence[str]) -> None:
    """See that the folder holds every file that the model needs.

    Raises:
        ConfigurationError: names the files that are missing, and those that are there.
    """
    if not folder.is_dir():
        raise ConfigurationError(
            f"MEDHA_FASTEMBED_MODEL_PATH: there is no folder {folder}; it should hold the model {model!r}"
        )
    needed = [model_file, *additional_files, "tokenizer.json"]
    if model_file.endswith(".onnx"):
        needed.append("tokenizer_config.json")
    missing = [name for name in needed if not (folder / name).is_file()]
    if missing:
        there = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
        raise ConfigurationError(
            f"MEDHA_FASTEMBED_MODEL_PATH: the folder {folder} lacks {', '.join(missing)}, which the model {model!r} "
            f"needs; it holds {', '.join(there[:20]) or 'no file'}"
        )


def fingerprint(folder: Path, model_file: str) -> str:
    """A short digest of the weights, those in files beside the model's own too, and of the tokenizer."""
    weights = folder / model_file
    files = sorted(path for path in weights.parent.glob(f"{weights.name}*") if path.is_file())
    files += [folder / name for name in _TOKENIZER_FILES if (folder / name).is_file()]
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            digest.update(path.name.encode() + hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:12]
