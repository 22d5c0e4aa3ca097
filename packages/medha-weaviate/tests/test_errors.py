"""Every way in which the server and its driver can fail is a typed error that says where, and what to do."""

from __future__ import annotations

import inspect
import socket
from typing import Any

import grpc
import httpx
import pytest
from grpc.aio import AioRpcError, Metadata
from pydantic import SecretStr, ValidationError
from weaviate import exceptions as driver

from medha import Capability, Where
from medha.errors import (
    BackendError,
    BackendTimeoutError,
    BackendUnavailableError,
    BackendWriteError,
    CollectionMismatchError,
    CollectionNotFoundError,
)
from medha_conformance.corpus import SPEC, axis, make_entry, make_id
from medha_conformance.driver_errors import made, with_subclasses
from medha_conformance.suite.reading import closest
from medha_weaviate import WeaviateBackend, WeaviateSettings
from medha_weaviate.connection import make_client
from medha_weaviate.errors import Doing

from .conftest import wire_settings
from .wire.server import WireServer

DOING = Doing("storing 3 entries in", "http://weaviate:8080", "music")
SECRET = "hunter2-and-more"  # noqa: S105


# by name, for versions of the driver differ in which they have
KINDS: dict[str, type[BackendError]] = {
    "WeaviateTimeoutError": BackendTimeoutError,
    "WeaviateConnectionError": BackendUnavailableError,
    "WeaviateStartUpError": BackendUnavailableError,
    "WeaviateGRPCUnavailableError": BackendUnavailableError,
    "WeaviateClosedClientError": BackendUnavailableError,
    "WeaviateRetryError": BackendUnavailableError,
    "AuthenticationFailedError": BackendUnavailableError,
    "MissingScopeError": BackendUnavailableError,
    "InsufficientPermissionsError": BackendUnavailableError,
    "WeaviateUnsupportedFeatureError": BackendUnavailableError,
    "WeaviateEmbeddedInvalidVersionError": BackendUnavailableError,
    "WeaviateInsertManyAllFailedError": BackendWriteError,
    "ObjectAlreadyExistsError": BackendWriteError,
    "SchemaValidationError": BackendWriteError,
    "WeaviateBatchError": BackendWriteError,
    "WeaviateDeleteManyError": BackendWriteError,
}


def one_of(kind: type[Exception]) -> Exception:
    """One error of the class, whatever its constructor wants."""
    if issubclass(kind, driver.UnexpectedStatusCodeError):
        status = 403 if issubclass(kind, driver.InsufficientPermissionsError) else 500
        response: Any = httpx.Response(status, json={"error": [{"message": "what the server says"}]})
        kind_of_any: Any = kind
        return kind_of_any(response) if status == 403 else kind_of_any("what the driver says", response)
    return made(kind, "what the driver says")


@pytest.mark.parametrize("kind", [*with_subclasses(driver.WeaviateBaseError)], ids=lambda kind: kind.__name__)
def test_every_error_class_of_the_driver_becomes_the_error_of_its_kind(kind: type[Exception]) -> None:
    error = DOING.explain(one_of(kind))
    assert type(error) is KINDS.get(kind.__name__, BackendError)
    assert str(error).startswith("storing 3 entries in 'music' on Weaviate at http://weaviate:8080: ")
    assert "what the" in str(error)


def test_no_error_class_of_the_driver_stands_outside_the_with_subclasses() -> None:
    classes = [kind for _, kind in inspect.getmembers(driver, inspect.isclass) if issubclass(kind, Exception)]
    own = {kind.__name__ for kind in classes if kind.__module__ == driver.__name__}
    outside = own - {kind.__name__ for kind in with_subclasses(driver.WeaviateBaseError)}
    # the one is raised when the driver is imported, the other never leaves its streams
    assert outside <= {"WeaviateProtobufIncompatibility", "_BatchStreamShutdownError"}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (401, BackendUnavailableError),
        (403, BackendUnavailableError),
        (404, CollectionNotFoundError),
        (408, BackendTimeoutError),
        (413, BackendWriteError),
        (422, BackendWriteError),
        (429, BackendUnavailableError),
        (500, BackendError),
        (502, BackendUnavailableError),
        (503, BackendUnavailableError),
        (504, BackendTimeoutError),
    ],
)
def test_every_status_becomes_the_error_of_its_kind(status: int, expected: type[BackendError]) -> None:
    response = httpx.Response(status, json={"error": [{"message": "because"}]})
    error = DOING.explain(driver.UnexpectedStatusCodeError("Object was not added", response))
    assert type(error) is expected
    assert "music" in str(error)


