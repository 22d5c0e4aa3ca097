"""The files of a model: in its folder, or downloaded first."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from medha.errors import ConfigurationError, PluginLoadError

if TYPE_CHECKING:
    from medha_rerank.settings import RerankSettings

USUAL_MODEL_FILES: Final = ("onnx/model.onnx", "model.onnx")


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """Where the parts of an ONNX model lie, and what its configuration says."""

    weights: Path
    tokenizer: Path
    config: dict[str, Any]


def folder_of(model: str) -> Path | None:
    """The folder that the setting names; ``None`` for a name on the hub.

    Raises:
        ConfigurationError: it can only be a folder, and there is none.
    """
    folder = Path(model).expanduser()
    if folder.is_dir():
        return folder.resolve()
    if folder.is_absolute() or model.startswith((".", "~")) or model.count("/") > 1:
        raise ConfigurationError(f"MEDHA_RERANK_MODEL: there is no folder {folder}; it should hold a cross-encoder")
    return None


def find_files(settings: RerankSettings) -> ModelFiles:
    """The files of the model that the settings mean.

    Raises:
        ConfigurationError: the folder lacks files; the message names them.
        PluginLoadError: the model cannot be downloaded.
    """
    folder = folder_of(settings.model) or _downloaded(settings)
    names = (settings.model_file,) if settings.model_file is not None else USUAL_MODEL_FILES
    weights = next((folder / name for name in names if (folder / name).is_file()), None)
    missing = [name for name in ("tokenizer.json", "config.json") if not (folder / name).is_file()]
    if weights is None or missing:
        lacking = [*([] if weights else [" or ".join(names)]), *missing]
        there = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
        raise ConfigurationError(
            f"MEDHA_RERANK_MODEL: the folder {folder} lacks {', '.join(lacking)}; it holds "
            f"{', '.join(there[:20]) or 'no file'}"
        )
    return ModelFiles(weights, folder / "tokenizer.json", _read(folder / "config.json"))


def _downloaded(settings: RerankSettings) -> Path:
    import huggingface_hub

    hub: Any = huggingface_hub  # its types are open

    wanted = [settings.model_file] if settings.model_file is not None else list(USUAL_MODEL_FILES)
    try:
        return Path(
            hub.snapshot_download(
                settings.model,
                revision=settings.revision,
                cache_dir=settings.cache_dir,
                local_files_only=settings.local_files_only,
                token=None if settings.token is None else settings.token.get_secret_value(),
                allow_patterns=[*wanted, *(f"{name}_data" for name in wanted), "tokenizer.json", "config.json"],
            )
        )
    except Exception as exc:
        raise PluginLoadError(
            f"the cross-encoder {settings.model!r} could not be downloaded: {type(exc).__name__}: {exc}. Without "
            "a network, copy a folder with its ONNX file, tokenizer.json and config.json here, and set "
            "MEDHA_RERANK_MODEL to it"
        ) from exc


def _read(path: Path) -> dict[str, Any]:
    try:
        read: Any = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as exc:
        raise ConfigurationError(f"MEDHA_RERANK_MODEL: {path} is not JSON: {exc}") from exc
    if not isinstance(read, dict):
        raise ConfigurationError(f"MEDHA_RERANK_MODEL: {path} holds no object")
    return cast("dict[str, Any]", read)
