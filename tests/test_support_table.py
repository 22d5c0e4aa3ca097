"""The support table says what the kept reports say, and the reports are of the suite as it is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tools import support_table

from medha import BackendPlugin, Capability, EmbedderPlugin, L1Plugin
from medha.plugins import installed_plugins
from medha_conformance import BackendSuite, EmbedderSuite, L1Suite, RemoteEmbedderSuite

if TYPE_CHECKING:
    from pathlib import Path

_REPORTS = support_table.read_reports()
_TEST_REPORTS = support_table.read_test_reports()


def test_the_page_is_fresh() -> None:
    assert support_table.main(["--check"]) == 0, "run: python tools/support_table.py"


def test_a_changed_report_makes_the_page_stale(capsys: pytest.CaptureFixture[str], tmp_path: Any) -> None:
    reports = json.loads(json.dumps(_REPORTS))
    reports["memory"]["level"] = "none"
    assert support_table.page(reports, _TEST_REPORTS) != support_table.PAGE.read_text(encoding="utf-8")


def test_a_backend_without_a_report_is_not_called_tested() -> None:
    assert "| memory | ? |" in support_table.page({}, {})
    assert "not run against a live server" in support_table.page({}, {})


def test_a_run_on_the_wire_is_not_called_a_live_one() -> None:
    on_the_wire = _REPORTS["memory"] | {"served_by": "wire", "ran_against": "wire only; not run against a live service"}
    row, *_ = [
        line for line in support_table.page({"memory": on_the_wire}, {}).splitlines() if line.startswith("| memory |")
    ]
    assert row.startswith("| memory | full on the wire |")
    assert "not run against a live service" in row


@pytest.mark.parametrize("name", sorted(_REPORTS))
def test_a_report_covers_the_suite_and_the_capabilities_of_today(name: str) -> None:
    report = _REPORTS[name]
    assert set(report["tests"]) == BackendSuite.standard_tests, f"run: python tools/support_table.py --run ({name})"
    declared = installed_plugins().find(BackendPlugin, name).capabilities
    assert report["capabilities"] == {str(c): declared[c].reason or "full" for c in declared}
    assert set(report["capabilities"]) == {str(capability) for capability in Capability}


def test_every_suite_of_the_table_is_known_by_its_plugin_name() -> None:
    assert set(_REPORTS) <= {suite.name for suite in support_table.SUITES}
    assert {"memory", "sqlite"} <= set(_REPORTS)


def test_every_installed_backend_l1_cache_and_embedder_has_a_row() -> None:
    offered: dict[str, set[str]] = {}
    for plugin in installed_plugins().installed():
        for kind, name in plugin.offers:
            offered.setdefault(kind, set()).add(name)
    rows = {kind: {one.name for one in support_table.TEST_CLASSES if one.kind == kind} for kind in ("l1", "embedder")}
    assert offered[BackendPlugin.kind] == {suite.name for suite in support_table.SUITES}
    assert offered[L1Plugin.kind] == rows["l1"]
    assert offered[EmbedderPlugin.kind] == rows["embedder"]


@pytest.mark.parametrize("key", sorted(_TEST_REPORTS))
def test_a_report_of_a_test_class_covers_its_suite_of_today(key: str) -> None:
    report = _TEST_REPORTS[key]
    on_the_wire = report["served_by"] == "wire"
    suite = L1Suite if report["kind"] == "l1" else RemoteEmbedderSuite if on_the_wire else EmbedderSuite
    assert set(report["tests"]) == suite.standard_tests, f"run: python tools/support_table.py --run {key}"


def test_an_embedder_without_a_report_is_not_called_tested_nor_one_on_the_wire_live() -> None:
    page = support_table.page({}, {"embedder/openai": _TEST_REPORTS["embedder/openai"]})
    assert "| sentence-transformers | medha-sentence-transformers | ? | ? |" in page
    (row,) = [line for line in page.splitlines() if line.startswith("| openai |")]
    assert "full on the wire" in row
    assert "not run against OpenAI" in row
    assert "`OPENAI_API_KEY`" in row


def test_of_a_test_with_parameters_the_worst_outcome_counts(tmp_path: Path) -> None:
    results = tmp_path / "junit.xml"
    results.write_text(
        "<testsuites><testsuite>"
        '<testcase name="test_a[1]" /><testcase name="test_a[2]"><failure /></testcase><testcase name="test_a[3]" />'
        '<testcase name="test_b[1]"><skipped /></testcase><testcase name="test_b[2]" />'
        '<testcase name="test_c"><skipped /></testcase><testcase name="test_d"><error /></testcase>'
        "</testsuite></testsuites>"
    )
    outcomes = support_table.outcomes_in(results)
    assert outcomes == {"test_a": "failed", "test_b": "passed", "test_c": "skipped", "test_d": "failed"}
