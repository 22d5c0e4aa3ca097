"""``demo``: the whole thing on a music shop."""

import asyncio
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from medha_cli.options import ERROR, HIT, Run, command

if TYPE_CHECKING:
    from medha_cli.demo.run import Answer, Report


@command
def demo(
    run: Run,
    directory: Annotated[
        Path | None, typer.Option("--dir", help="Keep both databases here.", show_default="a temporary folder")
    ] = None,
) -> int:
    """Store questions about a music shop, ask them again, in other words, and ask what only sounds alike.

    Exit 2 if any question got the query of another one.
    """
    from medha_cli.demo.pictures import report_picture
    from medha_cli.demo.run import run_demo

    with _folder(directory) as folder:
        report = asyncio.run(run_demo(folder))
        run.show(_document(report), lambda: report_picture(report))
    return ERROR if report.false_hits else HIT


@contextmanager
def _folder(kept: Path | None) -> Generator[Path]:
    from medha.errors import FileError

    if kept is None:
        with tempfile.TemporaryDirectory(prefix="medha-demo-") as temporary:
            yield Path(temporary)
        return
    try:
        kept.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise FileError(f"cannot make the folder {kept}: {exc.strerror or exc}; name another with --dir") from exc
    yield kept


def _document(report: "Report") -> dict[str, Any]:
    return {
        **report.summary(),
        "folder": str(report.folder),
        "answers": [_answer(answer) for answer in report.answers],
        "rows": [
            {"question": found.question, "query": found.query, "columns": found.columns, "rows": found.rows}
            for found in report.rows
        ],
    }


def _answer(answer: "Answer") -> dict[str, Any]:
    return {
        "group": answer.group,
        "question": answer.question,
        "about": answer.about,
        "outcome": answer.outcome,
        "strategy": answer.hit.strategy,
        "similarity": answer.hit.similarity,
        "milliseconds": answer.milliseconds,
        "query": answer.hit.generated_query,
        "expected": answer.expected,
        "reason": answer.hit.reason,
    }
