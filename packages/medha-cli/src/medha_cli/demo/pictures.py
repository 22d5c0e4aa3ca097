"""The report of the demo, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Group as Together
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from medha_cli.demo.run import Answer, Group, Report, Rows

ALIKE_SHOWN: Final = 2
TITLES: Final[dict[Group, tuple[str, str]]] = {
    "identical": ("The stored questions, word for word", "its query"),
    "again": ("The same once more: now from memory (L1)", "its query"),
    "paraphrase": ("In other words: the stored query, or a miss", "the query of"),
    "other values": ("The same for other values: a stored query with the value of the question", "the query, like"),
    "near miss": ("Sounds alike, means something else: must miss", "a miss, unlike"),
}
STYLES: Final = {"right": "green", "miss": "yellow", "false hit": "bold red"}


def report_picture(report: Report) -> Together:
    """Everything, in the order it happened."""
    return Together(*_parts(report))


def _parts(report: Report) -> Iterator[RenderableType]:
    yield Text(
        f"A music shop in {report.folder / 'shop.db'}\nA cache in {report.folder / 'cache.db'}, "
        f"{report.stored} questions with their SQL stored in {report.store_seconds:.2f} s\n"
    )
    for group in TITLES:
        yield _answers(group, report.of(group))
        yield ""
    yield Text("What some of the served queries give on the shop\n", "bold")
    for rows in report.rows:
        yield _rows(rows)
    yield _summary(report)


def _answers(group: Group, answers: list[Answer]) -> Table:
    title, expected = TITLES[group]
    table = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 1, 0, 0), expand=True)
    table.add_column("question", ratio=5, overflow="fold")
    table.add_column("strategy", no_wrap=True)
    table.add_column("sim.", justify="right", no_wrap=True)
    table.add_column("ms", justify="right", no_wrap=True)
    table.add_column(f"expected: {expected}", ratio=4, overflow="fold")
    table.add_column("", no_wrap=True)
    alike = group in {"identical", "again"}
    shown = [a for i, a in enumerate(answers) if not alike or i < ALIKE_SHOWN or a.outcome != "right"]
    for answer in shown:
        table.add_row(*_row(answer))
    if len(shown) < len(answers):
        table.add_row(Text(f"and {len(answers) - len(shown)} more, all right", "dim"))
    return table


def _row(answer: Answer) -> tuple[str | Text, ...]:
    similarity = answer.hit.similarity
    about = "" if answer.about == answer.question else answer.about
    told = {"right": "right", "miss": "asks the model", "false hit": "FALSE HIT"}[answer.outcome]
    return (
        answer.question,
        "miss" if not answer.hit else str(answer.hit.strategy),
        "" if similarity is None else f"{similarity:.3f}",
        f"{answer.milliseconds:.3f}",
        f"{about} ({answer.note})" if answer.note else about,
        Text(told, STYLES[answer.outcome]),
    )


def _rows(found: Rows) -> Together:
    table = Table(*found.columns, box=None, padding=(0, 2, 0, 0))
    for row in found.rows:
        table.add_row(*map(str, row))
    return Together(Text(found.question), Text(found.query, "cyan"), table, "")


def _summary(report: Report) -> Together:
    table = Table(title="Summary", title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
    for column in ("", "asked", "hits", "right", "p50 ms"):
        table.add_column(column, justify="left" if not column else "right")
    summary = report.summary()
    for name, counted in summary["groups"].items():
        values = [str(counted[key]) for key in ("asked", "hits", "right")]
        table.add_row(name, *values, f"{counted['p50_milliseconds']:.3f}")
    paraphrases = summary["groups"]["paraphrase"]
    rate = paraphrases["hits"] / paraphrases["asked"]
    wrong = len(report.false_hits)
    verdict = (
        Text(f"{wrong} false hits: a question got the query of another one.", "bold red")
        if wrong
        else Text("0 false hits: no question got the query of another one.", "green")
    )
    told = (
        f"{rate:.0%} of the paraphrases were answered; the others miss and ask the model, which is slower, never wrong."
    )
    return Together(table, "", told, verdict)
