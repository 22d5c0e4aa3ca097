"""What a backend asks of its driver, recorded, to be asked again by the bare driver."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    Step = Callable[[], Awaitable[object]]


class Tape(ABC):
    """Records the calls of a driver while it is rolling; ``play`` makes them again on a client of its own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.steps: list[Step] = []

    @abstractmethod
    async def open(self) -> None:
        """Connect the bare client."""

    @abstractmethod
    async def close(self) -> None:
        """Close the bare client."""

    @abstractmethod
    @contextmanager
    def rolling(self) -> Generator[None]:
        """Record from here on."""

    async def play(self) -> None:
        """Make the recorded calls, one after the other."""
        for step in self.steps:
            await step()

    @contextmanager
    def recorded(self, owner: Any, name: str, remember: Callable[..., Step]) -> Generator[None]:
        """While inside, every call of ``owner.name`` is made, and remembered as a step."""
        real = getattr(owner, name)
        self.steps = []

        async def call(this: Any, *args: Any, **options: Any) -> Any:
            self.steps.append(remember(this, *args, **options))
            return await real(this, *args, **options)

        with patch.object(owner, name, call):
            yield


class PostgresTape(Tape):
    """Statements of psycopg with all rows fetched, on the connection that the backend uses, for its adapters."""

    async def open(self) -> None:
        """The connection is the backend's."""

    async def close(self) -> None:
        """It closes its own."""

    @contextmanager
    def rolling(self) -> Generator[None]:
        import psycopg

        def remember(cursor: Any, query: Any, values: Any = None, **options: Any) -> Step:
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
        self._client: Any = module.Redis.from_url(self.url)

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

        self._client = AsyncElasticsearch(self.url)

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
    """Calls of qdrant-client over REST, with the models that they were given."""

    CALLS = ("upsert", "query_batch_points", "retrieve", "scroll", "count", "delete", "set_payload")

    async def open(self) -> None:
        from qdrant_client import AsyncQdrantClient

        self._client = AsyncQdrantClient(url=self.url, check_compatibility=False)

    async def close(self) -> None:
        await self._client.close()

    @contextmanager
    def rolling(self) -> Generator[None]:
        from qdrant_client import AsyncQdrantClient

        steps: list[Step] = []
        with ExitStack() as stack:
            for name in self.CALLS:

                def remember(_: Any, *arguments: Any, name: str = name, **options: Any) -> Step:
                    return lambda: getattr(self._client, name)(*arguments, **options)

                stack.enter_context(self.recorded(AsyncQdrantClient, name, remember))
            self.steps = steps
            yield
