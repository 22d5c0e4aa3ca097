"""Where ``migrate`` moves from and to, as it is typed: ``sqlite:old.db``, ``file:rows.csv``."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from medha import BackendPlugin, CollectionSource, FileSource, Medha, RowSource
from medha.errors import CollectionMismatchError, CollectionNotFoundError, ConfigurationError, FileError
from medha.memory import MemoryBackend
from medha.plugins import installed_plugins, make, read_settings
from medha.storage import Storage
from medha_cli.opening import say_where
from medha_cli.tables import table_rows

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Mapping

    from pydantic_settings import BaseSettings

    from medha import Settings, VectorStorageBackend

ADDRESS_SETTINGS: Final = ("url", "uri", "dsn", "endpoint")
FOLDER_SETTINGS: Final = ("path", "uri", "folder")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A backend, a file or a table, and what its settings are to be besides the variables of the environment."""

    kind: str
    where: str
    values: Mapping[str, str] = field(default_factory=dict[str, str])
    table: str | None = None
    format: str | None = None

    @property
    def holds_rows(self) -> bool:
        """Whether it is a file or a table, which has no collections."""
        return self.kind in {"file", "table"}

    def rows(self) -> RowSource:
        """The rows of the file or table."""
        if self.kind == "file":
            return FileSource(self.where, self.format)
        if self.table is None:
            raise ConfigurationError("name the table to read with --table NAME, or --table SCHEMA.NAME")
        table, where = self.table, self.where
        return RowSource(lambda: table_rows(where, table), f"the table {table!r}")

    def settings(self) -> BaseSettings:
        """The settings of the backend.

        Raises:
            PluginError: there is no such backend.
            ConfigurationError: the place is none that it has a setting for, or a setting is wrong.
        """
        plugin = installed_plugins().find(BackendPlugin, self.kind)
        if self.kind == "sqlite" and not self.where:
            say_where(None)
        values: dict[str, Any] = dict(self.values)
        if self.where:
            values[self._setting(plugin.settings, values)] = self.where
        return read_settings(plugin.settings, **values)

    def _setting(self, settings: type[BaseSettings], values: Mapping[str, Any]) -> str:
        known = settings.model_fields
        order = (*ADDRESS_SETTINGS, *FOLDER_SETTINGS)
        if "://" not in self.where:
            order = (*FOLDER_SETTINGS, *ADDRESS_SETTINGS)
        name = next((name for name in order if name in known), None)
        if name is None:
            raise ConfigurationError(
                f"the backend {self.kind!r} has no setting for the place after its name; name it alone, and give its "
                f"settings with --from-setting or --to-setting: {', '.join(known) or 'it has none'}"
            )
        if name in FOLDER_SETTINGS and "mode" in known and "mode" not in values:
            raise ConfigurationError(
                f"the backend {self.kind!r} runs in several modes, and only some of them keep their entries in "
                f"{self.where!r}: add --from-setting or --to-setting mode=..., for example mode=path"
            )
        return name


def parse_place(text: str, settings: Iterable[str], option: str, table: str | None, format: str | None) -> Place:  # noqa: A002
    """The place that was typed, with its ``NAME=VALUE`` settings.

    Raises:
        ConfigurationError: it names nothing, or a setting is not of that form.
    """
    kind, _, where = text.partition(":")
    if not kind or (kind in {"file", "table"} and not where):
        raise ConfigurationError(
            f"{option} takes BACKEND, BACKEND:PLACE, file:PATH or table:DSN, as in sqlite:old.db; not {text!r}"
        )
    values: dict[str, str] = {}
    for pair in settings:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise ConfigurationError(f"{option}-setting takes NAME=VALUE, not {pair!r}")
        values[name] = value
    return Place(kind=kind, where=where, values=values, table=table, format=format)


@asynccontextmanager
async def open_source(place: Place, collection: str) -> AsyncGenerator[CollectionSource | RowSource]:
    """What to read from; a backend is closed at the end."""
    if place.holds_rows:
        yield place.rows()
        return
    settings = place.settings()
    path = getattr(settings, "path", None)
    if isinstance(path, Path) and not path.exists():
        raise FileError(f"nothing to migrate: there is no {path}")
    backend = make(installed_plugins().find(BackendPlugin, place.kind), settings)
    try:
        yield CollectionSource(backend, collection)
    finally:
        await backend.close()


@asynccontextmanager
async def open_target(
    place: Place, collection: str, embedder: str, settings: Settings, *, dry_run: bool
) -> AsyncGenerator[Medha]:
    """The cache to move into. A dry run makes nothing: where there is no such collection, an empty one stands in.

    Raises:
        CollectionMismatchError: it was made with another model.
    """
    if place.holds_rows:
        raise ConfigurationError(f"--to takes a backend, not {place.kind!r}; medha export writes files")
    backend = await _backend(place, collection, settings, dry_run=dry_run)
    try:
        async with Medha(collection, embedder, backend, settings, guards=()) as cache:
            yield cache
    except CollectionMismatchError as exc:
        raise CollectionMismatchError(
            f"nothing was written: {exc}. That is --embedder with the first model, or another --to-collection"
        ) from exc
    finally:
        await backend.close()


async def _backend(place: Place, collection: str, settings: Settings, *, dry_run: bool) -> VectorStorageBackend:
    own = place.settings()
    backend: VectorStorageBackend = make(installed_plugins().find(BackendPlugin, place.kind), own)
    if not dry_run:
        return backend
    path = getattr(own, "path", None)
    if isinstance(path, Path) and not path.exists():
        return MemoryBackend()
    storage = Storage(backend, collection, settings.backend_timeout)
    try:
        await storage.connect()
        await storage.count()
    except CollectionNotFoundError:
        await backend.close()
        return MemoryBackend()
    except BaseException:
        await backend.close()
        raise
    return backend