CODES = {
    grpc.StatusCode.UNAVAILABLE: BackendUnavailableError,
    grpc.StatusCode.CANCELLED: BackendUnavailableError,
    grpc.StatusCode.ABORTED: BackendUnavailableError,
    grpc.StatusCode.INTERNAL: BackendUnavailableError,
    grpc.StatusCode.DEADLINE_EXCEEDED: BackendTimeoutError,
    grpc.StatusCode.UNAUTHENTICATED: BackendUnavailableError,
    grpc.StatusCode.PERMISSION_DENIED: BackendUnavailableError,
    grpc.StatusCode.RESOURCE_EXHAUSTED: BackendWriteError,
    grpc.StatusCode.OUT_OF_RANGE: BackendWriteError,
    grpc.StatusCode.UNIMPLEMENTED: BackendUnavailableError,
    grpc.StatusCode.INVALID_ARGUMENT: BackendWriteError,
    grpc.StatusCode.FAILED_PRECONDITION: BackendWriteError,
}


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK])
@pytest.mark.parametrize("chained", ["bare", "cause", "context", "by name"])
def test_every_code_of_grpc_becomes_the_error_of_its_kind_however_the_driver_hands_it_on(
    code: grpc.StatusCode, chained: str
) -> None:
    call = AioRpcError(code, Metadata(), Metadata(), details="what it says")
    error: Exception = call
    if chained == "by name":
        error = driver.WeaviateDeleteManyError(f"[{code.name}] what it says")
    elif chained != "bare":
        error = driver.WeaviateQueryError("GRPC search", "what it says")
        error.__cause__, error.__context__ = (call, None) if chained == "cause" else (None, call)
    explained = DOING.explain(error)
    fallback = BackendWriteError if chained == "by name" else BackendError
    assert type(explained) is CODES.get(code, fallback)
    assert "what it says" in str(explained)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("could not find class Medha_1 in schema", CollectionNotFoundError),
        ("vector lengths don't match: 8 vs 9", CollectionMismatchError),
        ("store is read-only due to disk usage", BackendWriteError),
        ("not enough memory", BackendUnavailableError),
        ("cannot achieve consistency level ALL", BackendUnavailableError),
    ],
)
def test_what_the_server_says_in_words_is_understood(words: str, expected: type[BackendError]) -> None:
    assert type(DOING.explain(AioRpcError(grpc.StatusCode.UNKNOWN, Metadata(), Metadata(), details=words))) is expected


async def test_a_backend_that_is_not_connected_says_so_before_connect_and_after_close(
    settings: WeaviateSettings,
) -> None:
    backend = WeaviateBackend(settings)
    for _ in range(2):
        with pytest.raises(BackendUnavailableError, match=f"not connected to {settings.url}"):
            await backend.count("music")
        await backend.connect()
        await backend.close()


async def test_a_wrong_key_is_refused_when_connecting_and_shown_nowhere() -> None:
    with WireServer(key="the right one") as server:
        backend = WeaviateBackend(wire_settings(server.url, api_key=SecretStr(SECRET)))
        with pytest.raises(BackendUnavailableError) as caught:
            await backend.connect()
        assert SECRET not in f"{caught.value} {caught.value!r} {backend!r}"
        await backend.close()


async def test_the_right_key_is_sent_on_both_ways() -> None:
    with WireServer(key=SECRET) as server:
        backend = WeaviateBackend(wire_settings(server.url, api_key=SecretStr(SECRET)))
        await backend.connect()
        await backend.initialize("music", SPEC)
        await backend.upsert("music", [make_entry("albums")])
        assert await backend.count("music") == 1
        await backend.close()


