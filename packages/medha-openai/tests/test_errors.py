"""Whatever the SDK raises is one of Medha's errors, and says what to do."""

from __future__ import annotations

import inspect
import json
import sys
from typing import Any

import openai
import pytest

from medha.errors import (
    EmbedderError,
    EmbedderInputError,
    EmbedderOutputError,
    EmbedderTimeoutError,
    EmbedderUnavailableError,
)
from medha.remote import Vendor
from medha_openai.errors import explain

VENDOR = Vendor(name="OpenAI", plugin="openai", key_variables=("OPENAI_API_KEY",), texts=2048)
_exceptions: Any = sys.modules["openai._exceptions"]
http: Any = getattr(_exceptions, "httpx2", None) or _exceptions.httpx
"""The HTTP library under the SDK, which is another one from version 3 on."""
EXPECTED: dict[str, type[EmbedderError]] = {
    "APITimeoutError": EmbedderTimeoutError,
    "APIConnectionError": EmbedderUnavailableError,
    "APIResponseValidationError": EmbedderOutputError,
    "BadRequestError": EmbedderInputError,
    "UnprocessableEntityError": EmbedderInputError,
    "AuthenticationError": EmbedderUnavailableError,
    "OAuthError": EmbedderUnavailableError,
    "PermissionDeniedError": EmbedderUnavailableError,
    "NotFoundError": EmbedderUnavailableError,
    "ConflictError": EmbedderUnavailableError,
    "RateLimitError": EmbedderUnavailableError,
    "InternalServerError": EmbedderUnavailableError,
}
"""What a request for embeddings can raise; the other classes belong to other calls."""
OF_OTHER_CALLS = {
    "APIError",
    "APIStatusError",
    "ContentFilterFinishReasonError",
    "InvalidWebhookSignatureError",
    "LengthFinishReasonError",
    "OpenAIError",
    "SubjectTokenProviderError",
    "WebSocketConnectionClosedError",
    "WebSocketQueueFullError",
}


def classes_of_the_sdk() -> dict[str, type[Exception]]:
    found = inspect.getmembers(openai, lambda kind: inspect.isclass(kind) and issubclass(kind, Exception))
    return {name: kind for name, kind in found if not name.startswith("_")}


def made(kind: Any, status: int | None = None, code: str | None = None, headers: Any = None) -> Exception:
    """An instance as the SDK makes it."""
    request = http.Request("POST", "http://127.0.0.1/v1/embeddings")
    if issubclass(kind, openai.APITimeoutError):
        return kind(request)
    if issubclass(kind, openai.APIConnectionError):
        return kind(request=request)
    fixed = getattr(kind, "status_code", 500)
    response = http.Response(status or (fixed if isinstance(fixed, int) else 500), headers=headers, request=request)
    body = {"message": "what it says", "code": code, "type": "a_type"}
    if kind.__name__ == "OAuthError":
        return kind(response=response, body=body)
    if issubclass(kind, openai.APIResponseValidationError):
        return kind(response, body)
    if issubclass(kind, openai.APIStatusError):
        return kind("what it says", response=response, body=body)
    return kind.__new__(kind)


def test_every_error_class_of_the_sdk_is_known() -> None:
    assert set(classes_of_the_sdk()) <= set(EXPECTED) | OF_OTHER_CALLS


@pytest.mark.parametrize("name", sorted(set(EXPECTED) & set(classes_of_the_sdk())))
def test_every_error_of_a_request_becomes_the_right_one(name: str) -> None:
    error = explain(VENDOR, made(classes_of_the_sdk()[name]))
    assert type(error) is EXPECTED[name]
    assert "OpenAI" in str(error)


@pytest.mark.parametrize("name", sorted(OF_OTHER_CALLS & set(classes_of_the_sdk())))
def test_an_error_of_another_call_is_still_an_embedder_error(name: str) -> None:
    assert isinstance(explain(VENDOR, made(classes_of_the_sdk()[name])), EmbedderError)


def test_a_body_that_is_no_json_is_an_output_error() -> None:
    with pytest.raises(json.JSONDecodeError) as raised:
        json.loads("<html>")
    assert type(explain(VENDOR, raised.value)) is EmbedderOutputError


def test_an_account_without_credit_is_not_asked_again() -> None:
    error = explain(VENDOR, made(openai.RateLimitError, code="insufficient_quota"))
    assert isinstance(error, EmbedderUnavailableError)
    assert not error.transient
    assert "credit" in str(error)


def test_a_throttled_request_says_how_long_to_wait() -> None:
    error = explain(VENDOR, made(openai.RateLimitError, headers={"retry-after-ms": "1500", "retry-after": "2"}))
    assert isinstance(error, EmbedderUnavailableError)
    assert (error.transient, error.retry_after) == (True, 1.5)
