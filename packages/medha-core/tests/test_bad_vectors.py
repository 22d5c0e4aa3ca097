"""Vectors that are refused, whether they were given or come from the embedder."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest

from medha import BaseEmbedder, Medha
from medha.errors import EmbedderError, EmbedderOutputError, InvalidEntryError, PartialWriteError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from conftest import WatchedBackend

Bad = tuple[Any, str]

BAD_VECTORS: Final[list[Bad]] = [
    ([float("nan")] * 64, "the given vector: vector 0 holds NaN or infinity"),
    ([float("inf")] + [0.0] * 63, "vector 0 holds NaN or infinity"),
    ([0.0] * 64, "vector 0 has zero length"),
    ([1.0] * 63, r"shape \(1, 63\), expected \(1, 64\)"),
    ([], r"shape \(1, 0\), expected \(1, 64\)"),
    ([[1.0] * 64], r"shape \(1, 1, 64\), expected \(1, 64\)"),
    (["1"] * 64, "not rows of numbers"),
    ([True] * 64, "not rows of numbers, but of bool"),
    ([1j] * 64, "not rows of numbers, but of complex"),
    ([None] * 64, "not rows of numbers"),
    ([10**400] * 64, "not rows of numbers"),
    ([[1.0], [1.0, 2.0]], "not rows of numbers of one length"),
    ("vector", "not rows of numbers"),
    (..., "not rows of numbers"),
]


def _shown(bad: Bad) -> str:
    return f"{bad[0]!r:.30}"


@asynccontextmanager
async def _nothing_changes(cache: Medha) -> AsyncGenerator[None, None]:
    """One entry is stored first; whatever the block refuses, it is all there is and is still served."""
    await cache.store("total sales", "SELECT 'kept'", ttl=None)
    yield
    assert await cache.count() == 1
    hit = await cache.search("total sales")
    assert hit.generated_query == "SELECT 'kept'"


@pytest.mark.parametrize("bad", BAD_VECTORS, ids=_shown)
async def test_a_bad_given_vector_is_refused_with_its_index(cache: Medha, bad: Bad) -> None:
    vector, message = bad
    rows = [{"question": "total cost", "query": "SELECT 1"}, {"question": "total sales", "query": "SELECT 2"}]
    async with _nothing_changes(cache):
        with pytest.raises(InvalidEntryError, match=message) as refused:
            await cache.store_many([rows[0], rows[1] | {"vector": vector}])
        assert refused.value.index == 1


class OddEmbedder(BaseEmbedder):
    """Returns whatever it is told to."""

    dimension = 2  # pyright: ignore[reportAssignmentType,reportIncompatibleMethodOverride]
    model_name = "odd"  # pyright: ignore[reportAssignmentType,reportIncompatibleMethodOverride]

    def __init__(self) -> None:
        self.returned: Any = [[3.0, 4.0]]

    async def aembed_batch(self, texts: Sequence[str], *, is_document: bool = False) -> Any:
        return self.returned


@pytest.mark.parametrize(
    ("returned", "error", "message"),
    [
        ([[float("nan"), 1.0]], EmbedderOutputError, "what 'odd' returned for 1 texts: vector 0 holds NaN"),
        ([[float("inf"), 1.0]], EmbedderOutputError, "vector 0 holds NaN or infinity"),
        ([[0.0, 0.0]], EmbedderOutputError, "vector 0 has zero length"),
        ([[1.0, 2.0, 3.0]], EmbedderOutputError, r"shape \(1, 3\), expected \(1, 2\)"),
        ([[1.0, 2.0], [1.0, 2.0]], EmbedderOutputError, "'odd' returned"),
        ([["1", "2"]], EmbedderOutputError, "not rows of numbers"),
        ([[[1.0], [1.0, 2.0]]], EmbedderOutputError, "not rows of numbers of one length"),
        ([None], EmbedderOutputError, "not rows of numbers"),
    ],
)
async def test_a_bad_vector_from_the_embedder_is_an_error_that_names_the_model(
    backend: WatchedBackend, returned: Any, error: type[EmbedderError], message: str
) -> None:
    embedder = OddEmbedder()
    async with Medha("tests", embedder, backend) as cache, _nothing_changes(cache):
        embedder.returned = returned
        with pytest.raises(error, match=message):
            await cache.store("total cost", "SELECT 1")
        with pytest.raises(error, match=message):
            await cache.search("total cost of it")
        with pytest.raises(PartialWriteError, match="stopped after 0 of 1 entries") as stopped:
            await cache.store_many([{"question": "total cost", "query": "SELECT 1"}])
        assert stopped.value.stored == 0
        assert isinstance(stopped.value.__cause__, error)
        embedder.returned = [[1.0, 0.0]]
        await cache.store("total cost", "SELECT 1")
        assert await cache.invalidate("total cost") == 1


@pytest.mark.parametrize("returned", [[], None, 7])
async def test_an_embedder_that_returns_no_vector_at_all_is_an_error(backend: WatchedBackend, returned: Any) -> None:
    embedder = OddEmbedder()
    async with Medha("tests", embedder, backend) as cache, _nothing_changes(cache):
        embedder.returned = returned
        with pytest.raises(EmbedderError, match=r"'odd' returned 0 vectors|OddEmbedder failed to embed"):
            await cache.search("total cost")
        with pytest.raises(EmbedderOutputError, match="what 'odd' returned for 1 texts"):
            await cache.store("total cost", "SELECT 1")


@pytest.mark.parametrize(
    ("dimension", "model_name"), [(0, "odd"), (-1, "odd"), (2.0, "odd"), (True, "odd"), (None, "odd"), (2, None)]
)
async def test_an_embedder_without_a_usable_dimension_or_name_does_not_start(
    backend: WatchedBackend, dimension: Any, model_name: Any
) -> None:
    embedder = OddEmbedder()
    embedder.dimension, embedder.model_name = dimension, model_name  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(EmbedderOutputError, match=r"OddEmbedder has dimension .*; expected a positive int and a str"):
        await Medha("tests", embedder, backend).start()
