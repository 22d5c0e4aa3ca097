"""From what a cross-encoder puts out to one score in [0, 1]."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from medha.errors import ConfigurationError

if TYPE_CHECKING:
    import numpy.typing as npt


def label_index(config: dict[str, Any], label: str | None) -> int | None:
    """Which output is the score; ``None`` when there is only one.

    Raises:
        ConfigurationError: the model has several and none is named, or the name is not one of them.
    """
    named: dict[Any, str] = config.get("id2label") or {0: "LABEL_0"}
    names = {str(name).casefold(): int(index) for index, name in named.items()}
    known = ", ".join(map(str, named.values()))
    if len(named) == 1:
        if label is not None and label.casefold() not in names:
            raise ConfigurationError(f"MEDHA_RERANK_LABEL: the model has one label, {known}, and no {label!r}")
        return None
    if label is None:
        raise ConfigurationError(
            f"the cross-encoder has several labels ({known}); set MEDHA_RERANK_LABEL to the one that says that two "
            "questions ask the same"
        )
    if label.casefold() not in names:
        raise ConfigurationError(f"MEDHA_RERANK_LABEL: the model has no label {label!r}; it has {known}")
    return names[label.casefold()]


def scores(logits: npt.NDArray[np.floating[Any]], pairs: int, index: int | None) -> list[float]:
    """One score per pair: the sigmoid of a single output, or the softmax of the named one.

    Raises:
        ValueError: the model put out another shape, or what is no number.
    """
    rows = np.asarray(logits, dtype=np.float64).reshape(pairs, -1)
    if not np.isfinite(rows).all():
        raise ValueError("the model put out NaN or infinity")
    if index is None:
        if rows.shape[1] != 1:
            raise ValueError(f"the model put out {rows.shape[1]} numbers for a pair, but config.json names one label")
        return [float(each) for each in 1 / (1 + np.exp(-np.clip(rows[:, 0], -700, 700)))]
    if rows.shape[1] <= index:
        raise ValueError(f"the model put out {rows.shape[1]} numbers for a pair, fewer than config.json names labels")
    shares = np.exp(rows - rows.max(axis=1, keepdims=True))
    return [float(each) for each in shares[:, index] / shares.sum(axis=1)]
