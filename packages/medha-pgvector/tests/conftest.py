"""What the tests share: a schema of their own, a backend in it, and a plain connection beside it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import psycopg
import pytest
import pytest_asyncio
from psycopg.sql import SQL, Identifier

from medha_conformance.connected import opened
from medha_pgvector import PgvectorBackend, PgvectorSettings
from medha_pgvector.names import table_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from medha_conformance.pytest_plugin import FindService
    from medha_conformance.suite.corruption import Corrupt

ByHand: TypeAlias = psycopg.AsyncConnection[tuple[Any, ...]]
MakeSettings: TypeAlias = Callable[..., PgvectorSettings]


@pytest.fixture
def url(find_service: FindService) -> str:
    return find_service("pgvector")


@pytest_asyncio.fixture
async def by_hand(url: str) -> AsyncIterator[ByHand]:
    """Another program's connection, each statement its own transaction."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def damage_metadata(by_hand: ByHand) -> Corrupt:
    """Puts a list where metadata belong, in the schema of the default settings."""

    async def damage(collection: str, entry_id: str) -> None:
        table = Identifier(PgvectorSettings().schema_name, table_of(collection))
        await by_hand.execute(SQL("UPDATE {} SET metadata = '[1]' WHERE id = {}").format(table, entry_id))

    return damage


@pytest_asyncio.fixture
async def schema(by_hand: ByHand) -> AsyncIterator[str]:
    """A schema that is gone afterwards; its name needs quotes."""
    name = f'Medha "test" {uuid.uuid4().hex[:12]}'
    yield name
    await by_hand.execute(SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(Identifier(name)))


@pytest.fixture
def make_settings(url: str, schema: str) -> MakeSettings:
    def make(**values: Any) -> PgvectorSettings:
        return PgvectorSettings.model_validate({"url": url, "schema_name": schema, "index_delay": 0, **values})

    return make


@pytest.fixture
def settings(make_settings: MakeSettings) -> PgvectorSettings:
    # nothing of its own in the background, where tests watch who waits for a lock
    return make_settings(index_delay=3600)


@pytest_asyncio.fixture
async def backend(settings: PgvectorSettings) -> AsyncIterator[PgvectorBackend]:
    """Connected, with the collection ``music``."""
    async with opened(PgvectorBackend(settings)) as backend:
        yield backend


@pytest.fixture
def table(schema: str) -> Identifier:
    """The table of ``music``."""
    return Identifier(schema, table_of("music"))
