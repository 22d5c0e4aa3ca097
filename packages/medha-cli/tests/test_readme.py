"""The sessions in the README happen as they are written."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from typer.testing import Result

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
SESSIONS = re.findall(r"<!-- session -->\n```console\n(.*?)```", README, re.DOTALL)


def steady(text: str) -> str:
    """The text without what differs from run to run, and without the reason of a miss."""
    text = re.sub(r"in [0-9.]+ ms", "in ... ms", text)
    return re.sub(r"^(miss in ... ms:) .*", r"\1 ...", text)


@pytest.mark.parametrize("session", SESSIONS)
def test_a_session_of_the_readme_happens_as_written(session: str, medha: Callable[..., Result]) -> None:
    steps = session.split("$ medha ")[1:]
    assert steps
    for step in steps:
        command, _, shown = step.partition("\n")
        assert steady(medha(*shlex.split(command)).output) == steady(shown), command


def test_there_are_sessions() -> None:
    assert len(SESSIONS) == 2
