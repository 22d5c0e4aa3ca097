"""The installed program, in processes of its own."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import sysconfig
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    Shell = Callable[..., subprocess.CompletedProcess[str]]

PROGRAM = str(Path(sysconfig.get_path("scripts")) / "medha")
QUESTION, QUERY = "How many albums are there?", "SELECT count(*) FROM album"

needs_a_terminal = pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals are of POSIX systems")


def test_what_one_shell_stores_another_one_finds(shell: Shell, user_folder: Path) -> None:
    stored = shell("store", QUESTION, QUERY)
    assert (stored.returncode, stored.stderr) == (0, "")
    found = shell("search", "Could you tell me how many albums there are?", "--json")
    assert (found.returncode, found.stderr) == (0, "")
    assert json.loads(found.stdout)["generated_query"] == QUERY
    assert list(user_folder.rglob("medha.db")) != []


@pytest.mark.long
def test_exit_codes_and_streams(shell: Shell, document: Callable[..., Any]) -> None:
    document("store", QUESTION, QUERY)
    hit, miss, error = shell("search", QUESTION), shell("search", "Why?"), shell("search", "")
    assert [hit.returncode, miss.returncode, error.returncode] == [0, 1, 2]
    assert [hit.stdout, miss.stdout, error.stdout] == [f"{QUERY}\n", "", ""]
    assert [hit.stderr[:4], miss.stderr[:5], error.stderr[:6]] == ["hit ", "miss ", "error:"]


def test_an_exact_answer_does_not_load_the_model(document: Callable[..., Any]) -> None:
    document("store", QUESTION, QUERY)
    code = (
        "import sys; from medha_cli.app import app; "
        f"code = app(['search', {QUESTION!r}], standalone_mode=False); "
        "sys.exit(code or 'wordllama' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert (result.returncode, result.stdout) == (0, f"{QUERY}\n")


def test_the_help_loads_nothing_of_the_core() -> None:
    code = (
        "import sys; from medha_cli.app import app; app(['search', '--help'], standalone_mode=False); "
        "sys.exit(any(name in sys.modules for name in ('medha', 'numpy', 'pydantic_settings')))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 0, result.stderr


def test_a_reader_that_goes_away_ends_the_program_quietly() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with subprocess.Popen([sys.executable, PROGRAM, "plugins"], stdout=writing, stderr=subprocess.PIPE) as process:
        os.close(writing)
        _, told = process.communicate(timeout=60)
    assert (process.returncode, told) == (141, b"")


@pytest.mark.long
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")
@pytest.mark.parametrize("option", [[], ["--json"]])
def test_a_full_disk_behind_standard_output_is_an_error(option: list[str]) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        result = subprocess.run(
            [sys.executable, PROGRAM, "plugins", *option],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    assert result.returncode == 2
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1


@pytest.mark.long
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")
@pytest.mark.parametrize(("arguments", "code"), [(["search", QUESTION], 0), (["search", ""], 2), (["serach"], 2)])
def test_a_full_disk_behind_standard_error_does_not_change_the_exit_code(
    arguments: list[str], code: int, document: Callable[..., Any]
) -> None:
    document("store", QUESTION, QUERY)
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        result = subprocess.run(
            [sys.executable, PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=full, check=False, timeout=60
        )
    assert (result.returncode, result.stdout.decode()) == (code, "" if code else f"{QUERY}\n")


@pytest.mark.long
@pytest.mark.skipif(os.name != "posix", reason="only POSIX shells can close a stream")
@pytest.mark.parametrize(
    ("command", "shown"), [(f"search '{QUESTION}' >&-", ""), ("ask --json <&-", '{"answers": []}\n')]
)
def test_a_closed_stream_leads_nowhere(command: str, shown: str, document: Callable[..., Any]) -> None:
    document("store", QUESTION, QUERY)
    line = shlex.join([sys.executable, PROGRAM]) + f" {command}"
    result = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False, timeout=60)
    assert (result.returncode, result.stdout) == (0, shown)
    assert "Traceback" not in result.stderr


@pytest.mark.long
def test_output_that_the_terminal_cannot_show_is_written_out(
    shell: Shell, document: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    document("store", "Which café?", "SELECT 'café'")
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    found = shell("search", "Which café?")
    assert (found.returncode, found.stdout) == (0, "SELECT 'caf\\xe9'\n")
    assert shell("explain", "Which café?").returncode == 0


class Terminal:
    """``medha ask`` at a pseudo-terminal."""

    def __init__(self) -> None:
        import pty

        self._ours, theirs = pty.openpty()
        # tests that were started in the background ignore Ctrl-C, and a process inherits that
        ours = signal.signal(signal.SIGINT, signal.default_int_handler)
        self._process = subprocess.Popen(
            [sys.executable, PROGRAM, "ask"], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
        )
        signal.signal(signal.SIGINT, ours)
        os.close(theirs)
        self.shown = ""
        self._seen = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._ours)

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def wait_for(self, text: str) -> None:
        """Read until the text has come after what was waited for before."""
        while text not in self.shown[self._seen :]:
            self.shown += os.read(self._ours, 4096).decode()  # raises when the program has ended
        self._seen = self.shown.index(text, self._seen) + len(text)

    def interrupt(self) -> None:
        """Press Ctrl-C; once more when it came just before Python began to read, which Python then does not notice."""
        for _ in range(10):
            self._process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=5)
                return

    def ending(self) -> int:
        with suppress(OSError):
            while piece := os.read(self._ours, 4096):
                self.shown += piece.decode()
        return self._process.wait(timeout=60)


@needs_a_terminal
def test_a_conversation_stores_what_was_missing(document: Callable[..., Any]) -> None:
    with Terminal() as terminal:
        terminal.wait_for("question> ")
        terminal.type(f"{QUESTION}\n")
        terminal.wait_for("its query")
        terminal.type(f"{QUERY}\n")
        terminal.wait_for("stored")
        terminal.wait_for("question> ")
        terminal.type(f"{QUESTION}\n")
        terminal.wait_for("hit in")
        terminal.wait_for("question> ")
        terminal.type("\n")
        assert terminal.ending() == 0
    assert document("search", QUESTION)["generated_query"] == QUERY


@needs_a_terminal
def test_ctrl_c_leaves_quietly_with_130() -> None:
    with Terminal() as terminal:
        terminal.wait_for("question> ")
        terminal.interrupt()
        assert terminal.ending() == 130
    assert "Traceback" not in terminal.shown


@needs_a_terminal
def test_ctrl_d_leaves_with_0() -> None:
    with Terminal() as terminal:
        terminal.wait_for("question> ")
        terminal.type("\x04")
        assert terminal.ending() == 0
