"""What Mistral's SDK and its HTTP client raise, as Medha's errors."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import httpx2
from mistralai.client.errors import MistralError, NoResponseError, ResponseValidationError

from medha.remote import fault_of_status, not_understood, too_slow, unexpected, unreachable

if TYPE_CHECKING:
    from medha.errors import EmbedderError
    from medha.remote import Vendor


def explain(vendor: Vendor, fault: Exception) -> EmbedderError:
    """The error to raise for what a request raised."""
    if isinstance(fault, MistralError):
        if isinstance(fault, ResponseValidationError) or 200 <= fault.status_code < 300:
            return not_understood(vendor, type(fault).__name__)
        return fault_of_status(vendor, fault.status_code, _words(fault.body), fault.headers)
    if isinstance(fault, httpx2.TimeoutException):
        return too_slow(vendor, type(fault).__name__)
    if isinstance(fault, httpx2.TransportError | NoResponseError):
        return unreachable(vendor, f"{type(fault).__name__}: {fault}")
    if isinstance(fault, httpx2.HTTPError | httpx2.StreamError | ValueError):
        return not_understood(vendor, type(fault).__name__)
    return unexpected(vendor, fault)


def _words(body: str) -> str:
    """The messages in the body of an error: the rest of it may repeat the request."""
    try:
        said: Any = json.loads(body)
    except ValueError:
        return body
    if not isinstance(said, dict):
        return body
    values = cast("dict[str, Any]", said)
    details: Any = values.get("detail")
    if isinstance(details, list):
        return "; ".join(str(detail.get("msg", "")) for detail in cast("list[dict[str, Any]]", details))
    return str(values.get("message") or details or "")
