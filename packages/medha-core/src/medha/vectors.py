"""Vectors as core hands them on: unit float32 rows, checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from medha.errors import MedhaError
    from medha.models import Vectors

_UNIT_TOLERANCE: Final = 1e-6


def unit_rows(vectors: Any, *, count: int, dimension: int, what: str, error: type[MedhaError]) -> Vectors:
    """The vectors as unit rows of shape (count, dimension); rows that are of unit length already keep every bit.

    Raises:
        error: another number or dimension, not numbers, NaN, infinity, or zero length.
    """
    try:
        rows = np.asarray(vectors)
    except (TypeError, ValueError) as exc:
        raise error(f"{what}: not rows of numbers of one length ({exc})") from exc
    if rows.dtype.kind not in "fiu":
        raise error(f"{what}: not rows of numbers, but of {rows.dtype}")
    if rows.dtype != np.float32:
        rows = rows.astype(np.float64)
    if rows.shape != (count, dimension):
        raise error(f"{what}: shape {rows.shape}, expected ({count}, {dimension})")
    squares = np.einsum("ij,ij->i", rows, rows, dtype=np.float64)
    bad = ~np.isfinite(squares) | (squares <= 0)
    if bad.any():
        row = int(np.argmax(bad))
        kind = "has zero length" if squares[row] == 0 else "holds NaN or infinity"
        raise error(f"{what}: vector {row} {kind}; the direction of such a vector is undefined")
    lengths = np.sqrt(squares)
    if np.all(np.abs(lengths - 1) <= _UNIT_TOLERANCE):
        return np.ascontiguousarray(rows, dtype=np.float32)
    return (rows / lengths[:, np.newaxis]).astype(np.float32)
