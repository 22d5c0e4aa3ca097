"""Whatever fails is one of Medha's errors, names the server and the way out, and shows no secret."""

from __future__ import annotations

import asyncio
import inspect
import socket
from typing import TYPE_CHECKING, Any

import pytest
import redis.asyncio.sentinel
import redis.exceptions
from pydantic import ValidationError
from redis import Redis

from medha.errors import (
    BackendError,
    BackendTimeoutError,
    BackendUnavailableError,
    BackendWriteError,
    CollectionNotFoundError,
    CorruptEntryError,
)
from medha_conformance.corpus import SPEC, make_entries, make_entry
from medha_redis import RedisBackend, RedisL1Settings, RedisSettings
from medha_redis.errors import FAULTS, explain

if TYPE_CHECKING:
    from collections.abc import Callable

    from medha_conformance.pytest_plugin import FindService

    StartRedis = Callable[..., int]

client_of: Any = Redis
ADDRESS = "redis://cache.example:6379/0"


def classes_of_the_driver() -> list[type[Exception]]:
    modules = [redis.exceptions, redis.asyncio.sentinel]
    found = {kind for module in modules for _, kind in inspect.getmembers(module, inspect.isclass)}
    return sorted((kind for kind in found if issubclass(kind, Exception)), key=lambda kind: kind.__name__)


def made(kind: type[Exception]) -> Exception:
    """An instance, for which some classes want a text that they can take apart."""
    return kind("1234 10.0.0.1:6379") if issubclass(kind, redis.exceptions.AskError) else kind("what it says")


@pytest.mark.parametrize("kind", classes_of_the_driver(), ids=lambda kind: kind.__name__)
def test_every_error_class_of_the_driver_becomes_a_backend_error(kind: type[Exception]) -> None:
    assert issubclass(kind, FAULTS), "it would leave the backend as it is"
    error = explain(made(kind), doing="counting 'music'", address=ADDRESS, collection="music")
    assert isinstance(error, BackendError)
    assert f"counting 'music' on {ADDRESS}" in str(error)
    if issubclass(kind, redis.exceptions.ConnectionError):
        assert isinstance(error, BackendUnavailableError)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("NOAUTH Authentication required.", BackendUnavailableError),
        ("WRONGPASS invalid username-password pair", BackendUnavailableError),
        ("NOPERM User medha has no permissions to run the 'eval' command", BackendUnavailableError),
        ("BUSY Redis is busy running a script.", BackendUnavailableError),
        ("LOADING Redis is loading the dataset in memory", BackendUnavailableError),
        ("OOM command not allowed when used memory > 'maxmemory'.", BackendWriteError),
        ("MISCONF Redis is configured to save RDB snapshots, but it's unable to persist", BackendWriteError),
        ("NOREPLICAS Not enough good replicas to write.", BackendWriteError),
        ("READONLY You can't write against a read only replica. script: 12ab, on @user_script:7.", BackendWriteError),
        ("WRONGTYPE Operation against a key holding the wrong kind of value", CorruptEntryError),
        ("ERR hash value is not an integer script: 12ab, on @user_script:7.", CorruptEntryError),
        ("test:index: no such index", CollectionNotFoundError),
        ("Unknown index name", CollectionNotFoundError),
        ("ERR something else", BackendError),
    ],
)
def test_what_the_server_says_decides_the_kind(said: str, expected: type[BackendError]) -> None:
    error = explain(redis.exceptions.ResponseError(said), doing="doing", address=ADDRESS, collection="music")
    assert type(error) is expected


async def test_a_server_that_is_not_there_is_named_with_the_way_out() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"redis://127.0.0.1:{taken.getsockname()[1]}/0"
        backend = RedisBackend(RedisSettings(url=url))
        with pytest.raises(BackendUnavailableError, match=rf"connecting on {url}: .*cannot be reached") as caught:
            await backend.connect()
        assert isinstance(caught.value.__cause__, redis.exceptions.ConnectionError)
        with pytest.raises(BackendUnavailableError, match="not connected"):
            await backend.count("music")


