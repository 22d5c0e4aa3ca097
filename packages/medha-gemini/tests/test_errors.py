"""Whatever the SDK and its HTTP client raise is one of Medha's errors, and says what to do."""

from __future__ import annotations

import inspect
import json
from typing import Any

import httpx2
import pytest
from google.genai import errors as sdk

from medha.errors import (
    EmbedderError,
    EmbedderInputError,
    EmbedderOutputError,
    EmbedderTimeoutError,
    EmbedderUnavailableError,
)
from medha.remote import Vendor
from medha_gemini.errors import explain

VENDOR = Vendor(name="Gemini", plugin="gemini", key_variables=("GEMINI_API_KEY",), texts=100)
OF_STATUS: dict[int, type[EmbedderError]] = {
    400: EmbedderInputError,
    403: EmbedderUnavailableError,
    404: EmbedderUnavailableError,
    429: EmbedderUnavailableError,
    499: EmbedderInputError,
    500: EmbedderUnavailableError,
    504: EmbedderUnavailableError,
}
OF_OTHER_CALLS = {
    "ContinuationInterruptedError",
    "ExperimentalWarning",
    "FunctionInvocationError",
    "UnknownFunctionCallArgumentError",
    "UnsupportedFunctionError",
}


def classes_of(module: Any) -> list[Any]:
    found = inspect.getmembers(module, lambda kind: inspect.isclass(kind) and issubclass(kind, Exception))
    return [kind for _, kind in found]


def body(status: int, *details: dict[str, str], message: str = "what it says") -> dict[str, Any]:
    return {"error": {"code": status, "message": message, "status": "A_STATUS", "details": list(details)}}


def made(status: int, *details: dict[str, str], **headers: str) -> Exception:
    """An error as the SDK raises it."""
    answer = httpx2.Response(status, headers=headers, content=json.dumps(body(status, *details)))
    error_class: Any = sdk.APIError
    with pytest.raises(sdk.APIError) as raised:
        error_class.raise_for_response(answer)
    return raised.value


@pytest.mark.parametrize("status", OF_STATUS)
def test_every_error_with_a_status_goes_by_it(status: int) -> None:
    error = explain(VENDOR, made(status))
    assert type(error) is OF_STATUS[status]
    assert "what it says" in str(error)


def test_every_error_class_of_the_sdk_is_known() -> None:
    known = OF_OTHER_CALLS | {"APIError", "ClientError", "ServerError", "UnknownApiResponseError"}
    assert {kind.__name__ for kind in classes_of(sdk)} <= known


@pytest.mark.parametrize("kind", classes_of(sdk), ids=lambda kind: kind.__name__)
def test_every_error_class_of_the_sdk_becomes_an_embedder_error(kind: Any) -> None:
    fault = kind(418, body(418)) if issubclass(kind, sdk.APIError) else kind("what it says")
    error = explain(VENDOR, fault)
    assert isinstance(error, EmbedderError)
    assert (type(error) is EmbedderError) == (kind.__name__ in OF_OTHER_CALLS)


@pytest.mark.parametrize("kind", classes_of(httpx2), ids=lambda kind: kind.__name__)
def test_every_error_of_the_http_client_is_an_embedder_error(kind: Any) -> None:
    error = explain(VENDOR, kind.__new__(kind))
    assert isinstance(error, EmbedderError)
    if issubclass(kind, httpx2.TimeoutException):
        assert isinstance(error, EmbedderTimeoutError)
    elif issubclass(kind, httpx2.TransportError):
        assert isinstance(error, EmbedderUnavailableError)
        assert error.transient


def test_an_answer_of_another_shape_is_an_output_error() -> None:
    for fault in (sdk.UnknownApiResponseError(), TypeError(), json.JSONDecodeError("no JSON", "<html>", 0)):
        assert type(explain(VENDOR, fault)) is EmbedderOutputError


def test_a_wrong_key_is_a_400_and_still_said_to_be_the_key() -> None:
    error = explain(
        VENDOR, made(400, {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"})
    )
    assert isinstance(error, EmbedderUnavailableError)
    assert "MEDHA_GEMINI_API_KEY" in str(error)


def test_the_wait_that_google_asks_for_stands_in_the_body_or_in_the_header() -> None:
    in_body = explain(VENDOR, made(429, {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.5s"}))
    in_header = explain(VENDOR, made(429, **{"Retry-After": "7"}))
    assert isinstance(in_body, EmbedderUnavailableError)
    assert isinstance(in_header, EmbedderUnavailableError)
    assert (in_body.retry_after, in_header.retry_after) == (34.5, 7.0)
