"""What a command says: one JSON document, or text and tables for people."""

from __future__ import annotations

import io
import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from rich.console import Console

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rich.console import RenderableType


class _Console(Console):
    """Shows texts as they are: a question may hold square brackets and colons."""

    def __init__(self, file: TextIO) -> None:
        super().__init__(file=file, markup=False, highlight=False, emoji=False)

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError  # rich would exit with 1, which says "miss"


class Output:
    """Standard output and standard error of one command."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.out = _Console(sys.stdout)
        self.err = _Console(sys.stderr)

    def show(self, document: Mapping[str, Any], *pictures: Callable[[], RenderableType]) -> None:
        """The document when JSON was asked for, otherwise the pictures of it."""
        if self.as_json:
            print(json.dumps(document))
            return
        for picture in pictures:
            self.out.print(picture())

    def note(self, text: str, style: str = "") -> None:
        """A line for people beside the result, on standard error; not in JSON mode."""
        if not self.as_json:
            self._tell(text, style)

    def error(self, kind: str, message: str) -> None:
        """What went wrong."""
        if self.as_json and _printed(json.dumps({"error": {"type": kind, "message": message}})):
            return
        self._tell(f"error: {message}", "red")

    def _tell(self, text: str, style: str) -> None:
        try:
            self.err.print(text, style=style, soft_wrap=True)
        except OSError:  # what is told beside the result decides nothing
            let_go_of(sys.stderr)


def _printed(line: str) -> bool:
    try:
        print(line, flush=True)
    except OSError:
        let_go_of(sys.stdout)
        return False
    return True


def let_go_of(stream: TextIO) -> None:
    """Nobody reads the stream any more, or it is full: its buffer must not fail again when the program ends."""
    with suppress(io.UnsupportedOperation):  # it is no file at all, as under a test
        number = stream.fileno()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, number)
        os.close(nowhere)


def open_missing_streams() -> None:
    """A program may be started with closed streams, which Python shows as ``None``: they lead nowhere."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - until the program ends
