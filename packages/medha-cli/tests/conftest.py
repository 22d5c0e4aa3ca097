from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from medha_cli.app import app
from typer.testing import CliRunner

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result

PROGRAM = Path(sysconfig.get_path("scripts")) / "medha"


class InProcess:
    """Runs ``medha`` in this process."""

    def __call__(self, *arguments: str, stdin: str = "") -> Result:
        return CliRunner().invoke(app, list(arguments), input=stdin)

    def json(self, *arguments: str, stdin: str = "") -> Any:
        """The one document on standard output."""
        return json.loads(self(*arguments, "--json", stdin=stdin).stdout)


@pytest.fixture(autouse=True)
def user_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder of a user who never used Medha."""
    for name in [name for name in os.environ if name.startswith("MEDHA_")]:
        monkeypatch.delenv(name)
    # set and deleted, so that what a command sets is undone after the test
    monkeypatch.setenv("MEDHA_SQLITE_PATH", "x")
    monkeypatch.delenv("MEDHA_SQLITE_PATH")
    for name in ("HOME", "XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path / "home"


@pytest.fixture
def medha() -> InProcess:
    return InProcess()


@pytest.fixture
def shell(user_folder: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the installed ``medha`` in a process of its own."""

    def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, PROGRAM, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )

    return run
