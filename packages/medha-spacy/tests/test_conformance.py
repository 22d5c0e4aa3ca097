from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from medha_conformance import ExtractorSuite

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = [("users from Rome", "GPE", "Rome"), ("orders of Ada Lovelace", "PERSON", "Ada Lovelace")]


class TestRules(ExtractorSuite):
    extractor_name = "spacy"

    @pytest.fixture
    def examples(self) -> list[tuple[str, str, str]]:
        return EXAMPLES

    @pytest.fixture
    def settings(self, ruled: Path) -> dict[str, str]:
        return {"model": str(ruled)}


@pytest.mark.long
class TestTrainedModel(ExtractorSuite):
    extractor_name = "spacy"

    @pytest.fixture
    def examples(self) -> list[tuple[str, str, str]]:
        return EXAMPLES

    @pytest.fixture
    def settings(self, trained: Path) -> dict[str, str]:
        return {"model": str(trained)}
