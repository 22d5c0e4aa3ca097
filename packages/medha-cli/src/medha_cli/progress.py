"""Progress bars, for people at a terminal."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from medha_cli.output import Output


@contextmanager
def progress(output: Output, doing: str) -> Generator[Callable[[int, int], None]]:
    """A bar on standard error; what is yielded takes how much is done, and of how much."""
    with steps(output, doing) as advance:
        yield lambda done, total: advance(doing, done, total)


@contextmanager
def steps(output: Output, first: str) -> Generator[Callable[[str, int, int], None]]:
    """The same for work in several steps, each of which is named anew."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    hidden = output.as_json or not output.err.is_terminal
    with Progress(*columns, console=output.err, transient=True, disable=hidden) as bar:
        task = bar.add_task(first, total=None)
        yield lambda step, done, total: bar.update(task, description=step, completed=done, total=total)
