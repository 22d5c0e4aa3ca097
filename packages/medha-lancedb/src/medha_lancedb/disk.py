"""Getting the files of a table onto the disk, which Lance leaves to the operating system."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from medha_lancedb.names import OWN_FILES

if TYPE_CHECKING:
    from pathlib import Path

_COARSE: Final = 2.0
"""Seconds by which the time of a file may be behind the clock."""
_POSIX: Final = os.name == "posix"


def settle(folder: Path, since: float) -> None:
    """Wait until every file of the table that was written since then is on the disk, and its name too."""
    for path in (*folder.rglob("*"), folder, folder.parent):
        # SQLite settles its own files; whoever closes one of them ends the locks that SQLite has on it
        if path.name.startswith(OWN_FILES):
            continue
        try:
            # where there is no POSIX, names cannot be settled
            if path.stat().st_mtime >= since - _COARSE and (_POSIX or path.is_file()):
                _settle(path)
        except FileNotFoundError:
            # another process has put files together
            continue


def _settle(path: Path) -> None:
    file = os.open(path, os.O_RDONLY if _POSIX else os.O_RDWR)
    try:
        os.fsync(file)
    finally:
        os.close(file)
