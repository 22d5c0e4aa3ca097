from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from medha_conformance import ExtractorSuite

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("torch", reason="gliner needs PyTorch; run python tools/torch_tests.py")


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:Sentence of length")
class TestGliner(ExtractorSuite):
    extractor_name = "gliner"

    @pytest.fixture
    def examples(self) -> list[tuple[str, str, str]]:
        return [("users from Rome", "place", "Rome"), ("orders of Ada Lovelace", "person", "Ada Lovelace")]

    @pytest.fixture
    def settings(self, folder: Path) -> dict[str, str]:
        return {"model": str(folder)}
