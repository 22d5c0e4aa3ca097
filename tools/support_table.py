"""Write docs/support.md from the reports of the conformance runs in docs/reports.

python tools/support_table.py            rewrite the page from the reports
python tools/support_table.py --run      run each suite whose server is reachable first, and keep its report (on the
                                         wire where there is a server for that alone); with names behind it, only
                                         those: a backend's `redis`, an L1 cache's `l1/redis`, `embedder/openai`
python tools/support_table.py --check    exit 1 when the page is stale
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree as ET

from medha import Capability
from medha_conformance.runner.versions import server_version

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = ROOT / "docs" / "support.md"
REPORTS: Final = ROOT / "docs" / "reports"

HEAD: Final = """# Which backend can what

Each row is a run of the conformance suite, as `medha-conformance run NAME` makes it; what the levels mean is in
[conformance.md](conformance.md). A backend without a report has not been run against a live server. Where it says
*wire only*, the suite ran with the real driver against a server of the package's own tests, which speaks the vendor's
protocol and refuses what is not in the vendor's schema: that proves what is sent and what is made of the answers, not
how the vendor's service behaves.

The tables for [L1 caches](#l1-caches) and [embedders](#embedders) are below.

<!-- the tables are written by tools/support_table.py from docs/reports -->

"""
L1_HEAD: Final = """
## L1 caches

"""
EMBEDDERS_HEAD: Final = """
## Embedders

Those that ask a vendor ran with the vendor's SDK against a server of the package's own tests, which checks each request
against the vendor's reference, fails on demand, and makes up its vectors. The same package has a suite for the service
itself (`tests/test_live.py`), which runs where the variable with the key is set. The others embed with a real model.

"""


@dataclass(frozen=True, slots=True)
class Suite:
    """A backend of this repository, and what the command needs to run it."""

    name: str
    arguments: tuple[str, ...] = ()
    wire: str | None = None
    """The tests whose ``python -m wire`` speaks the server's protocol, for where no live one is reachable."""

    @property
    def live(self) -> bool:
        """Whether somebody named a running server."""
        return f"MEDHA_TEST_{self.name.upper().replace('-', '_')}_URL" in os.environ


SUITES: Final = (
    Suite("memory"),
    Suite("sqlite", ("--setting", "path={folder}/medha.db")),
    Suite("pgvector"),
    Suite("vectorchord"),
    Suite("qdrant", ("--setting", "prefer_grpc=false")),
    Suite("elasticsearch"),
    Suite("redis"),
    Suite("chroma"),
    Suite("lancedb", ("--setting", "uri={folder}/lance")),
    Suite("weaviate", ("--setting", "grpc_host=localhost"), "packages/medha-weaviate/tests"),
    Suite("azure-search", ("--setting", "api_key=any"), "packages/medha-azure-search/tests"),
)


@dataclass(frozen=True, slots=True)
class TestClass:
    """An L1 cache or an embedder of this repository, and the tests of its package that are its suite."""

    kind: str
    name: str
    distribution: str
    tests: str
    against: str
    """What answers in these tests; ``{redis}`` is the version of the server."""
    served_by: str = "none"
    live: str = ""
    """The variable with the key that the suite for the vendor's service waits for."""

    @property
    def key(self) -> str:
        """What the report is kept under."""
        return f"{self.kind}/{self.name}"


def _vendor(name: str, tests: str, service: str, variable: str) -> TestClass:
    folder = f"packages/medha-{name}/tests/test_conformance.py"
    against = f"wire only; not run against {service}"
    return TestClass("embedder", name, f"medha-{name}", f"{folder}::{tests}", against, "wire", variable)


TEST_CLASSES: Final = (
    TestClass("l1", "memory", "medha-core", "conformance/tests/test_memory_l1.py::TestMemoryL1", "this process"),
    TestClass(
        "l1", "redis", "medha-redis", "packages/medha-redis/tests/test_conformance.py::TestL1", "redis {redis}", "live"
    ),
    TestClass(
        "embedder",
        "wordllama",
        "medha-wordllama",
        "packages/medha-wordllama/tests/test_conformance.py::TestWordLlama",
        "this process, with the model in its wheel",
    ),
    TestClass(
        "embedder",
        "fastembed",
        "medha-fastembed",
        "packages/medha-fastembed/tests/test_conformance.py::TestFastEmbed",
        "this process, with all-MiniLM-L6-v2 (int8)",
    ),
    TestClass(
        "embedder",
        "sentence-transformers",
        "medha-sentence-transformers",
        "packages/medha-sentence-transformers/tests/test_conformance.py::TestSentenceTransformers",
        "this process, with all-MiniLM-L6-v2",
    ),
    _vendor("openai", "TestOpenAI", "OpenAI", "OPENAI_API_KEY"),
    _vendor("cohere", "TestCohere", "Cohere", "CO_API_KEY"),
    _vendor("gemini", "TestGemini", "the Gemini API", "GEMINI_API_KEY"),
    _vendor("mistral", "TestMistral", "Mistral", "MISTRAL_API_KEY"),
)


def read_test_reports() -> dict[str, dict[str, Any]]:
    """The reports of L1 caches and embedders that are kept, by their keys."""
    files = (REPORTS / f"{one.key}.json" for one in TEST_CLASSES)
    return {f"{file.parent.name}/{file.stem}": json.loads(file.read_text("utf-8")) for file in files if file.exists()}


def read_reports() -> dict[str, dict[str, Any]]:
    """The reports that are kept, by the backend's name."""
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in sorted(REPORTS.glob("*.json"))}


