from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from medha_conformance import ReviewerSuite

if TYPE_CHECKING:
    from medha_rerank import RerankSettings


class TestRerank(ReviewerSuite):
    reviewer_name = "rerank"

    @pytest.fixture
    def settings(self, settings: RerankSettings) -> RerankSettings:
        return settings
