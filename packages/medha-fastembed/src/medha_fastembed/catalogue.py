"""Which model the settings mean: one that fastembed knows, or a custom one that they describe."""

from __future__ import annotations

import difflib
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from fastembed import TextEmbedding
from fastembed.common.model_description import DenseModelDescription, ModelSource, PoolingType

from medha.errors import ConfigurationError
from medha_fastembed.folder import check_folder, find_model_file, fingerprint
from medha_fastembed.settings import CUSTOM_ONLY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medha_fastembed.settings import FastEmbedSettings

_CUSTOM_PREFIX: Final = "medha-custom/"
_registering = threading.Lock()


@dataclass(frozen=True, slots=True)
class ChosenModel:
    """A model that fastembed can load, and what is known of it beforehand."""

    description: DenseModelDescription
    dimension: int
    name: str
    """Changes whenever the vectors would."""


def choose(settings: FastEmbedSettings) -> ChosenModel:
    """The model that the settings mean, neither loaded nor downloaded yet.

    Raises:
        ConfigurationError: no such model, a custom one that is not fully described, or a folder that lacks files.
    """
    known = {entry["model"].casefold(): entry for entry in TextEmbedding.list_supported_models()}
    entry = known.get(settings.model.casefold())
    if entry is None:
        names = [entry["model"] for entry in known.values() if not entry["model"].startswith(_CUSTOM_PREFIX)]
        dimension = _custom_dimension(settings, names)
        description = _registered(settings, dimension)
        parts = [settings.model, settings.pooling, settings.hf_source or settings.url_source, description.model_file]
    else:
        _refuse_custom_settings(settings)
        dimension = int(entry["dim"])
        fields: dict[str, Any] = {**entry, "sources": ModelSource(**entry["sources"])}
        description = DenseModelDescription(**fields)
        parts = [description.model]
    _check_sides(settings, description)
    if (folder := settings.model_path) is not None:
        check_folder(folder, settings.model, description.model_file, description.additional_files)
        parts.append(fingerprint(folder, description.model_file))
    if settings.query_prefix:
        parts.append(f"query {settings.query_prefix!r}")
    if settings.asymmetric:
        parts.append(f"passage {settings.passage_prefix!r}")
    return ChosenModel(description, dimension, "fastembed/" + " ".join(part for part in parts if part))


def _custom_dimension(settings: FastEmbedSettings, names: Sequence[str]) -> int:
    placed = settings.model_path or settings.hf_source or settings.url_source
    if placed is not None and settings.dimension is not None:
        return settings.dimension
    folded = {name.casefold(): name for name in names} | {name.split("/")[-1].casefold(): name for name in names}
    close = difflib.get_close_matches(settings.model.casefold(), folded, n=3, cutoff=0.5)
    hint = f" Did you mean {' or '.join(dict.fromkeys(repr(folded[name]) for name in close))}?" if close else ""
    wanting = "MEDHA_FASTEMBED_DIMENSION" if placed else "MEDHA_FASTEMBED_DIMENSION and MEDHA_FASTEMBED_MODEL_PATH"
    raise ConfigurationError(
        f"fastembed knows no model {settings.model!r}.{hint} To use a model of your own by that name, describe it: "
        f"set {wanting}" + ("" if placed else " (or MEDHA_FASTEMBED_HF_SOURCE)")
    )


def _refuse_custom_settings(settings: FastEmbedSettings) -> None:
    given = sorted(CUSTOM_ONLY & settings.model_fields_set)
    if given:
        variables = ", ".join(f"MEDHA_FASTEMBED_{name.upper()}" for name in given)
        raise ConfigurationError(
            f"fastembed knows the model {settings.model!r} and how to run it; leave out {variables}, "
            "or give the model another name to describe it yourself"
        )


def _check_sides(settings: FastEmbedSettings, description: DenseModelDescription) -> None:
    if settings.asymmetric and settings.query_prefix == settings.passage_prefix and not description.tasks:
        raise ConfigurationError(
            f"MEDHA_FASTEMBED_ASYMMETRIC: {settings.model!r} embeds queries and passages alike; leave it off, or set "
            "MEDHA_FASTEMBED_QUERY_PREFIX and MEDHA_FASTEMBED_PASSAGE_PREFIX to what the model was trained with"
        )


def _registered(settings: FastEmbedSettings, dimension: int) -> DenseModelDescription:
    """The description of a custom model, made known to fastembed, whose register is one for the whole process."""
    model_file = settings.model_file or find_model_file(settings.model_path)
    described = (settings.model, dimension, settings.pooling, settings.normalization, model_file)
    name = _CUSTOM_PREFIX + "|".join(map(str, (*described, settings.hf_source, settings.url_source)))
    # fastembed asks for a source even where a folder makes it needless
    hf = settings.hf_source or (name if settings.url_source is None else None)
    sources = ModelSource(hf=hf, url=settings.url_source)
    with _registering:
        if name.casefold() not in {entry["model"].casefold() for entry in TextEmbedding.list_supported_models()}:
            TextEmbedding.add_custom_model(
                model=name,
                pooling=PoolingType(settings.pooling.upper()),
                normalization=settings.normalization,
                sources=sources,
                dim=dimension,
                model_file=model_file,
            )
    return DenseModelDescription(
        model=name, sources=sources, model_file=model_file, description="", license="", size_in_GB=0.0, dim=dimension
    )