async def test_a_server_that_does_not_answer_is_a_timeout() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    backend = RedisBackend(RedisSettings(url=f"redis://127.0.0.1:{port}/0", timeout=0.05))
    with pytest.raises(BackendTimeoutError, match="raise the setting timeout"):
        await backend.connect()
    server.close()


async def test_what_is_not_redis_is_said_to_be_so() -> None:
    async def web(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(web, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(BackendUnavailableError, match="not Redis"):
        await RedisBackend(RedisSettings(url=f"redis://127.0.0.1:{port}/0")).connect()
    server.close()


async def test_a_wrong_password_is_said_and_not_shown(find_service: FindService) -> None:
    place = find_service("redis").removeprefix("redis://")
    backend = RedisBackend(RedisSettings(url=f"redis://nobody:hunter2%40@{place}"))
    with pytest.raises(BackendUnavailableError, match="username and password") as caught:
        await backend.connect()
    assert "hunter2" not in f"{caught.value!r} {caught.value.__cause__!r} {backend.__dict__}"


@pytest.mark.parametrize("kind", [RedisSettings, RedisL1Settings])
def test_credentials_in_the_url_become_secrets(kind: type[RedisSettings | RedisL1Settings]) -> None:
    settings = kind(url="rediss://us%40er:p%2Fw@host:6380/3")
    assert settings.url == "rediss://host:6380/3"
    assert settings.username == "us@er"
    assert settings.password is not None
    assert settings.password.get_secret_value() == "p/w"
    assert "p/w" not in repr(settings)
    assert kind(url="redis://host", username="me").username == "me"


@pytest.mark.parametrize(
    "values",
    [
        {"url": "http://u:hunter2@host"},
        {"url": "redis://:hunter2@host:99999"},
        {"url": "redis://:hunter2@host/music"},
        {"url": "redis://:hunter2@host?protocol=3"},
        {"sentinels": "host"},
        {"prefix": "with space"},
        {"prefix": "{brace}"},
        {"prefx": "typo"},
    ],
)
def test_settings_that_cannot_be_used_are_refused_without_showing_secrets(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        RedisSettings(**values)
    assert "hunter2" not in str(caught.value)


def test_sentinels_are_read_from_one_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDHA_REDIS_SENTINELS", "one:26379, two:26379")
    assert RedisSettings().sentinels == ("one:26379", "two:26379")


async def test_a_server_without_any_engine_is_refused(find_service: FindService) -> None:
    backend = RedisBackend(RedisSettings(url=find_service("redis"), engine="vector_sets"))
    with pytest.raises(BackendUnavailableError, match="has no vector sets"):
        await backend.connect()


async def test_a_full_server_says_so_and_stores_nothing(start_redis: StartRedis) -> None:
    port = start_redis()
    backend = RedisBackend(RedisSettings(url=f"redis://127.0.0.1:{port}/0"))
    await backend.connect()
    await backend.initialize("music", SPEC)
    await backend.upsert("music", [make_entry("kept")])
    with client_of(port=port) as client:
        client.config_set("maxmemory", "1mb")
        for entries in ([make_entry("one")], make_entries(600)):
            with pytest.raises(BackendWriteError, match="out of memory; nothing of this call was stored"):
                await backend.upsert("music", entries)
        client.config_set("maxmemory", "0")
    assert await backend.count("music") == 1
    await backend.upsert("music", make_entries(600))
    assert await backend.count("music") == 601
    await backend.close()


async def test_a_read_only_replica_says_so(start_redis: StartRedis) -> None:
    master, replica = start_redis(), start_redis()
    backend = RedisBackend(RedisSettings(url=f"redis://127.0.0.1:{replica}/0"))
    await backend.connect()
    await backend.initialize("music", SPEC)
    with client_of(port=replica) as client:
        client.execute_command("REPLICAOF", "127.0.0.1", str(master))
        with pytest.raises(BackendWriteError, match=r"read-only replica.*sentinels"):
            await backend.upsert("music", [make_entry("one")])
    await backend.close()
