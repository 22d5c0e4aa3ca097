from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from medha_rerank import RerankReviewer, RerankSettings

from .tiny import make_folder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("overlap"))


@pytest.fixture
def settings(folder: Path) -> RerankSettings:
    return RerankSettings(model=str(folder), threshold=0.8, threads=1)


@pytest.fixture
async def reviewer(settings: RerankSettings) -> AsyncIterator[RerankReviewer]:
    reviewer = RerankReviewer(settings)
    await reviewer.connect()
    yield reviewer
    await reviewer.close()
