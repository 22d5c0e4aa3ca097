from __future__ import annotations

import importlib.metadata
from typing import TYPE_CHECKING

import pytest

from medha_fastembed import FastEmbedSettings, make_embedder

from .minilm import make_folder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from medha_fastembed import FastEmbedEmbedder


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("minilm")
    try:
        make_folder(folder)
    except importlib.metadata.PackageNotFoundError as exc:
        pytest.skip(f"{exc.name}, which carries a part of all-MiniLM-L6-v2, is not installed")
    return folder


@pytest.fixture
def settings(folder: Path) -> FastEmbedSettings:
    return FastEmbedSettings(model="sentence-transformers/all-MiniLM-L6-v2", model_path=folder, threads=1)


@pytest.fixture
async def embedder(settings: FastEmbedSettings) -> AsyncIterator[FastEmbedEmbedder]:
    embedder = make_embedder(settings)
    await embedder.connect()
    yield embedder
    await embedder.close()
