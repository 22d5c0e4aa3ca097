"""One client of Redis: calls that end in an answer or in one of Medha's errors."""

from __future__ import annotations

import asyncio
import functools
import hashlib
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError

from medha_redis.errors import FAULTS, explain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from medha.errors import MedhaError
    from medha_redis.settings import ConnectionSettings

Command = tuple[Any, ...]


class Connection:
    """A pool of connections to one server, or to the master that Sentinels name.

    A cancelled call drops its connection, so that nobody reads the answer to another's question; a transaction
    that was not sent whole is then discarded by the server.
    """

    def __init__(
        self, settings: ConnectionSettings, *, error: Callable[[MedhaError], MedhaError] | None = None
    ) -> None:
        self.address = address_of(settings)
        self._error = error
        self._timeout = settings.timeout
        self._sentinels: list[Any] = []
        # the driver's own types are too vague to check against
        self._client: Any = self._make_client(settings)
        self._free = asyncio.Semaphore(settings.max_connections)

    async def close(self) -> None:
        """Close every connection; calling it again is harmless."""
        for client in (self._client, *self._sentinels):
            await client.aclose(close_connection_pool=True)

    async def ask(self, doing: str, *command: Any, collection: str | None = None) -> Any:
        """What Redis answers to one command."""
        try:
            async with asyncio.timeout(self._timeout), self._free:
                try:
                    return await self._client.execute_command(*_by_name(command))
                except NoScriptError:
                    return await self._client.execute_command(*command)
        except FAULTS as exc:
            raise self.explained(exc, doing, collection) from exc

    async def ask_all(
        self, doing: str, commands: Sequence[Command], *, collection: str | None = None, whole: bool = False
    ) -> list[Any]:
        """The answers to several commands, sent and read at once; with ``whole`` all of them happen, or none."""
        try:
            async with asyncio.timeout(self._timeout), self._free:
                try:
                    return await self._send([_by_name(command) for command in commands], whole=whole)
                except NoScriptError:
                    # of a transaction nothing was done then, and the other commands that are sent together only read
                    return await self._send(commands, whole=whole)
        except FAULTS as exc:
            raise self.explained(exc, doing, collection) from exc

    async def _send(self, commands: Sequence[Command], *, whole: bool) -> list[Any]:
        async with self._client.pipeline(transaction=False) as pipeline:
            for command in [("MULTI",), *commands, ("EXEC",)] if whole else commands:
                pipeline.execute_command(*command)
            # raising by itself the driver would put the command, with its texts, into the message
            answers: list[Any] = await pipeline.execute(raise_on_error=False)
        _raise_first(answers)
        if whole:
            answers = answers[-1]
            _raise_first(answers)
        return answers

    def explained(self, exc: BaseException, doing: str, collection: str | None = None) -> MedhaError:
        """The error to raise from what went wrong while ``doing`` something."""
        explained = explain(exc, doing=doing, address=self.address, collection=collection)
        return explained if self._error is None else self._error(explained)

    def _make_client(self, settings: ConnectionSettings) -> Any:
        options, client = _options(settings), cast("Any", Redis)
        if not settings.sentinels:
            return client.from_url(settings.url, **_login(settings.username, settings.password), **options)
        parts = urlsplit(settings.url)
        options["ssl"] = parts.scheme == "rediss"
        sentinel: Any = Sentinel(
            [_host_and_port(address) for address in settings.sentinels],
            sentinel_kwargs={**options, **_login(settings.sentinel_username, settings.sentinel_password)},
            **options,
            **_login(settings.username, settings.password),
            db=int(parts.path.strip("/") or 0),
        )
        self._sentinels = list(sentinel.sentinels)
        return sentinel.master_for(settings.sentinel_master)


def _raise_first(answers: list[Any]) -> None:
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer


def _by_name(command: Command) -> Command:
    """The command with the digest of its script in place of the script, which Redis has mostly seen before."""
    if command[0] != "EVAL":
        return command
    return ("EVALSHA", _sha1(command[1]), *command[2:])


@functools.cache
def _sha1(script: str) -> str:
    return hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()


def address_of(settings: ConnectionSettings) -> str:
    """What to call the server in a message."""
    if settings.sentinels:
        return f"{settings.sentinel_master!r} of the Sentinels {', '.join(settings.sentinels)}"
    return settings.url


def _options(settings: ConnectionSettings) -> dict[str, Any]:
    options: dict[str, Any] = {
        # answers in one shape, whatever the driver's version prefers
        "protocol": 2,
        # the driver's own timeout goes through wait_for, which before Python 3.12 can swallow a cancellation
        "socket_timeout": None,
        "socket_connect_timeout": settings.connect_timeout,
        # trying again is core's to decide; the driver would also count feedback twice
        "retry": Retry(NoBackoff(), 0),
    }
    if settings.url.startswith("rediss://"):
        files = {
            "ssl_ca_certs": settings.tls_ca_file,
            "ssl_certfile": settings.tls_cert_file,
            "ssl_keyfile": settings.tls_key_file,
        }
        options |= {name: str(file) for name, file in files.items() if file is not None}
    return options


def _login(username: str | None, password: Any) -> dict[str, Any]:
    return {"username": username, "password": None if password is None else password.get_secret_value()}


def _host_and_port(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)
