"""Everything that the driver may raise becomes an error of Medha that says what to do."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import grpc
import httpx
import pytest
from grpc.aio import AioRpcError, Metadata
from pydantic import BaseModel, ValidationError
from qdrant_client.common.client_exceptions import QdrantException, ResourceExhaustedResponse
from qdrant_client.http.exceptions import ApiException, ResponseHandlingException, UnexpectedResponse

from medha.errors import (
    BackendError,
    BackendTimeoutError,
    BackendUnavailableError,
    BackendWriteError,
    CollectionNotFoundError,
)
from medha_conformance.corpus import SPEC
from medha_conformance.driver_errors import made, with_subclasses
from medha_conformance.vendor import Reply, answering
from medha_qdrant import QdrantBackend, QdrantSettings
from medha_qdrant.errors import explain

if TYPE_CHECKING:
    from pathlib import Path


def explained(exc: Exception, *, writing: bool = False) -> BackendError:
    return explain(exc, doing="storing 'music'", place="http://q:6333", collection="music", writing=writing)


HTTPX = [*with_subclasses(httpx.HTTPError), *with_subclasses(httpx.StreamError), httpx.InvalidURL]


@pytest.mark.parametrize("kind", HTTPX)
def test_every_error_of_the_transport_is_typed_also_where_the_driver_wraps_it(kind: type[Exception]) -> None:
    for exc in (made(kind), ResponseHandlingException(made(kind))):
        error = explained(exc)
        assert isinstance(error, BackendTimeoutError) == issubclass(kind, httpx.TimeoutException)
        if issubclass(kind, httpx.TransportError):
            assert isinstance(error, BackendUnavailableError)
        for part in ("storing 'music'", "http://q:6333", "the driver's words"):
            assert part in str(error)


@pytest.mark.parametrize("status", grpc.StatusCode)
def test_every_grpc_status_is_typed_and_keeps_the_servers_words(status: grpc.StatusCode) -> None:
    error = explained(AioRpcError(status, Metadata(), Metadata(), details="the server's words"))
    assert "the server's words" in str(error)
    assert status.name in str(error)
    if status.name in {"UNAVAILABLE", "UNAUTHENTICATED", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED"}:
        assert type(error) is BackendUnavailableError
    assert isinstance(error, BackendTimeoutError) == (status.name == "DEADLINE_EXCEEDED")


def test_every_kind_of_error_that_the_driver_defines_is_known_here() -> None:
    known = {QdrantException, ResourceExhaustedResponse, ApiException, UnexpectedResponse, ResponseHandlingException}
    assert {*with_subclasses(QdrantException), *with_subclasses(ApiException)} == known
    for exc in (ResourceExhaustedResponse("slow down", 3), QdrantException("odd"), ApiException("odd")):
        assert isinstance(explained(exc), BackendError)
    assert type(explained(ResourceExhaustedResponse("slow down", 3))) is BackendUnavailableError


@pytest.mark.parametrize(
    ("exc", "kind", "words"),
    [
        (OSError(28, "No space left on device"), BackendWriteError, "disk is full"),
        (sqlite3.OperationalError("disk I/O error"), BackendWriteError, "disk is full or cannot be written"),
        (RuntimeError("Storage folder x is already accessed by another"), BackendUnavailableError, "MEDHA_QDRANT_PATH"),
        (RuntimeError("Client was closed. Please create"), BackendUnavailableError, "cannot be reached"),
        (ValueError("Collection medha_1 not found"), CollectionNotFoundError, "'music'"),
        (KeyError("odd"), BackendError, "does not expect"),
        (AssertionError("Upsert returned None result"), BackendError, "does not expect"),
    ],
)
def test_errors_of_the_engine_in_this_process_are_typed(exc: Exception, kind: type[BackendError], words: str) -> None:
    error = explained(exc)
    assert type(error) is kind
    assert words in str(error)


def test_an_answer_that_does_not_validate_is_told_without_what_it_held() -> None:
    class Answer(BaseModel):
        number: int

    with pytest.raises(ValidationError) as caught:
        Answer.model_validate({"number": "Whose salary is it?"})
    error = explained(ResponseHandlingException(caught.value))
    assert "not a Qdrant that this driver understands" in str(error)
    assert "salary" not in str(error)


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (401, b"Must provide an API key", BackendUnavailableError, "MEDHA_QDRANT_API_KEY"),
        (403, b'{"status":{"error":"Forbidden"},"time":0.1}', BackendUnavailableError, "MEDHA_QDRANT_API_KEY"),
        (404, b"<html>not here</html>", BackendError, "is not a Qdrant"),
        (413, b"Payload Too Large", BackendWriteError, "nothing of it was stored"),
        (429, b'{"status":{"error":"Rate limiting exceeded"},"time":0.1}', BackendUnavailableError, "rate limit"),
        (500, b'{"status":{"error":"No space left on device"},"time":0.1}', BackendWriteError, "Free some"),
        (500, b'{"status":{"error":"Service internal error: panic"},"time":0.1}', BackendError, "its log"),
        (503, b"down for a while", BackendUnavailableError, "cannot be reached"),
        (504, b"", BackendTimeoutError, "MEDHA_QDRANT_TIMEOUT"),
        (200, b"<html>welcome</html>", BackendError, "is not a Qdrant"),
    ],
)  # fmt: skip
async def test_what_a_server_answers_over_rest_is_typed(
    status: int, body: bytes, kind: type[BackendError], words: str
) -> None:
    with answering(Reply(status=status, body=body)) as url:
        settings: dict[str, Any] = {"url": url, "prefer_grpc": False, "api_key": "hunter2", "timeout": 5}
        backend = QdrantBackend(QdrantSettings(**settings))
        with pytest.raises(BackendError) as caught:
            await backend.connect()
        await backend.close()
    assert type(caught.value) is kind
    assert words in str(caught.value)
    assert url in str(caught.value)
    assert "hunter2" not in f"{caught.value}{caught.value.__cause__}"
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize("prefer_grpc", [True, False])
async def test_a_server_that_is_not_there_is_unavailable(prefer_grpc: bool) -> None:
    # a port that was free a moment ago
    with answering() as url:
        pass
    backend = QdrantBackend(QdrantSettings(url=url, prefer_grpc=prefer_grpc, grpc_port=int(url.rpartition(":")[2])))
    for _ in range(2):
        with pytest.raises(BackendUnavailableError, match=r"connecting on http.*cannot be reached"):
            await backend.connect()
    with pytest.raises(BackendUnavailableError, match="opening the collection 'music'"):
        await backend.initialize("music", SPEC)
    await backend.close()
    with pytest.raises(BackendUnavailableError, match="call connect"):
        await backend.count("music")


async def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("in the way")
    backend = QdrantBackend(QdrantSettings(mode="path", path=file / "qdrant"))
    with pytest.raises(BackendWriteError, match=r"opening on .*cannot be written"):
        await backend.connect()
    await backend.close()
