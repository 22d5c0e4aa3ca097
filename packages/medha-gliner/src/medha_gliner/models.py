"""Models by name or folder: loaded once in the process, however many extractors use them."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakValueDictionary

import gliner

from medha import Span
from medha.errors import ConfigurationError, ExtractorUnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medha_gliner.settings import GlinerSettings

_gliner: Any = gliner  # its types are open
_FLOOR: Final = 0.1
"""Least confidence to ask the model for. The surest spans are chosen first, so a lower one displaces none; how sure is
sure enough is for Medha to say."""


class Model:
    """A loaded model, and the lock that lets one thread at a time use it."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._lock = threading.Lock()

    def spans(self, texts: Sequence[str], labels: Sequence[str]) -> list[list[Span]]:
        """The spans of each text; labels compete with each other, and spans do not overlap."""
        with self._lock:
            found: list[list[dict[str, Any]]] = self._model.inference(
                list(texts), list(labels), flat_ner=True, threshold=_FLOOR, multi_label=False, batch_size=len(texts)
            )
        return [[_span(each) for each in of_text] for of_text in found]


def _span(found: dict[str, Any]) -> Span:
    return Span(found["start"], found["end"], found["label"], min(1.0, float(found["score"])))


_Key = tuple[str | None, ...]
LOADED: Final[WeakValueDictionary[_Key, Model]] = WeakValueDictionary()
"""Those in use."""
_loading: Final = threading.Lock()


def load(settings: GlinerSettings) -> Model:
    """The model that the settings mean; the one in memory if somebody uses it already.

    Raises:
        ConfigurationError: there is no such folder.
        ExtractorUnavailableError: it cannot be downloaded, or does not load.
    """
    place = _place(settings.model)
    key = (place, settings.revision, settings.device, settings.onnx_file)
    with _loading:
        model = LOADED.get(key)
        if model is None:
            model = LOADED[key] = Model(_load(place, settings))
    return model


def _place(model: str) -> str:
    folder = Path(model).expanduser()
    if folder.is_dir():
        return str(folder.resolve())
    if folder.is_absolute() or model.startswith((".", "~")) or model.count("/") > 1:
        raise ConfigurationError(f"MEDHA_GLINER_MODEL: there is no folder {folder}; it should hold a GLiNER model")
    return model


def _load(place: str, settings: GlinerSettings) -> Any:
    options: dict[str, Any] = {}
    if settings.onnx_file is not None:
        options = {"load_onnx_model": True, "onnx_model_file": settings.onnx_file}
    try:
        return _gliner.GLiNER.from_pretrained(
            place,
            revision=settings.revision,
            cache_dir=settings.cache_dir,
            local_files_only=settings.local_files_only,
            token=None if settings.token is None else settings.token.get_secret_value(),
            map_location=settings.device,
            **options,
        )
    except Exception as exc:
        raise ExtractorUnavailableError(
            f"gliner could not load the model {settings.model!r}: {type(exc).__name__}: {exc}. Without a network, copy "
            "its folder here (gliner_config.json, the weights and the tokenizer) and set MEDHA_GLINER_MODEL to it"
        ) from exc
