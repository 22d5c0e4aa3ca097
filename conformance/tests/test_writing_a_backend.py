"""The backend on the page for authors is written as the page says, and passes the suite that the page promises."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from medha_conformance import BackendSuite
from medha_conformance.pytest_plugin import takes_long
from medha_conformance.suite.corruption import CorruptionTopic
from medha_conformance.suite.faults import FaultTopic
from medha_conformance.suite.secrets import SecretTopic

_PAGE = Path(__file__).parents[2] / "docs" / "writing-a-backend.md"
_NOT_FOR_IT = {
    "test_metadata_filtering_is_refused_where_it_is_not_supported",
    "test_backends_that_share_see_each_others_writes",
    "test_backends_that_share_lose_no_feedback",
    "test_closing_one_of_two_backends_leaves_the_other_working",
    *(name for topic in (FaultTopic, CorruptionTopic, SecretTopic) for name in vars(topic) if name.startswith("test")),
}
"""Tests of what the page's backend declares otherwise."""


def _blocks() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", _PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "medha_shelf"}
    for block in _blocks():
        exec(compile(block, _PAGE.name, "exec", dont_inherit=True), names)  # noqa: S102 - the page is ours
    return names


def _marked(test: str) -> Any:
    return pytest.param(test, marks=[pytest.mark.long] if takes_long(getattr(BackendSuite, test)) else [])


@pytest.mark.parametrize("test", [_marked(test) for test in sorted(BackendSuite.standard_tests - _NOT_FOR_IT)])
async def test_the_pages_backend_passes(test: str, page: dict[str, Any], tmp_path: Path, passes: Any) -> None:
    await passes(test, lambda: page["ShelfBackend"](page["ShelfSettings"](folder=tmp_path)))


def test_the_pages_plugin_offers_what_its_backend_declares(page: dict[str, Any]) -> None:
    (plugin,) = page["medha_register_backends"]()
    assert plugin.name == page["TestShelf"].backend_name
    assert plugin.capabilities is page["ShelfBackend"].capabilities


def test_the_pages_files_are_small() -> None:
    assert max(len(block.splitlines()) for block in _blocks()) < 150
