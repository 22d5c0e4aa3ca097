"""Pipelines by name or folder: loaded once in the process, however many extractors use them."""

from __future__ import annotations

import difflib
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakValueDictionary

import spacy
from spacy.util import get_installed_models

from medha.errors import ConfigurationError, ExtractorUnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spacy.language import Language


class Pipeline:
    """A loaded pipeline, the labels that it gives, and the lock that lets one thread at a time use it."""

    def __init__(self, nlp: Language, labels: tuple[str, ...] | None) -> None:
        self._nlp = nlp
        self._lock = threading.Lock()
        self.labels = labels

    def entities(self, texts: Sequence[str]) -> list[list[tuple[int, int, str]]]:
        """Start, end and label of each entity of each text."""
        # the zone lets go of the words of each question: without it the vocabulary grows for good
        nlp: Any = self._nlp  # the types of spaCy leave the zone open
        with self._lock, nlp.memory_zone():
            docs = nlp.pipe(texts, batch_size=len(texts))
            return [[(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents] for doc in docs]


LOADED: Final[WeakValueDictionary[str, Pipeline]] = WeakValueDictionary()
"""Those in use, by name or folder."""
_loading: Final = threading.Lock()


def load(model: str) -> Pipeline:
    """The pipeline of that name or folder; the one in memory if somebody uses it already.

    Raises:
        ConfigurationError: there is no such pipeline, or it finds no entities.
        ExtractorUnavailableError: it is there and does not load.
    """
    folder = Path(model).expanduser()
    place = str(folder.resolve()) if folder.exists() else model
    with _loading:
        pipeline = LOADED.get(place)
        if pipeline is None:
            nlp = _load(place)
            pipeline = LOADED[place] = Pipeline(nlp, _labels(nlp, place))
    return pipeline


def _load(model: str) -> Language:
    installed = get_installed_models()
    if not Path(model).exists() and model not in installed:
        close = difflib.get_close_matches(model, installed, n=1)
        hint = f"did you mean {close[0]!r}? Or install it" if close else "install it"
        raise ConfigurationError(
            f"MEDHA_SPACY_MODEL: {model!r} is no folder, and no installed pipeline "
            f"({', '.join(installed) or 'there are none'}); {hint}: python -m spacy download {model}"
        )
    try:
        return spacy.load(model)
    except Exception as exc:
        raise ExtractorUnavailableError(f"spaCy could not load the pipeline {model!r}: {exc}") from exc


def _labels(nlp: Language, model: str) -> tuple[str, ...] | None:
    """Every label of the components that set entities; ``None`` when one of them does not say its own."""
    finders: list[Any] = [nlp.get_pipe(name) for name in nlp.pipe_names if _sets_entities(nlp, name)]
    if not finders:
        raise ConfigurationError(
            f"the pipeline {model!r} finds no entities: of its components ({', '.join(nlp.pipe_names) or 'none'}) "
            "none sets them. Use one that has 'ner' or 'entity_ruler'"
        )
    if not all(hasattr(finder, "labels") for finder in finders):
        return None
    return tuple(sorted({label for finder in finders for label in finder.labels}))


def _sets_entities(nlp: Language, name: str) -> bool:
    finder: Any = nlp.get_pipe(name)
    return "doc.ents" in nlp.get_pipe_meta(name).assigns or bool(getattr(finder, "annotate_ents", False))
