"""A search in another thread always finds what stands, whatever is written while it runs.

The writes happen inside ``accept``, which the search calls for each row it looks at: the very moment at which
another thread would write.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest

from medha.matrix import VectorMatrix

if TYPE_CHECKING:
    from collections.abc import Callable

    from medha.models import Vector

_QUERY = np.array([1.0, 0.0], dtype=np.float32)


def _at(cosine: float) -> Vector:
    return np.array([cosine, (1 - cosine * cosine) ** 0.5], dtype=np.float32)


def _matrix(**cosines: float) -> VectorMatrix[str]:
    matrix: VectorMatrix[str] = VectorMatrix(2)
    for key, cosine in cosines.items():
        matrix.put([key], _at(cosine)[None], [key])
    return matrix


def _search(
    matrix: VectorMatrix[str], meanwhile: Callable[[], object], *, limit: int = 10, min_similarity: float = -1.0
) -> list[tuple[str, float]]:
    done = False

    def accept(_: str) -> bool:
        nonlocal done
        if not done:
            done = True
            meanwhile()
        return True

    found = matrix.search_here(_QUERY, limit=limit, min_similarity=min_similarity, accept=accept)
    return [(payload, round(similarity, 4)) for payload, similarity in found]


def test_a_row_replaced_by_its_like_is_found() -> None:
    matrix = _matrix(first=0.9, second=0.8)
    found = _search(matrix, lambda: matrix.put(["second"], _at(0.8)[None], ["second, newer"]))
    assert found == [("first", 0.9), ("second, newer", 0.8)]


def test_a_replaced_row_is_found_with_the_similarity_of_its_new_vector() -> None:
    matrix = _matrix(first=0.9, second=0.8, third=0.5)
    found = _search(matrix, lambda: matrix.put(["second"], _at(0.1)[None], ["moved away"]))
    assert found == [("first", 0.9), ("third", 0.5), ("moved away", 0.1)]


def test_a_row_replaced_several_times_is_found_once() -> None:
    matrix = _matrix(first=0.9, second=0.8)

    def rewrite() -> None:
        for number in range(5):
            matrix.put(["second"], _at(0.7)[None], [f"version {number}"])

    assert _search(matrix, rewrite) == [("first", 0.9), ("version 4", 0.7)]


def test_a_row_that_moved_below_the_minimum_is_left_out() -> None:
    matrix = _matrix(first=0.9, second=0.8)
    found = _search(matrix, lambda: matrix.put(["second"], _at(0.1)[None], ["moved away"]), min_similarity=0.5)
    assert found == [("first", 0.9)]


def test_the_limit_holds_when_a_replaced_row_comes_in_addition() -> None:
    matrix = _matrix(first=0.9, second=0.8, third=0.7)
    found = _search(matrix, lambda: matrix.put(["second"], _at(0.85)[None], ["second, newer"]), limit=2)
    assert found == [("first", 0.9), ("second, newer", 0.85)]


def test_a_removed_row_is_not_found() -> None:
    matrix = _matrix(first=0.9, second=0.8)
    assert _search(matrix, lambda: matrix.remove(["second"])) == [("first", 0.9)]


@pytest.mark.parametrize("rows", [3, 20_000])
def test_every_row_is_found_once_while_blocks_are_compacted(rows: int) -> None:
    matrix: VectorMatrix[str] = VectorMatrix(2)
    keys = [f"row {number}" for number in range(rows)]
    vectors = np.vstack([_at(0.9 - number / rows) for number in range(rows)])
    matrix.put(keys, vectors, keys)
    kept = keys[:: max(1, rows // 100)]
    gone = sorted(set(keys) - set(kept))
    found = [payload for payload, _ in _search(matrix, lambda: matrix.remove(gone), limit=rows)]
    assert sorted(found) == sorted(kept)
    assert [payload for payload, _ in _search(matrix, lambda: None, limit=rows)] == kept


def test_a_row_that_is_replaced_over_and_over_never_goes_missing() -> None:
    matrix: VectorMatrix[str] = VectorMatrix(2)
    others = [f"other {number}" for number in range(5000)]
    matrix.put(others, np.tile(_at(0.1), (5000, 1)), others)
    matrix.put(["wanted"], _at(1.0)[None], ["wanted"])
    stop = threading.Event()

    def search() -> list[int]:
        return [len(matrix.search_here(_QUERY, limit=5, min_similarity=0.9, accept=lambda _: True)) for _ in range(50)]

    def write() -> None:
        while not stop.is_set():
            matrix.put(["wanted"], _at(1.0)[None], ["wanted"])

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert search() == [1] * 50
    finally:
        stop.set()
        writer.join()
