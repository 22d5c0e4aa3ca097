from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small trained model."""
    from .tiny import make_folder

    folder = tmp_path_factory.mktemp("gliner")
    make_folder(folder)
    return folder / "model"
