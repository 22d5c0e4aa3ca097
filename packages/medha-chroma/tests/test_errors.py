"""Everything that the driver may raise becomes an error of Medha that says what to do."""

from __future__ import annotations

import sqlite3
from json import JSONDecodeError
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from chromadb import errors as driver
from portalocker import LockException

from medha.errors import (
    BackendError,
    BackendTimeoutError,
    BackendUnavailableError,
    BackendWriteError,
    CollectionMismatchError,
    CollectionNotFoundError,
)
from medha_chroma import ChromaBackend, ChromaSettings
from medha_chroma.errors import EXPLANATIONS, explain
from medha_conformance.connected import connected, opened
from medha_conformance.corpus import SPEC, make_entries, make_entry, unit_vectors
from medha_conformance.driver_errors import made, with_subclasses
from medha_conformance.vendor import Reply, answering

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Workbench


def explained(exc: BaseException, *, writing: bool = False) -> BackendError:
    return explain(exc, doing="storing 'music'", place="http://c:8000", collection="music", writing=writing)


@pytest.mark.parametrize(
    "kind", [*with_subclasses(httpx.HTTPError), *with_subclasses(httpx.StreamError), httpx.InvalidURL]
)
def test_every_error_of_the_transport_is_typed(kind: type[Exception]) -> None:
    error = explained(made(kind))
    assert isinstance(error, BackendTimeoutError) == issubclass(kind, httpx.TimeoutException)
    if issubclass(kind, httpx.TransportError):
        assert isinstance(error, BackendUnavailableError)
    for part in ("storing 'music'", "http://c:8000", "the driver's words"):
        assert part in str(error)


@pytest.mark.parametrize("kind", list(with_subclasses(driver.ChromaError)))
def test_every_error_that_the_driver_defines_is_known_by_itself(kind: type[Exception]) -> None:
    assert kind in EXPLANATIONS
    error = explained(made(kind))
    assert type(error) in {BackendError, BackendUnavailableError, CollectionMismatchError, BackendWriteError}
    assert "the driver's words" in str(error)


@pytest.mark.parametrize(
    ("exc", "kind", "words"),
    [
        (driver.NotFoundError("Collection [medha_1] does not exist"), CollectionNotFoundError, "'music'"),
        (driver.NotFoundError("Tenant [x] not found"), BackendUnavailableError, "MEDHA_CHROMA_TENANT"),
        (driver.ChromaAuthError("Forbidden"), BackendUnavailableError, "MEDHA_CHROMA_TOKEN"),
        (driver.AuthorizationError("no"), BackendUnavailableError, "MEDHA_CHROMA_TOKEN"),
        (driver.RateLimitError("slow down"), BackendUnavailableError, "no more requests"),
        (driver.QuotaError("too many"), BackendWriteError, "quota"),
        (driver.BatchSizeExceededError("6000"), BackendWriteError, "fewer entries"),
        (ValueError("Batch size of 6000 is greater than max batch size of 5461"), BackendWriteError, "fewer entries"),
        (driver.InvalidDimensionException("8, not 9"), CollectionMismatchError, "Initialize it again"),
        (driver.InternalError("error: database or disk is full"), BackendWriteError, "Free some"),
        (driver.InternalError("attempt to write a readonly database"), BackendWriteError, "cannot be written"),
        (driver.InternalError("database is locked"), BackendUnavailableError, "again later"),
        (sqlite3.OperationalError("disk I/O error"), BackendWriteError, "cannot be written"),
        (OSError(28, "No space left on device"), BackendWriteError, "disk is full"),
        (LockException("locked"), BackendUnavailableError, "MEDHA_CHROMA_PATH"),
        (RuntimeError("Cannot send a request, as the client has been closed."), BackendUnavailableError, "connect()"),
        (TimeoutError(), BackendTimeoutError, "MEDHA_CHROMA_TIMEOUT"),
        (JSONDecodeError("odd", "x", 0), BackendError, "is not a Chroma"),
        (KeyError("id"), BackendError, "is not a Chroma"),
        (AssertionError("odd"), BackendError, "does not expect"),
    ],
)
def test_errors_of_the_engine_and_of_the_driver_are_typed(
    exc: BaseException, kind: type[BackendError], words: str
) -> None:
    error = explained(exc, writing=True)
    assert type(error) is kind
    assert words in str(error)


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (401, b"who are you", BackendUnavailableError, "MEDHA_CHROMA_TOKEN"),
        (403, b'{"error":"AuthError","message":"Forbidden"}', BackendUnavailableError, "MEDHA_CHROMA_TOKEN"),
        (404, b"<html>not here</html>", BackendError, "is not a Chroma"),
        (413, b"Payload Too Large", BackendWriteError, "nothing of it was stored"),
        (429, b"slow down", BackendUnavailableError, "no more requests"),
        (500, b'{"error":"InternalError","message":"No space left on device"}', BackendWriteError, "Free some"),
        (500, b"panic", BackendError, "its log"),
        (503, b"down for a while", BackendUnavailableError, "cannot be reached"),
        (504, b"", BackendTimeoutError, "MEDHA_CHROMA_TIMEOUT"),
        (200, b"<html>welcome</html>", BackendError, "is not a Chroma"),
        (200, b'{"hello": 1}', BackendError, "is not a Chroma"),
    ],
)  # fmt: skip
async def test_what_a_server_answers_is_typed_and_shows_no_token(
    status: int, body: bytes, kind: type[BackendError], words: str
) -> None:
    with answering(Reply(status=status, body=body)) as url:
        settings: dict[str, Any] = {"url": url, "token": "hunter2", "timeout": 20}
        backend = ChromaBackend(ChromaSettings(**settings))
        with pytest.raises(BackendError) as caught:
            await backend.connect()
        await backend.close()
    assert type(caught.value) is kind
    assert words in str(caught.value)
    assert url in str(caught.value)
    assert "hunter2" not in f"{caught.value}{caught.value.__cause__}"
    assert caught.value.__cause__ is not None


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    # a port that was free a moment ago
    with answering() as url:
        pass
    backend = ChromaBackend(ChromaSettings(url=url))
    for _ in range(2):
        with pytest.raises(BackendUnavailableError, match=r"connecting on http.*cannot be reached"):
            await backend.connect()
    with pytest.raises(BackendUnavailableError, match="opening the collection 'music'"):
        await backend.initialize("music", SPEC)
    await backend.close()
    with pytest.raises(BackendUnavailableError, match="call connect"):
        await backend.count("music")


