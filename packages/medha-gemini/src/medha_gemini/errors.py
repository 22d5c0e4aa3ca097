"""What Google's SDK and its HTTP client raise, as Medha's errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import httpx2
from google.genai import errors as sdk

from medha.remote import fault_of_status, not_understood, too_slow, unexpected, unreachable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medha.errors import EmbedderError
    from medha.remote import Vendor


def explain(vendor: Vendor, fault: Exception) -> EmbedderError:
    """The error to raise for what a request raised."""
    if isinstance(fault, sdk.APIError):
        details = list(_details(cast("Any", fault).details))
        # a wrong key is a 400 here
        refused = any(detail.get("reason") == "API_KEY_INVALID" for detail in details)
        said = f"{fault.status or ''} {fault.message or ''}".strip()
        return fault_of_status(vendor, 401 if refused else fault.code, said, _headers(fault, details))
    if isinstance(fault, httpx2.TimeoutException):
        return too_slow(vendor, type(fault).__name__)
    if isinstance(fault, httpx2.TransportError):
        return unreachable(vendor, f"{type(fault).__name__}: {fault}")
    if isinstance(
        fault, sdk.UnknownFunctionCallArgumentError | sdk.UnsupportedFunctionError | sdk.FunctionInvocationError
    ):
        return unexpected(vendor, fault)
    # a body that is no JSON, or JSON of a shape on which the SDK fails as TypeError, since it does not look
    if isinstance(fault, httpx2.HTTPError | httpx2.StreamError | ValueError | TypeError):
        return not_understood(vendor, type(fault).__name__)
    return unexpected(vendor, fault)


def _details(body: Any) -> Iterator[dict[str, Any]]:
    """The typed details of an error."""
    error: Any = cast("dict[str, Any]", body).get("error") if isinstance(body, dict) else None
    details: Any = cast("dict[str, Any]", error).get("details") if isinstance(error, dict) else None
    if isinstance(details, list):
        yield from (cast("dict[str, Any]", detail) for detail in cast("list[Any]", details) if isinstance(detail, dict))


def _headers(fault: sdk.APIError, details: list[dict[str, Any]]) -> dict[str, str]:
    """The headers of the answer; the wait that Google asks for stands in the body."""
    given = getattr(cast("Any", fault).response, "headers", None)
    headers = {str(name).lower(): str(value) for name, value in dict(given or {}).items()}
    for detail in details:
        delay = str(detail.get("retryDelay", ""))
        if delay.endswith("s"):
            headers.setdefault("retry-after", delay[:-1])
    return headers
