"""Every way in which the service and its driver can fail is a typed error that says where, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import azure.search.documents
import pytest
from azure.core import exceptions as driver
from azure.core.credentials import AccessToken
from pydantic import SecretStr, ValidationError

from medha import Where
from medha.errors import (
    BackendError,
    BackendTimeoutError,
    BackendUnavailableError,
    BackendWriteError,
    CollectionMismatchError,
    CollectionNotFoundError,
)
from medha_azure_search import AzureSearchBackend, AzureSearchSettings
from medha_azure_search.errors import Doing
from medha_conformance.corpus import SPEC, axis, make_entries, make_entry, make_id
from medha_conformance.driver_errors import made, with_subclasses
from medha_conformance.suite.reading import closest

from .wire.server import WireServer

if TYPE_CHECKING:
    from types import TracebackType

DOING = Doing("storing 3 entries in", "https://x.search.windows.net", "music")
SECRET = "hunter2-and-more"  # noqa: S105


KINDS: dict[str, type[BackendError]] = {
    "ServiceRequestError": BackendUnavailableError,
    "ServiceRequestTimeoutError": BackendTimeoutError,
    "ServiceResponseError": BackendUnavailableError,
    "ServiceResponseTimeoutError": BackendTimeoutError,
    "IncompleteReadError": BackendUnavailableError,
    "ClientAuthenticationError": BackendUnavailableError,
    "ResourceNotFoundError": CollectionNotFoundError,
}


@pytest.mark.parametrize(
    "kind",
    [kind for kind in with_subclasses(driver.AzureError) if kind.__module__.startswith(("azure.core", "azure.search"))],
    ids=lambda kind: kind.__name__,
)
def test_every_error_class_of_the_driver_becomes_the_error_of_its_kind(kind: type[Exception]) -> None:
    error = made(kind)
    if isinstance(error, driver.ODataV4Error):
        error._error_format = None  # pyright: ignore[reportPrivateUsage] - its constructor reads an answer
    if isinstance(error, driver.HttpResponseError):
        error.status_code, error.error, error.message = None, None, "what the driver says"
    explained = DOING.explain(error)
    assert type(explained) is KINDS.get(kind.__name__, BackendError)
    assert "'music'" in str(explained)
    assert azure.search.documents.RequestEntityTooLargeError in with_subclasses(driver.HttpResponseError)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, BackendWriteError),
        (401, BackendUnavailableError),
        (403, BackendUnavailableError),
        (408, BackendTimeoutError),
        (409, BackendWriteError),
        (412, BackendWriteError),
        (413, BackendWriteError),
        (422, BackendUnavailableError),
        (429, BackendUnavailableError),
        (500, BackendError),
        (502, BackendUnavailableError),
        (503, BackendUnavailableError),
        (504, BackendTimeoutError),
        (507, BackendWriteError),
    ],
)
def test_every_status_becomes_the_error_of_its_kind_of_an_answer_and_of_one_document(
    status: int, expected: type[BackendError]
) -> None:
    error = driver.HttpResponseError("because")
    error.status_code = status
    assert type(DOING.explain(error)) is expected
    assert type(DOING.refusal(status, "because")) is expected


def test_a_quota_that_is_used_up_is_a_write_error() -> None:
    error = driver.HttpResponseError("Index quota has been exceeded for this service.")
    error.status_code = 403
    assert type(DOING.explain(error)) is BackendWriteError


async def test_a_backend_that_is_not_connected_says_so_before_connect_and_after_close(
    settings: AzureSearchSettings,
) -> None:
    backend = AzureSearchBackend(settings)
    for _ in range(2):
        with pytest.raises(BackendUnavailableError, match=f"not connected to {settings.url}"):
            await backend.count("music")
        await backend.connect()
        await backend.close()


async def test_a_wrong_key_is_refused_when_connecting_and_shown_nowhere() -> None:
    with WireServer(api_key="the right one") as server:
        backend = AzureSearchBackend(AzureSearchSettings(url=server.url, api_key=SecretStr(SECRET)))
        with pytest.raises(BackendUnavailableError, match="MEDHA_AZURE_SEARCH_API_KEY") as caught:
            await backend.connect()
        assert SECRET not in f"{caught.value} {caught.value!r} {backend!r}"
        await backend.close()


async def test_without_a_key_and_a_credential_there_is_no_way_in(server: WireServer) -> None:
    with pytest.raises(BackendUnavailableError, match="DefaultAzureCredential"):
        await AzureSearchBackend(AzureSearchSettings(url=server.url)).connect()


class _Credential:
    """A token credential, as azure-identity has them."""

    def __init__(self) -> None:
        self.scopes: list[str] = []
        self.closed = False

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        self.scopes += scopes
        return AccessToken(SECRET, 2**40)

    async def close(self) -> None:
        self.closed = True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.close()


async def test_a_token_never_goes_out_without_tls_and_a_given_credential_stays_open(server: WireServer) -> None:
    credential = _Credential()
    backend = AzureSearchBackend(AzureSearchSettings(url=server.url), credential)
    with pytest.raises(BackendUnavailableError) as caught:
        await backend.connect()
    assert "TLS" in str(caught.value)
    assert SECRET not in f"{caught.value!r}"
    assert server.requests == 0
    await backend.close()
    assert not credential.closed


@pytest.mark.parametrize("status", [429, 503])
async def test_what_is_throttled_is_sent_again_as_retry_after_says(
    server: WireServer, backend: AzureSearchBackend, status: int
) -> None:
    server.throttling = [(status, {"Retry-After": "0"}), (status, {"Retry-After": "0"})]
    assert await backend.count("music") == 0
    server.throttling = [(status, {})]
    await backend.upsert("music", [make_entry("albums")])
    assert await backend.count("music") == 1
    assert server.throttling == []


async def test_throttling_without_end_is_an_error_that_says_so(
    server: WireServer, settings: AzureSearchSettings, backend: AzureSearchBackend
) -> None:
    few = AzureSearchBackend(settings.model_copy(update={"retries": 1}))
    await few.connect()
    server.throttling = [(429, {"Retry-After": "0"})] * 2
    with pytest.raises(BackendUnavailableError, match="MEDHA_AZURE_SEARCH_RETRIES"):
        await few.count("music")
    await few.close()


async def test_a_write_that_is_never_seen_is_a_timeout_that_says_so(
    server: WireServer, settings: AzureSearchSettings, backend: AzureSearchBackend
) -> None:
    (index,) = server.indexes.values()
    index.lag = 10_000
    hasty = AzureSearchBackend(settings.model_copy(update={"visible_within": 0.05}))
    await hasty.connect()
    with pytest.raises(BackendTimeoutError, match="MEDHA_AZURE_SEARCH_VISIBLE_WITHIN"):
        await hasty.upsert("music", [make_entry("albums")])
    await hasty.close()


async def test_a_vector_of_another_dimension_is_a_mismatch_and_nothing_is_stored(
    settings: AzureSearchSettings, backend: AzureSearchBackend
) -> None:
    with pytest.raises(CollectionMismatchError, match="another dimension"):
        await backend.upsert("music", [make_entry("good"), make_entry("x", vector=axis(0, 11))])
    with pytest.raises(CollectionMismatchError, match="another dimension"):
        await closest(backend, "music", axis(0, 11))
    # a backend that has not opened the collection leaves it to the service
    other = AzureSearchBackend(settings)
    await other.connect()
    with pytest.raises(CollectionMismatchError, match="another dimension"):
        await other.upsert("music", [make_entry("good"), make_entry("x", vector=axis(0, 11))])
    await other.close()
    assert await backend.count("music") == 0


async def test_an_entry_that_no_request_can_hold_is_refused_before_anything_is_sent(
    server: WireServer, backend: AzureSearchBackend
) -> None:
    before = server.requests
    with pytest.raises(BackendWriteError, match="16 MB"):
        await backend.upsert("music", [make_entry("small"), make_entry("large", question="x" * 16_000_001)])
    assert await backend.count("music") == 0
    # what was there is read, nothing is sent, and that nothing is there is looked at
    assert server.requests - before <= 6


async def test_a_call_on_a_dropped_collection_says_so(server: WireServer, backend: AzureSearchBackend) -> None:
    server.indexes.clear()
    for call in (
        lambda: backend.upsert("music", [make_entry("late")]),
        lambda: backend.upsert("music", []),
        lambda: backend.add_feedback("music", make_id("late"), correct=1),
        lambda: backend.delete("music", where=Where(ids=[])),
        lambda: backend.get("music", []),
    ):
        with pytest.raises(CollectionNotFoundError, match="'music'"):
            await call()
    assert server.indexes == {}
    await backend.drop_collection("music")


async def test_more_than_a_request_holds_goes_out_in_several(
    server: WireServer, settings: AzureSearchSettings, backend: AzureSearchBackend
) -> None:
    small = AzureSearchBackend(settings.model_copy(update={"max_request_bytes": 2_000}))
    await small.connect()
    await small.upsert("music", make_entries(30))
    await backend.upsert("music", make_entries(1001, "many"))
    assert await backend.count("music") == 1031
    await small.close()


async def test_a_cursor_of_somebody_else_is_refused(backend: AzureSearchBackend) -> None:
    for cursor in ("", "17", "[1]"):
        with pytest.raises(BackendError, match="no cursor"):
            await backend.scroll("music", cursor=cursor)


async def test_more_dimensions_than_the_service_has_are_refused(backend: AzureSearchBackend) -> None:
    with pytest.raises(BackendWriteError, match="4096"):
        await backend.initialize("wide", type(SPEC)(dimension=4097, model_name="wide"))


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"url": "x.search.windows.net"},
        {"url": f"https://user:{SECRET}@x.search.windows.net"},
        {"url": "https://h/path"},
        {"url": "https://h", "prefix": "Upper"},
        {"url": "https://h", "prefix": "two--dashes"},
        {"url": "https://h", "prefix": "end-"},
        {"url": "https://h", "max_request_bytes": 16_000_001},
        {"url": "https://h", "hnsw_m": 3},
        {"url": "https://h", "hosts": "x"},
    ],
)
def test_settings_that_cannot_be_used_are_refused_without_showing_them(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        AzureSearchSettings(**wrong)
    assert SECRET not in str(caught.value)
