"""Write docs/support.md from the reports of the conformance runs in docs/reports.

python tools/support_table.py            rewrite the page from the reports
python tools/support_table.py --run      run each suite whose server is reachable first, and keep its report (on the
                                         wire where there is a server for that alone); with names behind it, only
                                         those
python tools/support_table.py --check    exit 1 when the page is stale
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from medha import Capability

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

<!-- the tables are written by tools/support_table.py from docs/reports -->

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


def read_reports() -> dict[str, dict[str, Any]]:
    """The reports that are kept, by the backend's name."""
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in sorted(REPORTS.glob("*.json"))}


def page(reports: dict[str, dict[str, Any]]) -> str:
    """The whole page."""
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
        if PAGE.read_text(encoding="utf-8") == page(read_reports()):
            return 0
        print(f"{PAGE} is stale; run: python tools/support_table.py", file=sys.stderr)
        return 1
    if arguments[:1] == ["--run"] and set(arguments[1:]) <= {suite.name for suite in SUITES}:
        run_suites(arguments[1:])
    elif arguments:
        print(__doc__, file=sys.stderr)
        return 2
    PAGE.write_text(page(read_reports()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
