"""Whatever the SDK and its HTTP client raise is one of Medha's errors, and says what to do."""

from __future__ import annotations

import inspect
import json
from typing import Any

import cohere.errors
import httpx
import pytest
from cohere.core.api_error import ApiError
from cohere.core.parse_error import ParsingError

from medha.errors import (
    EmbedderError,
    EmbedderInputError,
    EmbedderOutputError,
    EmbedderTimeoutError,
    EmbedderUnavailableError,
)
from medha.remote import Vendor
from medha_cohere.errors import explain

VENDOR = Vendor(name="Cohere", plugin="cohere", key_variables=("CO_API_KEY",), texts=96)
EXPECTED: dict[str, type[EmbedderError]] = {
    "BadRequestError": EmbedderInputError,
    "ClientClosedRequestError": EmbedderInputError,
    "ForbiddenError": EmbedderUnavailableError,
    "GatewayTimeoutError": EmbedderUnavailableError,
    "InternalServerError": EmbedderUnavailableError,
    "InvalidTokenError": EmbedderUnavailableError,
    "NotFoundError": EmbedderUnavailableError,
    "NotImplementedError": EmbedderUnavailableError,
    "ServiceUnavailableError": EmbedderUnavailableError,
    "TooManyRequestsError": EmbedderUnavailableError,
    "UnauthorizedError": EmbedderUnavailableError,
    "UnprocessableEntityError": EmbedderInputError,
}


def classes_of_the_http_client() -> list[Any]:
    found = inspect.getmembers(httpx, lambda kind: inspect.isclass(kind) and issubclass(kind, Exception))
    return [kind for _, kind in found]


def test_every_error_class_of_the_sdk_is_known() -> None:
    assert set(cohere.errors.__all__) == set(EXPECTED)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_every_error_of_a_request_becomes_the_right_one(name: str) -> None:
    kind: Any = getattr(cohere.errors, name)
    error = explain(VENDOR, kind({"message": "what it says", "texts": ["whose salary?"]}))
    assert type(error) is EXPECTED[name]
    assert "what it says" in str(error)
    assert "salary" not in str(error)


def test_an_error_without_a_class_of_its_own_goes_by_its_status() -> None:
    assert type(explain(VENDOR, ApiError(status_code=402, body="pay"))) is EmbedderUnavailableError
    assert type(explain(VENDOR, ApiError(status_code=200, body="<html>"))) is EmbedderOutputError
    assert type(explain(VENDOR, ApiError(body="no status"))) is EmbedderError


@pytest.mark.parametrize("kind", classes_of_the_http_client(), ids=lambda kind: kind.__name__)
def test_every_error_of_the_http_client_is_an_embedder_error(kind: Any) -> None:
    error = explain(VENDOR, kind.__new__(kind))
    assert isinstance(error, EmbedderError)
    if issubclass(kind, httpx.TimeoutException):
        assert isinstance(error, EmbedderTimeoutError)
    elif issubclass(kind, httpx.TransportError):
        assert isinstance(error, EmbedderUnavailableError)
        assert error.transient


def test_an_answer_of_another_shape_is_an_output_error() -> None:
    for fault in (ParsingError(), TypeError(), json.JSONDecodeError("no JSON", "<html>", 0)):
        assert type(explain(VENDOR, fault)) is EmbedderOutputError


def test_a_throttled_request_says_how_long_to_wait() -> None:
    error = explain(VENDOR, cohere.errors.TooManyRequestsError({"message": "slow down"}, {"retry-after": "7"}))
    assert isinstance(error, EmbedderUnavailableError)
    assert (error.transient, error.retry_after) == (True, 7.0)
