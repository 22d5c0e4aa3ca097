from collections.abc import Iterator
from contextlib import contextmanager

from medha.errors import BackendWriteError, CorruptEntryError, FileError


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Raise what goes wrong with the files as an error of the backend."""
    try:
        yield
    except (OSError, FileError) as exc:
        raise BackendWriteError(f"{doing}: {exc}. Check the folder, its permissions and the room on its disk") from exc
    except (ValueError, KeyError, TypeError) as exc:
        raise CorruptEntryError(
            f"{doing}: the stored file is damaged ({exc}). Restore it, or drop the collection"
        ) from exc
