"""Loading a chosen model: from its folder, or downloaded first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastembed import TextEmbedding
from fastembed.common.utils import define_cache_dir

from medha.errors import EmbedderUnavailableError

if TYPE_CHECKING:
    from pathlib import Path

    from medha_fastembed.catalogue import ChosenModel
    from medha_fastembed.settings import FastEmbedSettings


def load(chosen: ChosenModel, settings: FastEmbedSettings) -> TextEmbedding:
    """The model in memory, ready to embed.

    Raises:
        EmbedderUnavailableError: it cannot be downloaded, or its files do not load.
    """
    folder = settings.model_path or _fetch(chosen, settings)
    try:
        return TextEmbedding(
            chosen.description.model,
            cache_dir=None if settings.cache_dir is None else str(settings.cache_dir),
            threads=settings.threads,
            providers=settings.providers,
            specific_model_path=str(folder),
        )
    except Exception as exc:
        raise EmbedderUnavailableError(
            f"fastembed could not load the model {settings.model!r} from {folder}: {exc}"
        ) from exc


def _fetch(chosen: ChosenModel, settings: FastEmbedSettings) -> Path:
    """The folder of the model in the cache, downloaded where it must be; one attempt, for the caller has a deadline."""
    description = chosen.description
    files = [description.model_file, *description.additional_files, "tokenizer.json", "tokenizer_config.json"]
    try:
        cache = define_cache_dir(None if settings.cache_dir is None else str(settings.cache_dir))
        return TextEmbedding.download_model(
            description, str(cache), retries=1, local_files_only=settings.local_files_only
        )
    except Exception as exc:
        where = settings.cache_dir or "fastembed's cache"
        failed = "is not in" if settings.local_files_only else "could not be downloaded into"
        raise EmbedderUnavailableError(
            f"the model {settings.model!r} {failed} {where}: {exc} Without a network, copy a folder with "
            f"{', '.join(files)} here, and set MEDHA_FASTEMBED_MODEL={settings.model} and MEDHA_FASTEMBED_MODEL_PATH "
            "to that folder; with one, leave MEDHA_FASTEMBED_LOCAL_FILES_ONLY and HF_HUB_OFFLINE unset"
        ) from exc
