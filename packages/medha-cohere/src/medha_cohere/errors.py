"""What Cohere's SDK and its HTTP client raise, as Medha's errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import httpx
from cohere.core.api_error import ApiError
from cohere.core.parse_error import ParsingError

from medha.remote import fault_of_status, not_understood, too_slow, unexpected, unreachable

if TYPE_CHECKING:
    from medha.errors import EmbedderError
    from medha.remote import Vendor


def explain(vendor: Vendor, fault: Exception) -> EmbedderError:
    """The error to raise for what a request raised."""
    if isinstance(fault, ApiError):
        status = fault.status_code or 0
        if 200 <= status < 300:
            return not_understood(vendor, "a success that is no JSON")
        return fault_of_status(vendor, status, _words(fault.body), fault.headers)
    if isinstance(fault, httpx.TimeoutException):
        return too_slow(vendor, type(fault).__name__)
    if isinstance(fault, httpx.TransportError):
        return unreachable(vendor, f"{type(fault).__name__}: {fault}")
    # a body that is no JSON, or JSON of a shape on which the SDK fails as TypeError, since it does not look
    if isinstance(fault, ParsingError | httpx.HTTPError | httpx.StreamError | ValueError | TypeError):
        return not_understood(vendor, type(fault).__name__)
    return unexpected(vendor, fault)


def _words(body: Any) -> str:
    """The message in the body of an error: the rest of it may repeat the request."""
    if isinstance(body, dict):
        return str(cast("dict[str, Any]", body).get("message", ""))
    return str(body or "")
