"""The file in which embeddings outlive the process: a numpy archive, written atomically, without question text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from medha.atomic import atomic_writer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from medha.models import CollectionSpec, Vector


class UnusableFileError(Exception):
    """The file cannot be used for this model; the vectors are made anew."""


def save(path: Path, spec: CollectionSpec, vectors: Mapping[str, Vector]) -> None:
    """Replace the file by one with these vectors.

    Raises:
        FileError: it cannot be written; the file that was there is untouched.
    """
    rows = np.stack(list(vectors.values())) if vectors else np.empty((0, spec.dimension), np.float32)
    head = json.dumps({"dimension": spec.dimension, "model_name": spec.model_name}).encode()
    with atomic_writer(path) as file:
        np.savez(
            file,
            head=np.frombuffer(head, np.uint8),
            keys=np.array([key.encode("ascii") for key in vectors], dtype="S33"),
            vectors=rows,
        )


def load(path: Path, spec: CollectionSpec) -> dict[str, Vector]:
    """The vectors in the file; none when there is no file.

    Raises:
        UnusableFileError: made by another model or dimension, or not a file of this kind.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            head = json.loads(archive["head"].tobytes())
            made_by = (head["model_name"], head["dimension"])
            keys = [key.decode("ascii") for key in archive["keys"].tolist()]
            rows = archive["vectors"]
    except FileNotFoundError:
        return {}
    except Exception as exc:
        # numpy and zipfile raise a dozen kinds of errors on damaged files
        raise UnusableFileError(f"it cannot be read: {type(exc).__name__}: {exc}") from exc
    if made_by != (spec.model_name, spec.dimension):
        raise UnusableFileError(
            f"it was made by {made_by[0]!r} ({made_by[1]} dimensions), "
            f"not by {spec.model_name!r} ({spec.dimension} dimensions)"
        )
    if rows.dtype != np.float32 or rows.shape != (len(keys), spec.dimension) or not np.isfinite(rows).all():
        raise UnusableFileError(f"its vectors have shape {rows.shape} and type {rows.dtype}")
    return {key: row.copy() for key, row in zip(keys, rows, strict=True)}
