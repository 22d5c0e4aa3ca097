"""Which cache a command works on, and how it is opened."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from medha import BackendPlugin, EmbedderPlugin, Medha, MedhaSync, Settings
from medha.embedding import Embeddings
from medha.errors import ConfigurationError, FileError
from medha.plugins import installed_plugins, make, read_settings
from medha.storage import Storage

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from medha import BaseEmbedder, VectorStorageBackend
    from medha_cli.options import CacheOptions

DEFAULT_BACKEND: Final = "sqlite"
DEFAULT_EMBEDDER: Final = "wordllama"
PATH_VARIABLE: Final = "MEDHA_SQLITE_PATH"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A collection, and the names of the plugins that hold and embed it."""

    collection: str
    backend: str
    embedder: str
    settings: Settings

    @property
    def file(self) -> Path | None:
        """The file of the backend, if it is of those that have one."""
        settings = read_settings(installed_plugins().find(BackendPlugin, self.backend).settings)
        return getattr(settings, "path", None)


def choose(options: CacheOptions) -> Choice:
    """The options of the command line, then the ``MEDHA_`` variables, then the defaults of the command line.

    Raises:
        ConfigurationError: a variable is unknown or wrong, or ``--db`` does not fit the backend.
        FileError: the folder for the default file cannot be made.
    """
    settings = Settings()
    named = settings.model_fields_set
    backend = options.backend or (settings.backend_type if "backend_type" in named else DEFAULT_BACKEND)
    if options.db is not None and backend != "sqlite":
        raise ConfigurationError(f"--db is the file of the backend 'sqlite', but the backend is {backend!r}")
    if backend == "sqlite":
        say_where(options.db)
    return Choice(
        collection=settings.collection if options.collection is None else options.collection,
        backend=backend,
        embedder=options.embedder or (settings.embedder_type if "embedder_type" in named else DEFAULT_EMBEDDER),
        settings=settings,
    )


def say_where(db: Path | None) -> None:
    """Name the file to the sqlite backend, whose settings are read from the environment when it is made."""
    if db is not None:
        os.environ[PATH_VARIABLE] = str(db)
    elif not os.environ.get(PATH_VARIABLE):
        os.environ[PATH_VARIABLE] = str(data_folder() / "medha.db")


def data_folder() -> Path:
    """The user's own folder for Medha's data, made when it is not there."""
    from platformdirs import user_data_path

    folder = user_data_path("medha", appauthor=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise FileError(
            f"cannot make the folder {folder}: {exc.strerror or exc}; pass --db FILE or set {PATH_VARIABLE}"
        ) from exc
    return folder


def open_cache(choice: Choice) -> MedhaSync:
    """The cache, to be used as ``with``."""
    return MedhaSync(choice.collection, choice.embedder, choice.backend, choice.settings)


@asynccontextmanager
async def open_apart(choice: Choice, file: Path, *, keep: bool) -> AsyncGenerator[Medha]:
    """A cache away from the user's own: in ``file`` where the backend has one; the collection is dropped or kept."""
    plugin = installed_plugins().find(BackendPlugin, choice.backend)
    place = {"path": file} if "path" in plugin.settings.model_fields else {}
    backend: VectorStorageBackend = make(plugin, read_settings(plugin.settings, **place))
    try:
        async with Medha(choice.collection, choice.embedder, backend, choice.settings) as cache:
            yield cache
            if not keep:
                await backend.drop_collection(choice.collection)
    finally:
        await backend.close()


@asynccontextmanager
async def open_storage(choice: Choice) -> AsyncGenerator[Storage]:
    """The collection as core uses it, connected and not yet initialised: for looking after it, never for answering."""
    backend: VectorStorageBackend = make(installed_plugins().find(BackendPlugin, choice.backend))
    storage = Storage(backend, choice.collection, choice.settings.backend_timeout)
    try:
        await storage.connect()
        yield storage
    finally:
        await backend.close()


@asynccontextmanager
async def open_embeddings(choice: Choice) -> AsyncGenerator[Embeddings]:
    """The embedder as core uses it, ready."""
    embedder: BaseEmbedder = make(installed_plugins().find(EmbedderPlugin, choice.embedder))
    embeddings = Embeddings(embedder, choice.settings)
    try:
        await embeddings.start()
        yield embeddings
    finally:
        await embedder.close()
