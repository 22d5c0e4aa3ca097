"""The support table says what the kept reports say, and the reports are of the suite as it is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tools import support_table

from medha import BackendPlugin, Capability
from medha.plugins import installed_plugins
from medha_conformance import BackendSuite

_REPORTS = support_table.read_reports()


def test_the_page_is_fresh() -> None:
    assert support_table.main(["--check"]) == 0, "run: python tools/support_table.py"


def test_a_changed_report_makes_the_page_stale(capsys: pytest.CaptureFixture[str], tmp_path: Any) -> None:
    reports = json.loads(json.dumps(_REPORTS))
    reports["memory"]["level"] = "none"
    assert support_table.page(reports) != support_table.PAGE.read_text(encoding="utf-8")


def test_a_backend_without_a_report_is_not_called_tested() -> None:
    assert "| memory | ? |" in support_table.page({})
    assert "not run against a live server" in support_table.page({})


def test_a_run_on_the_wire_is_not_called_a_live_one() -> None:
    on_the_wire = _REPORTS["memory"] | {"served_by": "wire", "ran_against": "wire only; not run against a live service"}
    row, *_ = [
        line for line in support_table.page({"memory": on_the_wire}).splitlines() if line.startswith("| memory |")
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
