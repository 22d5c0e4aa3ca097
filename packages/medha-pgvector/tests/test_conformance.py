"""The standard tests of every backend, with the statements that may use an index and with those that never do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from medha_conformance import BackendSuite

if TYPE_CHECKING:
    from medha_conformance.suite.corruption import Corrupt


class TestPgvector(BackendSuite):
    backend_name = "pgvector"
    service = "pgvector"
    index = "auto"

    @pytest.fixture
    def settings(self, service_url: str) -> dict[str, str]:
        return {"url": service_url, "index": self.index}

    @pytest.fixture
    def corrupt(self, damage_metadata: Corrupt) -> Corrupt:
        return damage_metadata


@pytest.mark.variant
class TestExact(TestPgvector):
    index = "none"
