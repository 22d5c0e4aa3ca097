"""What a backend asks of its driver, recorded, to be asked again by the bare driver."""

from __future__ import annotations

import asyncio
import json
from abc import abstractmethod
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any
from unittest.mock import patch
from urllib.parse import urlsplit

import numpy as np
from sides import Bare

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Sequence

    from sides import Ours, Part, Work

    Step = Callable[[], Awaitable[object]]


class Tape(Bare):
    """Records the calls of a driver while it is rolling, and makes them again on a client of its own.

    It works on the backend's collection, and has no rows of its own.
    """

    def __init__(self, place: str) -> None:
        super().__init__(place)
        self.steps: list[Step] = []

    @abstractmethod
    @contextmanager
    def rolling(self) -> Generator[None]:
        """Record from here on."""

    async def forget(self, part: Part, ours: Ours) -> None:
        await ours.remove(part)

    async def rehearse(self, work: Work, ours: Ours) -> None:
        with self.rolling():
            await work.call(ours)
        if work.prepare is not None:
            await work.prepare(ours)
        self.calls = len(self.steps)

    async def perform(self) -> object:
        for step in self.steps:
            await step()
        return None

    @contextmanager
    def recorded(self, owner: Any, name: str, remember: Callable[..., Step]) -> Generator[None]:
        """While inside, every call of ``owner.name`` is made, and remembered as a step."""
        real = getattr(owner, name)
        self.steps = []

        def call(this: Any, *args: Any, **options: Any) -> Any:
            self.steps.append(remember(this, *args, **options))
            return real(this, *args, **options)

        with patch.object(owner, name, call):
            yield

    @contextmanager
    def all_recorded(self, owner: Any, names: Sequence[str], remember: Callable[..., Step]) -> Generator[None]:
        """The same of several; ``remember`` is told the name first."""
        steps: list[Step] = []
        with ExitStack() as stack:
            for name in names:
                stack.enter_context(self.recorded(owner, name, partial(remember, name)))
            self.steps = steps
            yield


class PostgresTape(Tape):
    """Statements of psycopg with all rows fetched, on the connection that the backend uses, for its adapters.

    Many rows are given to the driver as a list, which it turns into JSON: a bare program has no text of them either.
    """

    async def open(self) -> None:
        """The connection is the backend's."""

    async def close(self) -> None:
        """It closes its own."""

    @contextmanager
    def rolling(self) -> Generator[None]:
        import psycopg
        from psycopg.types.json import Json

        def remember(cursor: Any, query: Any, values: Any = None, **options: Any) -> Step:
            if values and "rows" in values:
                values = values | {"rows": Json(json.loads(values["rows"]))}

            async def step() -> object:
                async with cursor.connection.cursor(binary=cursor.format.value == 1) as bare:
                    await bare.execute(query, values, **options)
                    return await bare.fetchall() if bare.description else None

            return step

        with self.recorded(psycopg.AsyncCursor, "execute", remember):
            yield


class RedisTape(Tape):
    """Commands and pipelines of redis-py."""

    async def open(self) -> None:
        import redis.asyncio

        module: Any = redis.asyncio
        self._client: Any = module.Redis.from_url(self.place)

    async def close(self) -> None:
        await self._client.aclose()

    @contextmanager
    def rolling(self) -> Generator[None]:
        from redis.asyncio import Redis
        from redis.asyncio.client import Pipeline

        def command(_: Any, *arguments: Any, **options: Any) -> Step:
            return lambda: self._client.execute_command(*arguments, **options)

        def pipeline(this: Any, *_: Any, **__: Any) -> Step:
            stack, whole = list(this.command_stack), this.is_transaction

            async def step() -> object:
                async with self._client.pipeline(transaction=whole) as bare:
                    for arguments, options in stack:
                        bare.execute_command(*arguments, **options)
                    return await bare.execute()

            return step

        with self.recorded(Pipeline, "execute", pipeline):
            steps = self.steps
            with self.recorded(Redis, "execute_command", command):
                self.steps = steps
                yield


class ElasticsearchTape(Tape):
    """Requests of elasticsearch-py."""

    async def open(self) -> None:
        from elasticsearch import AsyncElasticsearch

        self._client = AsyncElasticsearch(self.place)

    async def close(self) -> None:
        await self._client.close()

    @contextmanager
    def rolling(self) -> Generator[None]:
        from elastic_transport import AsyncTransport

        def remember(_: Any, method: str, target: str, **options: Any) -> Step:
            return lambda: self._client.transport.perform_request(method, target, **options)

        with self.recorded(AsyncTransport, "perform_request", remember):
            yield


class QdrantTape(Tape):
    """Calls of qdrant-client over REST, with the models that they were given.

    Vectors are in an array before, as Medha's are.
    """

    CALLS = ("upsert", "query_batch_points", "retrieve", "scroll", "count", "delete", "set_payload")

    async def open(self) -> None:
        from qdrant_client import AsyncQdrantClient

        self._client = AsyncQdrantClient(url=self.place, check_compatibility=False)

    async def close(self) -> None:
        await self._client.close()

    @contextmanager
    def rolling(self) -> Generator[None]:
        from qdrant_client import AsyncQdrantClient

        def remember(name: str, _: Any, *arguments: Any, **options: Any) -> Step:
            if name == "upsert":
                return self._storing(*arguments, **options)
            return lambda: getattr(self._client, name)(*arguments, **options)

        with self.all_recorded(AsyncQdrantClient, self.CALLS, remember):
            yield

    def _storing(self, name: str, batch: Any, **options: Any) -> Step:
        from qdrant_client import models

        ids, payloads, vectors = batch.ids, batch.payloads, np.asarray(batch.vectors, dtype=np.float32)

        def store() -> Awaitable[object]:
            made = models.Batch.model_construct(ids=ids, vectors=vectors.tolist(), payloads=payloads)
            return self._client.upsert(name, made, **options)

        return store


class ChromaTape(Tape):
    """Calls of the collections of chromadb's client of a server."""

    CALLS = ("upsert", "update", "get", "query", "count", "delete")

    async def open(self) -> None:
        import chromadb
        from chromadb.config import Settings

        address, quiet = urlsplit(self.place), Settings(anonymized_telemetry=False)
        self._client: Any = await chromadb.AsyncHttpClient(
            host=str(address.hostname), port=address.port or 80, settings=quiet
        )

    @contextmanager
    def rolling(self) -> Generator[None]:
        from chromadb.api.models.AsyncCollection import AsyncCollection

        def remember(name: str, this: Any, *arguments: Any, **options: Any) -> Step:
            # made by hand, as a user keeps it: to look for it anew is a request
            bare = AsyncCollection(client=self._client._server, model=this._model, embedding_function=None)
            return lambda: getattr(bare, name)(*arguments, **options)

        with self.all_recorded(AsyncCollection, self.CALLS, remember):
            yield


class EmbeddedChromaTape(Tape):
    """Calls of the collections of chromadb in this process, on the backend's engine: a folder has but one.

    They are made on a thread, since each takes milliseconds, in which the event loop would stand.
    """

    @contextmanager
    def rolling(self) -> Generator[None]:
        from chromadb.api.models.Collection import Collection

        def remember(name: str, this: Any, *arguments: Any, **options: Any) -> Step:
            return lambda: asyncio.to_thread(getattr(this, name), *arguments, **options)

        with self.all_recorded(Collection, ChromaTape.CALLS, remember):
            yield
