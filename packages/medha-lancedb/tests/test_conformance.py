"""The standard tests of every backend."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from medha_conformance import BackendSuite
from medha_lancedb import LanceSettings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from medha_conformance.suite.corruption import Corrupt


class TestFolder(BackendSuite):
    backend_name = "lancedb"
    values: ClassVar[dict[str, Any]] = {}

    @pytest.fixture
    def settings(self, folder: Path) -> LanceSettings:
        return LanceSettings(uri=str(folder), **self.values)

    @pytest.fixture
    def corrupt(self, folder: Path, damage: Callable[..., Awaitable[None]]) -> Corrupt:
        return partial(damage, folder)


@pytest.mark.variant
class TestMergingAllTheTime(TestFolder):
    values: ClassVar = {"merge_after": 1}


@pytest.mark.variant
class TestTableOnly(TestFolder):
    values: ClassVar = {"write_ahead": False}
