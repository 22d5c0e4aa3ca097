"""A model with two sides gets stored questions as documents and asked ones as queries, whichever call brings them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

    from conftest import WatchedBackend, WordsEmbedder

    from medha import Medha
    from medha.models import Vector

ROWS: list[dict[str, Any]] = [
    {"question": "How many albums are there?", "generated_query": "SELECT 1"},
    {"question": "Who sings the longest song?", "generated_query": "SELECT 2"},
]


@pytest.fixture
def embedder(embedder: WordsEmbedder) -> WordsEmbedder:
    """Of the same words, but a document's vector is the opposite of a query's."""
    words: Any = type(embedder)

    class TwoSided(words):
        asymmetric = True

        async def aembed_batch(self, texts: Sequence[str], *, is_document: bool = False) -> list[Vector]:
            sign = -1 if is_document else 1
            return [sign * vector for vector in await words.aembed_batch(self, texts, is_document=is_document)]

    return TwoSided()


async def store(cache: Medha, _: Path) -> None:
    for row in ROWS:
        await cache.store(**row)


async def store_many(cache: Medha, _: Path) -> None:
    await cache.store_many(ROWS)


async def store_batch(cache: Medha, _: Path) -> None:
    await cache.store_batch(ROWS)


async def warm_from_file(cache: Medha, folder: Path) -> None:
    path = folder / "rows.json"
    path.write_text(json.dumps(ROWS))
    await cache.warm_from_file(path)


async def warm_from_dataframe(cache: Medha, _: Path) -> None:
    await cache.warm_from_dataframe(pd.DataFrame(ROWS))


async def warm_from_dataframe_in_many_batches(cache: Medha, _: Path) -> None:
    await cache.warm_from_dataframe(pd.DataFrame(ROWS), batch_size=1)


async def store_after_asking(cache: Medha, _: Path) -> None:
    for row in ROWS:
        assert not await cache.search(row["question"])
    await cache.warm_from_dataframe(pd.DataFrame(ROWS))


async def generate(cache: Medha, _: Path) -> None:
    for row in ROWS:
        await cache.get_or_generate(row["question"], lambda _, row=row: row["generated_query"])


WAYS = [
    store,
    store_many,
    store_batch,
    warm_from_file,
    warm_from_dataframe,
    warm_from_dataframe_in_many_batches,
    store_after_asking,
    generate,
]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
async def test_what_is_stored_is_embedded_as_documents(
    cache: Medha,
    embedder: WordsEmbedder,
    backend: WatchedBackend,
    tmp_path: Path,
    way: Callable[[Medha, Path], Awaitable[None]],
) -> None:
    await way(cache, tmp_path)
    stored = (await backend.scroll("tests", with_vectors=True)).entries
    assert {entry.question for entry in stored} == {row["question"] for row in ROWS}
    texts = [entry.normalized_question.casefold() for entry in stored]
    as_documents = [text for texts, is_document in embedder.calls if is_document for text in texts]
    assert sorted(as_documents) == sorted(texts)
    expected = np.asarray(await embedder.aembed_batch(texts, is_document=True))
    for entry, vector in zip(stored, expected, strict=True):
        assert entry.vector is not None
        assert entry.vector @ (vector / np.linalg.norm(vector)) == pytest.approx(1.0, abs=1e-5)


async def test_what_is_asked_is_embedded_as_queries(cache: Medha, embedder: WordsEmbedder) -> None:
    await cache.warm_from_dataframe(pd.DataFrame(ROWS))
    embedder.calls.clear()
    await cache.search("Who sings the shortest song?")
    await cache.search_batch(["Who plays the longest song?", "Which albums are there?"])
    await cache.explain("Who sings the loudest song?")
    assert embedder.calls
    assert not any(is_document for _, is_document in embedder.calls)


async def test_an_identical_question_is_found_though_its_two_sides_are_opposites(cache: Medha) -> None:
    await cache.warm_from_dataframe(pd.DataFrame(ROWS))
    hit = await cache.search(ROWS[0]["question"])
    assert hit.generated_query == "SELECT 1"
