"""What the tests share: a folder, a backend on it, and the bare driver beside it."""

from __future__ import annotations

import sqlite3
from contextlib import AsyncExitStack, closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from medha_conformance.connected import opened
from medha_lancedb import LanceBackend, LanceSettings
from medha_lancedb.arrow import connect
from medha_lancedb.names import PENDING, table_name

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path


@pytest.fixture
def damage() -> Callable[..., Awaitable[None]]:
    """Makes a row unreadable past the backend, wherever it is."""
    return _damage


async def _damage(folder: Path, collection: str, entry_id: str) -> None:
    name = table_name("medha", collection)
    file = folder / f"{name}.lance" / PENDING
    if file.exists():
        with closing(sqlite3.connect(file)) as database, database:
            database.execute(
                "UPDATE pending SET metadata = '{', seq = (SELECT max(seq) + 1 FROM pending) WHERE id = ?", (entry_id,)
            )
    table = await (await connect(folder)).open_table(name)
    await table.update({"metadata": "{"}, where=f"id = '{entry_id}'")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "lance"


@pytest.fixture
def beside(folder: Path) -> Path:
    """Where the table of ``music`` is."""
    return folder / f"{table_name('medha', 'music')}.lance"


@pytest_asyncio.fixture
async def open_backend(folder: Path) -> AsyncIterator[Callable[..., Awaitable[LanceBackend]]]:
    """Makes backends on the folder, connected, with the collection ``music``."""
    async with AsyncExitStack() as stack:

        async def opening(**values: Any) -> LanceBackend:
            backend = LanceBackend(LanceSettings(uri=str(folder), **values))
            return await stack.enter_async_context(opened(backend))

        yield opening


@pytest_asyncio.fixture
async def backend(open_backend: Callable[..., Awaitable[LanceBackend]]) -> LanceBackend:
    """Connected, with the collection ``music``."""
    return await open_backend()


@pytest_asyncio.fixture
async def table_only(open_backend: Callable[..., Awaitable[LanceBackend]]) -> LanceBackend:
    """The same, with every store in the table at once."""
    return await open_backend(write_ahead=False)


@pytest.fixture
def by_hand(folder: Path) -> Callable[[], Awaitable[Any]]:
    """Opens the table of ``music`` as another program would."""

    async def opening() -> Any:
        database = await connect(folder, read_consistency_interval=timedelta(0))
        return await database.open_table(table_name("medha", "music"))

    return opening
