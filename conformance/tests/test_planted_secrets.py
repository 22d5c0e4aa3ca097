"""Backends that show a password, a key or a question, and the standard test that catches each."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from medha import FULL, PLUGIN_API, BackendPlugin, Capability
from medha.errors import BackendUnavailableError
from medha.memory import MemoryBackend
from medha_conformance import BackendSuite
from medha_conformance.addresses import without_password
from medha_conformance.proxy import Proxy
from medha_conformance.suite import secrets
from medha_conformance.suite.lab import Lab
from medha_conformance.suite.secrets import SecretTopic

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from medha import CacheEntry

STANDARD = sorted(name for name in vars(SecretTopic) if name.startswith("test"))
_DOWN = "test_no_secret_is_seen_when_the_server_is_down"
_UP = "test_no_secret_is_seen_when_the_server_refuses_or_accepts_it"
_QUESTION = "test_no_question_is_seen_in_an_error"


class VaultSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="MEDHA_VAULT_", extra="forbid")

    url: SecretStr
    key: SecretStr | None = None


class Vault(MemoryBackend):
    """Knocks at a server before everything it does, and never says with what key."""

    def __init__(self, settings: VaultSettings) -> None:
        super().__init__()
        self.url = settings.url.get_secret_value()
        self.key = settings.key.get_secret_value() if settings.key else ""

    async def connect(self) -> None:
        place = urlsplit(self.url)
        try:
            _, writer = await asyncio.open_connection(place.hostname, place.port)
        except OSError as exc:
            raise BackendUnavailableError(self.told(exc)) from self.cause(exc)
        writer.close()
        await writer.wait_closed()

    def told(self, error: OSError) -> str:
        return f"connecting to {without_password(self.url)}: {error}. Is it running?"

    def cause(self, error: OSError) -> Exception:
        return error

    async def upsert(self, collection: str, entries: Sequence[CacheEntry]) -> None:
        await self.connect()
        await super().upsert(collection, entries)

    async def get(self, collection: str, ids: Sequence[str]) -> list[CacheEntry]:
        await self.connect()
        return await super().get(collection, ids)


class ShowsTheAddress(Vault):
    def told(self, error: OSError) -> str:
        return f"connecting to {self.url}: {error}. Is it running?"


class ShowsTheKeyInTheCause(Vault):
    def cause(self, error: OSError) -> Exception:
        return ConnectionError(f"{error}; headers: api-key={self.key}")


class LogsTheKey(Vault):
    async def connect(self) -> None:
        logging.getLogger("vault").debug("connecting with %s", self.key)
        await super().connect()


class ShowsTheKeyInItsRepr(Vault):
    def __repr__(self) -> str:
        return f"<Vault key={self.key}>"


class ShowsTheQuestion(Vault):
    async def upsert(self, collection: str, entries: Sequence[CacheEntry]) -> None:
        try:
            await super().upsert(collection, entries)
        except BackendUnavailableError as exc:
            raise BackendUnavailableError(f"storing {entries[0].question!r}: {exc}") from exc


PLANTED: list[tuple[type[Vault], str]] = [
    (ShowsTheAddress, _DOWN),
    (ShowsTheKeyInTheCause, _DOWN),
    (LogsTheKey, _DOWN),
    (LogsTheKey, _UP),
    (ShowsTheKeyInItsRepr, _UP),
    (ShowsTheQuestion, _QUESTION),
]


class _One:
    """The plugins of an environment that has one."""

    def __init__(self, plugin: BackendPlugin) -> None:
        self.plugin = plugin

    def find(self, kind: type, name: str) -> BackendPlugin:
        assert (kind, name) == (BackendPlugin, "vault")
        return self.plugin


@pytest_asyncio.fixture
async def address() -> AsyncIterator[str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()
    while others := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(others)
        await asyncio.sleep(0)


@pytest.fixture
def run(address: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Any:
    async def run(kind: type[Vault], test: str) -> None:
        capabilities = dict.fromkeys(Capability, FULL)
        plugin = BackendPlugin(
            name="vault", factory=kind, settings=VaultSettings, capabilities=capabilities, api_version=PLUGIN_API
        )
        monkeypatch.setattr(secrets, "installed_plugins", lambda: _One(plugin))
        suite: Any = type("Suite", (BackendSuite,), {"backend_name": "vault"})()
        with Proxy(address) as proxy:
            settings = VaultSettings(url=SecretStr(proxy.url))
            values = {"lab": Lab(lambda: kind(settings)), "settings": settings, "proxy": proxy, "caplog": caplog}
            method = getattr(suite, test)
            names = method.__code__.co_varnames[1 : method.__code__.co_argcount]
            await method(**{name: values[name] for name in names})

    return run


@pytest.mark.parametrize("test", STANDARD)
async def test_a_discreet_backend_passes(test: str, run: Any) -> None:
    await run(Vault, test)


@pytest.mark.parametrize(("broken", "test"), PLANTED)
async def test_the_planted_bug_is_caught(broken: type[Vault], test: str, run: Any) -> None:
    with pytest.raises(AssertionError) as caught:
        await run(broken, test)
    assert test == _QUESTION or secrets.MARKER not in str(caught.value), "the report shows the secret"


def test_every_standard_test_of_the_topic_catches_a_bug() -> None:
    assert sorted({test for _, test in PLANTED}) == STANDARD
