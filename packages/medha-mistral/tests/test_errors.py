"""Whatever the SDK and its HTTP client raise is one of Medha's errors, and says what to do."""

from __future__ import annotations

import inspect
import json
from typing import Any

import httpx2
import mistralai.client.errors as sdk
import pytest

from medha.errors import (
    EmbedderError,
    EmbedderInputError,
    EmbedderOutputError,
    EmbedderTimeoutError,
    EmbedderUnavailableError,
)
from medha.remote import Vendor
from medha_mistral.errors import explain

VENDOR = Vendor(name="Mistral", plugin="mistral", key_variables=("MISTRAL_API_KEY",), texts=256)
OF_STATUS = {400: EmbedderInputError, 401: EmbedderUnavailableError, 404: EmbedderUnavailableError,
             422: EmbedderInputError, 429: EmbedderUnavailableError, 503: EmbedderUnavailableError}  # fmt: skip


def classes_of(module: Any) -> list[Any]:
    members = [getattr(module, name) for name in dir(module)]
    return [kind for kind in members if inspect.isclass(kind) and issubclass(kind, Exception)]


def response(status: int, body: object = None, **headers: str) -> httpx2.Response:
    return httpx2.Response(status, headers=headers, content=json.dumps(body or {"message": "what it says"}))


def made(kind: Any, answer: httpx2.Response) -> Exception:
    """An instance as the SDK makes it."""
    if kind is sdk.NoResponseError:
        return kind()
    if kind is sdk.ResponseValidationError:
        return kind("not valid", answer, ValueError("why"))
    if kind is sdk.HTTPValidationError:
        return kind(sdk.HTTPValidationErrorData(), answer)
    if kind is sdk.ObservabilityError:
        return kind.__new__(kind)
    return kind("API error occurred", answer)


@pytest.mark.parametrize("status", OF_STATUS)
@pytest.mark.parametrize("kind", [sdk.SDKError, sdk.MistralError, sdk.HTTPValidationError])
def test_every_error_with_a_status_goes_by_it(kind: Any, status: int) -> None:
    error = explain(VENDOR, made(kind, response(status)))
    assert type(error) is OF_STATUS[status]
    assert "what it says" in str(error)


def test_every_error_class_of_the_sdk_is_known() -> None:
    known = {"HTTPValidationError", "MistralError", "NoResponseError", "ObservabilityError",
             "ResponseValidationError", "SDKError"}  # fmt: skip
    assert {kind.__name__ for kind in classes_of(sdk)} <= known


def test_an_answer_of_another_shape_is_an_output_error() -> None:
    for fault in (made(sdk.ResponseValidationError, response(200)), made(sdk.SDKError, response(200)), ValueError()):
        assert type(explain(VENDOR, fault)) is EmbedderOutputError


def test_no_response_at_all_is_transient() -> None:
    error = explain(VENDOR, sdk.NoResponseError())
    assert isinstance(error, EmbedderUnavailableError)
    assert error.transient


@pytest.mark.parametrize("kind", classes_of(httpx2), ids=lambda kind: kind.__name__)
def test_every_error_of_the_http_client_is_an_embedder_error(kind: Any) -> None:
    error = explain(VENDOR, kind.__new__(kind))
    assert isinstance(error, EmbedderError)
    if issubclass(kind, httpx2.TimeoutException):
        assert isinstance(error, EmbedderTimeoutError)
    elif issubclass(kind, httpx2.TransportError):
        assert isinstance(error, EmbedderUnavailableError)
        assert error.transient


def test_what_the_vendor_repeats_of_the_request_is_left_out() -> None:
    detail = [{"loc": ["body", "input", 0], "msg": "Input should be a valid string", "input": "whose salary?"}]
    error = explain(VENDOR, made(sdk.SDKError, response(422, {"detail": detail})))
    assert "valid string" in str(error)
    assert "salary" not in str(error)


def test_a_throttled_request_says_how_long_to_wait() -> None:
    error = explain(VENDOR, made(sdk.SDKError, response(429, **{"Retry-After": "7"})))
    assert isinstance(error, EmbedderUnavailableError)
    assert (error.transient, error.retry_after) == (True, 7.0)
