"""``medha-conformance run NAME`` and ``medha-conformance new backend NAME``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from medha.errors import MedhaError
from medha_conformance.runner.report import Level, Report

if TYPE_CHECKING:
    from collections.abc import Sequence

_USAGE_ERROR: Final = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """0 for the levels full and base, 1 for none, 2 for what cannot be run."""
    from medha_conformance.runner.new import UnusableNameError
    from medha_conformance.runner.running import UnusableRunError

    asked = _parser().parse_args(arguments)
    try:
        return asked.command(asked)
    except (UnusableRunError, UnusableNameError, MedhaError) as exc:
        print(f"medha-conformance: {exc}", file=sys.stderr)  # noqa: T201 - a command speaks
        return _USAGE_ERROR


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="medha-conformance", description="Is a plugin of Medha right?")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="run the standard tests on an installed plugin")
    run.add_argument("name", metavar="NAME", help="the name under which the plugin is installed")
    run.add_argument(
        "--kind", choices=["backend", "embedder", "l1", "guard", "extractor", "reviewer"], default="backend"
    )
    run.add_argument(
        "--example", action="append", default=[], nargs=3, metavar=("QUESTION", "LABEL", "PIECE"),
        help="of an extractor, twice at least: a question, a label, and the piece that gets the label",
    )  # fmt: skip
    run.add_argument(
        "--setting", action="append", default=[], metavar="NAME=VALUE", type=_pair,
        help="a setting of the plugin; {folder} in it is a folder that is new for each test",
    )  # fmt: skip
    run.add_argument("--service", metavar="NAME", help="the server the plugin talks to; none for none")
    run.add_argument("--service-url", metavar="URL", help="the address of a running one")
    run.add_argument(
        "--on-the-wire", action="store_true",
        help="what answers at --service-url is no real server, it only speaks the protocol of one; the report says so",
    )  # fmt: skip
    run.add_argument(
        "--known-failure", action="append", default=[], metavar="TEST=REASON", type=_pair,
        help="a standard test that must fail, and why",
    )  # fmt: skip
    run.add_argument("--report-dir", type=Path, metavar="DIR", help="where the report goes (conformance-NAME)")
    run.set_defaults(command=_run)
    new = commands.add_parser("new", help="write the package of a new plugin, to be filled in")
    new.add_argument("kind", choices=["backend"])
    new.add_argument("name", metavar="NAME", help="the name of the plugin, as applications will write it")
    new.add_argument("--folder", type=Path, metavar="DIR", help="where the package goes (medha-NAME)")
    new.set_defaults(command=_new)
    return parser


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=VALUE")
    return name, value


def _run(asked: argparse.Namespace) -> int:
    from medha_conformance.runner.running import Run, run

    folder = asked.report_dir or Path(f"conformance-{asked.name}")
    report = run(
        Run(
            kind=asked.kind,
            name=asked.name,
            settings=dict(asked.setting),
            service="" if asked.service == "none" else asked.service,
            service_url=asked.service_url,
            known_failures=dict(asked.known_failure),
            examples=[(question, label, piece) for question, label, piece in asked.example],
            on_the_wire=asked.on_the_wire,
        ),
        folder,
    )
    _tell(report, folder)
    return 1 if report.level is Level.NONE else 0


def _tell(report: Report, folder: Path) -> None:
    counts = ", ".join(f"{count} {outcome}" for outcome, count in report.counts.items() if count) or "nothing ran"
    lines = [
        f"{report.kind} {report.name} ({report.distribution} {report.version}) against {report.ran_against}: {counts}"
    ]
    lines += [f"  {reason}" for reason in report.why_not_full]
    lines += [f"level: {report.level}", f"report: {folder / 'report.md'}"]
    print("\n".join(lines))  # noqa: T201 - a command speaks


def _new(asked: argparse.Namespace) -> int:
    from medha_conformance.runner.new import write_backend

    folder = asked.folder or Path(f"medha-{asked.name}")
    write_backend(asked.name, folder)
    print(  # noqa: T201 - a command speaks
        f"{folder} is written. Next:\n  cd {folder}\n  pip install -e . --group dev\n  pytest\n"
        "Each failure names a method that is not written yet."
    )
    return 0