async def test_a_server_without_grpc_is_told_apart_in_time(settings: WeaviateSettings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        wrong = settings.model_copy(update={"grpc_port": silent.getsockname()[1], "timeout": 0.3})
        with pytest.raises(BackendTimeoutError, match="MEDHA_WEAVIATE_GRPC_PORT"):
            await WeaviateBackend(wrong).connect()


async def test_a_vector_of_another_dimension_is_a_mismatch_and_nothing_is_stored(
    settings: WeaviateSettings, backend: WeaviateBackend
) -> None:
    await backend.upsert("music", [make_entry("first")])
    for dimension in (3, 20):
        with pytest.raises(CollectionMismatchError, match="another dimension"):
            await backend.upsert("music", [make_entry("good"), make_entry("x", vector=axis(0, dimension))])
        with pytest.raises(CollectionMismatchError, match="another dimension"):
            await closest(backend, "music", axis(0, dimension))
    # a backend that has not opened the collection leaves it to the server
    other = WeaviateBackend(settings)
    await other.connect()
    with pytest.raises(BackendError):
        await other.upsert("music", [make_entry("good"), make_entry("x", vector=axis(0, 20))])
    await other.close()
    assert [entry.id for entry in (await backend.scroll("music")).entries] == [make_id("first")]


async def test_a_write_never_makes_a_dropped_collection_anew(
    settings: WeaviateSettings, backend: WeaviateBackend, name: str
) -> None:
    async with make_client(settings) as client:
        await client.collections.delete(name)
        for call in (
            lambda: backend.upsert("music", [make_entry("late")]),
            lambda: backend.upsert("music", []),
            lambda: backend.add_feedback("music", make_id("late"), correct=1),
            lambda: backend.delete("music", where=Where(ids=[make_id("late")])),
            lambda: backend.get("music", []),
            lambda: backend.count("music", where=Where(ids=[])),
        ):
            with pytest.raises(CollectionNotFoundError, match="'music'"):
                await call()
        assert not await client.collections.exists(name)


async def test_a_cursor_of_somebody_else_is_refused(backend: WeaviateBackend) -> None:
    for cursor in ("", "17", "/17", "[1]"):
        with pytest.raises(BackendError, match="no cursor"):
            await backend.scroll("music", cursor=cursor)


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "localhost:8080"},
        {"url": f"http://user:{SECRET}@h:8080"},
        {"url": "http://h:8080/path"},
        {"url": "http://h:50051"},
        {"mode": "cloud", "url": "https://h"},
        {"mode": "cloud", "url": "http://h", "api_key": SECRET},
        {"mode": "embedded"},
        {"prefix": "lower"},
        {"prefix": "With-Dash"},
        {"consistency": "ONE"},
        {"index": "dynamic"},
        {"hosts": "x"},
    ],
)
def test_settings_that_cannot_be_used_are_refused_without_showing_them(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        WeaviateSettings(**wrong)
    assert SECRET not in str(caught.value)


def test_each_mode_leads_to_its_own_addresses(tmp_path: Any) -> None:
    assert WeaviateSettings().grpc_endpoint == ("localhost", 50051)
    assert WeaviateSettings(url="https://w.example", grpc_host="grpc.w.example").grpc_endpoint == (
        "grpc.w.example",
        443,
    )
    cloud: Any = make_client(WeaviateSettings(mode="cloud", url="https://x.weaviate.cloud", api_key=SecretStr(SECRET)))
    params: Any = cloud._connection._connection_params
    assert (params.http.host, params.http.secure) == ("x.weaviate.cloud", True)
    assert (params.grpc.host, params.grpc.port, params.grpc.secure) == ("grpc-x.weaviate.cloud", 443, True)
    embedded = WeaviateSettings(mode="embedded", path=tmp_path)
    assert str(tmp_path) in embedded.place
    assert not WeaviateBackend(embedded).capabilities[Capability.SHARED]
    assert WeaviateBackend(WeaviateSettings(index="flat")).capabilities[Capability.EXACT_SEARCH]
