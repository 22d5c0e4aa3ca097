"""The Prometheus example is scraped, and the Grafana dashboard asks only for what it found there."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from prometheus_client.parser import text_string_to_metric_families

from medha_otel import names

if TYPE_CHECKING:
    from collections.abc import Generator

EXAMPLES: Final = Path(__file__).parent.parent / "examples"
PAGE: Final = EXAMPLES.parent / "docs" / "observability.md"
DASHBOARD: Final = json.loads((EXAMPLES / "observability/grafana-dashboard.json").read_text("utf-8"))
EXPRESSIONS: Final[list[str]] = [t["expr"] for panel in DASHBOARD["panels"] for t in panel["targets"]]
ONLY_WITH_FAULTS: Final = {"error_type"}
"""Labels that the lookups of an example without faults do not have."""


@contextmanager
def serving() -> Generator[str]:
    """The address that the example serves while it goes on asking."""
    command = [sys.executable, str(EXAMPLES / "observed_by_prometheus.py"), "--serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().split()[-1]
        finally:
            process.kill()


@pytest.fixture(scope="module")
def scraped() -> dict[str, set[str]]:
    """The labels of each metric on the page, once every one is there."""
    with serving() as address:
        while True:
            with urllib.request.urlopen(address, timeout=30) as page:  # noqa: S310 - it says http
                found = labels_of(page.read().decode())
            if {"medha_lookups_total", "medha_guard_rejections_total"} <= found.keys():
                return found


def labels_of(page: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            if sample.name.startswith("medha_"):
                found.setdefault(sample.name, set()).update(sample.labels)
    return found


def unknown(expression: str, known: dict[str, set[str]]) -> list[str]:
    """Metrics that nobody has measured, and labels that they do not have."""
    faults: list[str] = []
    metrics = re.findall(r"([a-z_:]\w*)\{([^}]*)\}", expression)
    for metric, conditions in metrics:
        labels = set(re.findall(r"(\w+)\s*(?:=~|!=|!~|=)", conditions))
        for grouped in re.findall(r"by \(([^)]*)\)", expression):
            labels |= {label.strip() for label in grouped.split(",")}
        if metric not in known:
            faults.append(metric)
        else:
            faults += [f"{metric}: {label}" for label in labels - known[metric] - ONLY_WITH_FAULTS]
    rest = re.sub(r"\{[^}]*\}|by \([^)]*\)", "", expression)
    named = set(re.findall(r"\bmedha_\w+", rest)) - {metric for metric, _ in metrics}
    return faults + sorted(named)


def test_the_dashboard_asks_only_for_metrics_and_labels_that_exist(scraped: dict[str, set[str]]) -> None:
    assert {expression: faults for expression in EXPRESSIONS if (faults := unknown(expression, scraped))} == {}
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            metric, label = re.fullmatch(r"label_values\((\w+)\{\}, (\w+)\)", variable["definition"]).groups()  # pyright: ignore[reportOptionalMemberAccess]
            assert label in scraped[metric]


def test_the_dashboard_shows_every_metric(scraped: dict[str, set[str]]) -> None:
    shown = set(re.findall(r"(medha_\w+)\{", " ".join(EXPRESSIONS)))
    families = {re.sub(r"_(bucket|count|sum|created)$", "", name) for name in scraped}
    assert families - {re.sub(r"_bucket$", "", name) for name in shown} == set()


@pytest.mark.parametrize(
    "expression",
    ["sum(medha_absent_total{})", 'rate(medha_lookups_total{medha_city="Ghent"}[5m])', "sum(rate(medha_absent[5m]))"],
)
def test_a_name_that_does_not_exist_is_seen(expression: str, scraped: dict[str, set[str]]) -> None:
    assert unknown(expression, scraped) != []


def test_the_dashboard_can_be_imported() -> None:
    assert {"title", "uid", "schemaVersion", "panels", "templating"} <= DASHBOARD.keys()
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    variables = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(DASHBOARD)))
    assert used - {"__range", "__rate_interval", "__all"} == variables
    for panel in DASHBOARD["panels"]:
        assert 0 <= panel["gridPos"]["x"] <= panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
        assert panel["datasource"]["uid"] == "${datasource}"


def test_the_panels_do_not_lie_on_each_other() -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in DASHBOARD["panels"]:
        place: dict[str, Any] = panel["gridPos"]
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert taken.setdefault((x, y), panel["title"]) == panel["title"]


def test_the_page_names_every_metric_and_attribute() -> None:
    page = PAGE.read_text(encoding="utf-8")
    values = [value for name, value in vars(names).items() if name.isupper() and isinstance(value, str)]
    assert [value for value in values if f"`{value.rstrip('.')}" not in page] == []
