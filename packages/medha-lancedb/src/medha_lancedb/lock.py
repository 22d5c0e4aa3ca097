"""The turn of one process among those that use a table: for whatever must not meet a merge."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from medha_lancedb import statements
from medha_lancedb.names import TURN

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

_LONGEST_WAIT: Final = 60.0
"""Seconds; a merge of a large table takes a few."""


@contextmanager
def turn(folder: Path) -> Generator[None]:
    """Wait for the turn, and hold it. The operating system ends the turn of a process that is killed."""
    lock = acquire(folder)
    try:
        yield
    finally:
        lock.close()


def acquire(folder: Path, *, within: float = _LONGEST_WAIT) -> sqlite3.Connection:
    """The turn, which closing gives back. The file is opened anew each time: it goes when the table is dropped."""
    # SQLite waits, and gives the lock back, on every system in the same way
    lock = sqlite3.connect(folder / TURN, timeout=within, isolation_level=None, check_same_thread=False)
    try:
        lock.execute(statements.BEGIN_WRITING)
    except BaseException:
        lock.close()
        raise
    return lock


def acquire_now(folder: Path) -> sqlite3.Connection | None:
    """The turn, if nobody has it."""
    try:
        return acquire(folder, within=0.0)
    except sqlite3.OperationalError as exc:
        if exc.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
            return None
        raise
