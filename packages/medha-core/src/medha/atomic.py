"""Files that are there whole, or not at all."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from medha.errors import FileError

if TYPE_CHECKING:
    from collections.abc import Generator


@contextmanager
def atomic_writer(path: Path) -> Generator[IO[bytes], None, None]:
    """A file that takes the place of ``path`` when the block ends well, and leaves no trace when it does not."""
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
        temporary = None
        _sync_folder(path.parent)
    except OSError as exc:
        raise FileError(f"cannot write {path}: {exc.strerror or exc}; what was there before is untouched") from exc
    finally:
        if temporary is not None:
            with suppress(FileNotFoundError):
                Path(temporary).unlink()


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable, where the system can."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