def page(reports: dict[str, dict[str, Any]], test_reports: dict[str, dict[str, Any]]) -> str:
    """The whole page."""
    return (
        _backends(reports)
        + _test_table(L1_HEAD, "l1", test_reports)
        + _test_table(EMBEDDERS_HEAD, "embedder", test_reports)
    )


def _test_table(head: str, kind: str, reports: dict[str, dict[str, Any]]) -> str:
    title = {"l1": "L1 cache", "embedder": "embedder"}[kind]
    lines = [
        f"| {title} | distribution | level | standard tests | run against | key for a live run | suite |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for one in TEST_CLASSES:
        if one.kind != kind:
            continue
        report = reports.get(one.key)
        if report is None:
            cells = ["?", "?", "no report", ""]
        else:
            counts = report["counts"]
            level = f"{report['level']} on the wire" if report["served_by"] == "wire" else report["level"]
            passed = f"{counts['passed']} of {sum(counts.values())} passed"
            cells = [level, passed, report["ran_against"], report["suite"]]
        waits = f"`{one.live}`" if one.live else "none needed"
        cells.insert(3, waits)
        lines.append(f"| {one.name} | {one.distribution} | {' | '.join(cells)} |")
    return head + "\n".join(lines) + "\n"


def _backends(reports: dict[str, dict[str, Any]]) -> str:
    capabilities = [str(capability) for capability in Capability]
    lines = [
        f"| backend | level | {' | '.join(capabilities)} | run against | suite |",
        f"| --- | --- | {' | '.join('---' for _ in capabilities)} | --- | --- |",
    ]
    missing: list[str] = []
    for suite in SUITES:
        report = reports.get(suite.name)
        if report is None:
            cells = ["?", *("?" for _ in capabilities), "not run against a live server", ""]
        else:
            declared = report["capabilities"]
            marks = ["yes" if declared[name] == "full" else "no" for name in capabilities]
            level = f"{report['level']} on the wire" if report.get("served_by") == "wire" else report["level"]
            cells = [level, *marks, report["ran_against"], report["suite"]]
            missing += [f"| {suite.name} | {reason} |" for reason in _reasons(report)]
        lines.append(f"| {suite.name} | {' | '.join(cells)} |")
    why = ["", "## Why not", "", "| backend | reason |", "| --- | --- |", *missing] if missing else []
    return HEAD + "\n".join([*lines, *why]) + "\n"


def _reasons(report: dict[str, Any]) -> list[str]:
    refused = [f"{name}: {reason}" for name, reason in report["capabilities"].items() if reason != "full"]
    return refused + [reason for reason in report["why_not_full"] if reason not in refused]


def run_suites(names: Sequence[str]) -> None:
    """Run the suites, and keep the report of each that could run; what could not is told."""
    REPORTS.mkdir(exist_ok=True)
    for one in TEST_CLASSES:
        if not names or one.key in names:
            run_tests(one)
    for suite in SUITES:
        if names and suite.name not in names:
            continue
        with tempfile.TemporaryDirectory() as folder, _on_the_wire(suite) as more:
            done = subprocess.run(
                [
                    sys.executable,
                    "-m",
                    "medha_conformance",
                    "run",
                    suite.name,
                    "--report-dir",
                    folder,
                    *more,
                ],
                capture_output=True,
                text=True,
                check=False,
            )
            if (report := Path(folder, "report.json")).exists():
                _keep(report, REPORTS / f"{suite.name}.json")
        print(f"{suite.name}: {(done.stdout or done.stderr).strip()}\n", flush=True)


def run_tests(one: TestClass) -> None:
    """Run the tests, and keep a report of what they found; of those that were skipped altogether, none."""
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder, "junit.xml")
        options = ["--suites=full", "-q", "-n", "0", "-p", "no:cacheprovider", f"--junit-xml={results}"]
        command = [sys.executable, "-m", "pytest", one.tests, *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
        last = (done.stdout.strip() or done.stderr).rpartition("\n")[2]
        print(f"{one.key}: {last}\n", flush=True)
        outcomes = outcomes_in(results) if results.exists() else {}
    counts = Counter(outcomes.values())
    if not counts["passed"] + counts["failed"]:
        return
    server = server_version(os.environ.get("MEDHA_TEST_REDIS_URL", "")) or "of unknown version"
    report = {
        "level": "none" if counts["failed"] else "full",
        "counts": {name: counts[name] for name in ("passed", "failed", "skipped")},
        "kind": one.kind,
        "name": one.name,
        "distribution": one.distribution,
        "version": importlib.metadata.version(one.distribution),
        "suite": importlib.metadata.version("medha-conformance"),
        "ran_against": one.against.format(redis=server),
        "served_by": one.served_by,
        "tests": outcomes,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }
    target = REPORTS / f"{one.key}.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def outcomes_in(results: Path) -> dict[str, str]:
    """What became of each test: of one with parameters, the worst."""
    outcomes: dict[str, str] = {}
    for case in ET.parse(results).getroot().iter("testcase"):  # noqa: S314 - pytest has just written it
        name = case.attrib["name"].partition("[")[0]
        found = {child.tag for child in case}
        outcome = "failed" if found & {"failure", "error"} else "skipped" if "skipped" in found else "passed"
        known = outcomes.get(name, outcome)
        outcomes[name] = min(known, outcome, key=("failed", "passed", "skipped").index)
    return dict(sorted(outcomes.items()))


@contextmanager
def _on_the_wire(suite: Suite) -> Generator[tuple[str, ...]]:
    """The arguments of the run; while it lasts, a server on the wire where no live one is named."""
    if suite.wire is None:
        yield suite.arguments
    elif suite.live:
        yield ()
    else:
        command = [sys.executable, "-m", "wire"]
        with subprocess.Popen(
            command, cwd=ROOT / suite.wire, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as server:
            address = next(iter(server.stdout or ())).strip()
            yield (*suite.arguments, "--service-url", address, "--on-the-wire")
            server.communicate()  # it ends with its input


def _keep(report: Path, target: Path) -> None:
    """Without the text of failures, which is of one machine and one moment."""
    content = json.loads(report.read_text(encoding="utf-8"))
    content["tests"] = {name: test["outcome"] for name, test in content["tests"].items()}
    target.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Write, or with ``--check`` only compare."""
    if arguments == ["--check"]:
        if PAGE.read_text(encoding="utf-8") == page(read_reports(), read_test_reports()):
            return 0
        print(f"{PAGE} is stale; run: python tools/support_table.py", file=sys.stderr)
        return 1
    known = {suite.name for suite in SUITES} | {one.key for one in TEST_CLASSES}
    if arguments[:1] == ["--run"] and set(arguments[1:]) <= known:
        run_suites(arguments[1:])
    elif arguments:
        print(__doc__, file=sys.stderr)
        return 2
    PAGE.write_text(page(read_reports(), read_test_reports()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