async def test_a_server_that_does_not_answer_is_given_up_in_time() -> None:
    with answering() as url:
        backend = ChromaBackend(ChromaSettings(url=url, timeout=0.05))
        with pytest.raises(BackendTimeoutError, match="MEDHA_CHROMA_TIMEOUT"):
            await backend.connect()
        await backend.close()


async def test_a_database_that_is_not_there_is_said_to_be_missing(bench: Workbench, tmp_path: Path) -> None:
    embedded: dict[str, Any] = {"mode": "path", "path": tmp_path}
    for values in ({}, embedded):
        with pytest.raises(BackendUnavailableError, match=r"no such tenant or database.*MEDHA_CHROMA_DATABASE"):
            await bench.backend(database="nowhere", **values)


async def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("in the way")
    backend = ChromaBackend(ChromaSettings(mode="path", path=file / "chroma"))
    with pytest.raises(BackendWriteError, match=r"opening on .*cannot be written"):
        await backend.connect()
    await backend.close()


async def test_a_folder_is_for_one_backend_at_a_time(tmp_path: Path) -> None:
    settings = ChromaSettings(mode="path", path=tmp_path / "chroma")
    two = ChromaBackend(settings)
    async with connected(ChromaBackend(settings)):
        with pytest.raises(BackendUnavailableError, match="only one may"):
            await two.connect()
    async with connected(two):
        pass


async def test_two_backends_in_memory_share_nothing() -> None:
    settings = ChromaSettings(mode="memory")
    async with opened(ChromaBackend(settings)) as two:
        async with opened(ChromaBackend(settings)) as one:
            await one.upsert("music", [make_entry("albums")])
            assert await two.count("music") == 0
        assert await two.count("music") == 0


async def test_a_batch_that_does_not_fit_is_refused_whole(bench: Workbench) -> None:
    backend = await bench.backend("music")
    with pytest.raises(CollectionMismatchError, match="different shapes"):
        await backend.upsert("music", [make_entry("good"), make_entry("long", vector=unit_vectors(1, 9)[0])])
    await backend.upsert("music", [make_entry("one")])
    with pytest.raises(CollectionMismatchError, match=r"another dimension.*Initialize it again"):
        await backend.upsert("music", [make_entry("long", vector=unit_vectors(1, 9)[0])])
    assert await backend.count("music") == 1


async def test_more_entries_than_chroma_takes_at_once_are_refused_whole(bench: Workbench) -> None:
    backend = await bench.backend("music")
    with pytest.raises(BackendWriteError, match=r"nothing of it was stored.*batch size"):
        await backend.upsert("music", make_entries(6000))
    assert await backend.count("music") == 0
