from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from medha_sentence_transformers import SentenceTransformersSettings, make_embedder

from .minilm import folder_of_the_model

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from medha_sentence_transformers import SentenceTransformersEmbedder


@pytest.fixture(scope="session")
def folder() -> Path:
    return folder_of_the_model()


@pytest.fixture
def settings(folder: Path) -> SentenceTransformersSettings:
    return SentenceTransformersSettings(model=str(folder), device="cpu")


@pytest.fixture
async def embedder(settings: SentenceTransformersSettings) -> AsyncIterator[SentenceTransformersEmbedder]:
    embedder = make_embedder(settings)
    await embedder.connect()
    yield embedder
    await embedder.close()
