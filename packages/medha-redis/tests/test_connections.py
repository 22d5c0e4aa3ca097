"""Ways to a server and back to it: lost connections, forgotten scripts, cancelled writes, ACL users, TLS, Sentinel."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import ssl
import subprocess
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr
from redis import Redis

from medha import CacheHit, CollectionSpec, SearchStrategy, Where
from medha.errors import BackendError, BackendUnavailableError
from medha_conformance.corpus import SPEC, axis, make_entries, make_entry
from medha_conformance.processes import other_process
from medha_conformance.suite.processes import check_shared_writes
from medha_conformance.suite.reading import closest, outcome_of, read_all
from medha_redis import RedisBackend, RedisL1Cache, RedisL1Settings, RedisSettings
from medha_redis.schema import names_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    StartRedis = Callable[..., int]

DOCUMENT = Path(__file__).parents[3] / "docs/backends/redis.md"


def documented(user: str, server: Any) -> list[str]:
    """The permissions in the document, less those on commands that this server does not know."""
    start = f"ACL SETUSER {user} "
    (line,) = (line for line in DOCUMENT.read_text().splitlines() if line.startswith(start))
    rules = [rule for rule in line.removeprefix(start).split() if rule.startswith("+")]
    known = server.execute_command("COMMAND INFO", *(rule[1:] for rule in rules))
    return ["-@all", *(rule for rule, info in zip(rules, known, strict=True) if info is not None)]


async def test_two_processes_see_each_others_writes_at_the_next_call(
    backend: RedisBackend, settings: RedisSettings
) -> None:
    with other_process("redis", settings) as other:
        await check_shared_writes(backend, other)


async def test_a_dropped_connection_is_forgotten_at_the_next_call(backend: RedisBackend, by_hand: Any) -> None:
    await backend.upsert("music", make_entries(5))
    # its own alone: other tests run on this server at the same time
    own = await vars(backend)["_connection"].ask("asking who I am", "CLIENT", "ID")
    assert by_hand.client_kill_filter(_id=own) == 1
    await outcome_of(backend.count("music"))  # which may be the call that notices it
    assert await backend.count("music") == 5
    assert len(await closest(backend, "music")) == 5


async def test_a_server_that_forgot_the_scripts_is_told_them_again(backend: RedisBackend, by_hand: Any) -> None:
    by_hand.script_flush()
    await backend.upsert("music", make_entries(600))
    by_hand.script_flush()
    first = make_entries(1)[0].id
    entry, matches = await backend.get_and_search(
        "music", first, axis(0), limit=3, min_similarity=-1.0, where=Where(), now=0.0
    )
    assert entry is not None
    assert len(matches) == 3
    by_hand.script_flush()
    assert await backend.count("music") == 600


@pytest.mark.parametrize("milliseconds", [1, 5, 10, 20, 50, 100, 200])
async def test_5000_entries_are_stored_whole_or_not_at_all(backend: RedisBackend, milliseconds: int) -> None:
    task = asyncio.create_task(backend.upsert("music", make_entries(5000)))
    await asyncio.wait({task}, timeout=milliseconds / 1000)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await backend.count("music") in {0, 5000}
    assert len(await closest(backend, "music", limit=10)) in {0, 10}


async def test_an_index_that_somebody_dropped_is_filled_again_by_initialize(
    settings: RedisSettings, backend: RedisBackend, by_hand: Any
) -> None:
    entries = make_entries(50)
    await backend.upsert("music", entries)
    if by_hand.execute_command("COMMAND INFO", "FT.SEARCH")[0] is None:
        pytest.skip("a vector set has no index apart")
    index = names_of(settings.prefix, "music").index
    by_hand.execute_command("FT.DROPINDEX", index)
    with pytest.raises(BackendError, match="initialize it first"):
        await closest(backend, "music")
    await backend.initialize("music", SPEC)
    while len(await closest(backend, "music")) < 50:
        await asyncio.sleep(0)
    assert await read_all(backend, "music") == entries


async def test_a_collection_made_anew_elsewhere_is_used_as_it_is_now(
    backend: RedisBackend, settings: RedisSettings
) -> None:
    other = RedisBackend(settings)
    await other.connect()
    await backend.upsert("music", make_entries(5))
    await other.drop_collection("music")
    await other.initialize("music", CollectionSpec(dimension=3, model_name="smaller"))
    with pytest.raises(BackendError, match=r"8 dimensions.*holds 3"):
        await backend.upsert("music", [make_entry("a")])
    assert await backend.count("music") == 0
    await other.close()


async def test_backends_that_open_one_collection_at_the_same_moment_all_get_it(settings: RedisSettings) -> None:
    backends = [RedisBackend(settings) for _ in range(8)]
    for backend in backends:
        await backend.connect()
    for _ in range(5):
        assert await asyncio.gather(*(backend.initialize("race", SPEC) for backend in backends)) == [None] * 8
        await asyncio.gather(*(backend.drop_collection("race") for backend in backends))
    for backend in backends:
        await backend.close()


@pytest.mark.parametrize("dimension", [1, 4000])
async def test_vectors_of_any_dimension_are_found(backend: RedisBackend, dimension: int) -> None:
    await backend.initialize("wide", CollectionSpec(dimension=dimension, model_name="m"))
    entries = make_entries(20, dimension=dimension)
    await backend.upsert("wide", entries)
    matches = await closest(backend, "wide", entries[7].vector, limit=2_000_000)
    assert len(matches) == 20
    assert matches[0].similarity == pytest.approx(1.0)
    await backend.drop_collection("wide")


async def test_a_user_with_the_documented_permissions_can_do_everything(
    url: str, settings: RedisSettings, by_hand: Any
) -> None:
    name, password = f"medha-{secrets.token_hex(6)}", secrets.token_hex(8)
    rules = ("reset", "on", f">{password}", f"~{settings.prefix}*", *documented("medha", by_hand))
    by_hand.execute_command("ACL", "SETUSER", name, *rules)
    try:
        login: dict[str, Any] = {"url": url, "username": name, "password": SecretStr(password)}
        backend = RedisBackend(RedisSettings(**login, prefix=settings.prefix))
        await backend.connect()
        await backend.initialize("music", SPEC)
        entries = make_entries(600, template_id="t", expires_at=4e9)
        await backend.upsert("music", entries)
        await backend.upsert("music", [make_entry("row-0", template_id="t")])
        assert len(await closest(backend, "music", limit=10, now=5e9)) == 1
        assert len(await read_all(backend, "music", where=Where(template_id="t"))) == 600
        assert len(await read_all(backend, "music", with_vectors=True)) == 600
        assert await backend.add_feedback("music", entries[0].id, correct=1) == (1, 0)
        assert await backend.delete("music", where=Where(ids=[entries[0].id])) == 1
        assert await backend.count("music", where=Where(template_id="t")) == 599
        assert await backend.delete("music", where=Where(template_id="t")) == 599
        assert await backend.delete("music", where=Where()) == 0
        assert await backend.count("music") == 0
        await backend.drop_collection("music")
        await backend.close()
        stranger = RedisBackend(RedisSettings(**login, prefix="not-mine:"))
        await stranger.connect()
        with pytest.raises(BackendUnavailableError, match="the commands and keys that the documentation"):
            await stranger.initialize("music", SPEC)
        await stranger.close()
    finally:
        by_hand.execute_command("ACL", "DELUSER", name)


async def test_a_user_with_the_documented_permissions_can_use_the_l1_cache(url: str, prefix: str, by_hand: Any) -> None:
    name, password = f"medha-{secrets.token_hex(6)}", secrets.token_hex(8)
    rules = ("reset", "on", f">{password}", f"~{prefix}*", *documented("medha-l1", by_hand))
    by_hand.execute_command("ACL", "SETUSER", name, *rules)
    try:
        cache = RedisL1Cache(
            RedisL1Settings(url=url, username=name, password=SecretStr(password), prefix=prefix, max_size=2)
        )
        await cache.connect()
        hit = CacheHit(strategy=SearchStrategy.EXACT_MATCH, reason="r", generated_query="q", expires_at=4e9)
        for number in range(5):
            fence = (await cache.get("music", "key")).fence
            assert await cache.set("music", f"{number}", hit, tags=["tag"], fence=fence)
        assert (await cache.get("music", "4")).hit == hit
        assert await cache.invalidate("music", ["tag"]) == 2
        await cache.clear("music")
        await cache.close()
    finally:
        by_hand.execute_command("ACL", "DELUSER", name)
        for key in by_hand.scan_iter(f"{prefix}*"):
            by_hand.delete(key)


def make_certificate(folder: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl command to make a certificate with")
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout key.pem -out cert.pem"
    subjects = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run([*command.split(), *subjects], cwd=folder, check=True, capture_output=True)


@asynccontextmanager
async def tls_in_front_of(url: str, folder: Path) -> AsyncGenerator[int]:
    """A port that speaks TLS, and hands on what it hears to the server."""
    make_certificate(folder)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    parts = urlsplit(url)

    async def hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(parts.hostname, parts.port)
        await asyncio.gather(hand_on(reader, back), hand_on(there, writer), return_exceptions=True)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_tls_is_spoken_and_an_unknown_certificate_refused(url: str, prefix: str, tmp_path: Path) -> None:
    async with tls_in_front_of(url, tmp_path) as port:
        address = f"rediss://127.0.0.1:{port}/0"
        backend = RedisBackend(RedisSettings(url=address, prefix=prefix, tls_ca_file=tmp_path / "cert.pem"))
        await backend.connect()
        await backend.initialize("music", SPEC)
        await backend.upsert("music", make_entries(300))
        assert await backend.count("music") == 300
        await backend.drop_collection("music")
        await backend.close()
        outcome = await outcome_of(RedisBackend(RedisSettings(url=address)).connect())
        assert isinstance(outcome, BackendUnavailableError), outcome
        assert "certificate" in str(outcome).lower()


@pytest.mark.long
async def test_sentinels_lead_to_the_master_and_to_its_successor(start_redis: StartRedis) -> None:
    master = start_redis()
    replica = start_redis("--replicaof", "127.0.0.1", str(master))
    sentinel = start_redis(
        "--sentinel", config=f"sentinel monitor music-master 127.0.0.1 {master} 1\nsentinel resolve-hostnames yes"
    )
    settings = RedisSettings(sentinels=(f"127.0.0.1:{sentinel}",), sentinel_master="music-master")
    backend = RedisBackend(settings)
    await backend.connect()
    await backend.initialize("music", SPEC)
    await backend.upsert("music", make_entries(5))
    client_of: Any = Redis
    with client_of(port=sentinel) as watcher, client_of(port=replica) as successor:
        while not watcher.execute_command("SENTINEL", "REPLICAS", "music-master"):
            await asyncio.sleep(0.01)
        while successor.info("replication")["master_link_status"] != "up":
            await asyncio.sleep(0.01)
        while successor.hlen(names_of(settings.prefix, "music").about) == 0:
            await asyncio.sleep(0.01)
        watcher.execute_command("SENTINEL", "FAILOVER", "music-master")
        while successor.info("replication")["role"] != "master":
            await asyncio.sleep(0.05)
        # what the old master acknowledged last may be lost: replication does not wait
        while successor.zcard(names_of(settings.prefix, "music").order) != 6:
            await outcome_of(backend.upsert("music", [make_entry("after")]))
    assert await backend.count("music") == 6
    await backend.close()
    absent = RedisBackend(RedisSettings(sentinels=(f"127.0.0.1:{sentinel}",), sentinel_master="nobody"))
    with pytest.raises(BackendUnavailableError, match="'nobody' of the Sentinels"):
        await absent.connect()
