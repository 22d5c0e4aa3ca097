"""What OpenAI's SDK raises, as Medha's errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import openai

from medha.remote import fault_of_status, not_understood, out_of_credit, too_slow, unexpected, unreachable

if TYPE_CHECKING:
    from medha.errors import EmbedderError
    from medha.remote import Vendor

_NO_CREDIT: Final = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})


def explain(vendor: Vendor, fault: Exception) -> EmbedderError:
    """The error to raise for what a request raised."""
    if isinstance(fault, openai.APITimeoutError):
        return too_slow(vendor, "the SDK's timeout")
    if isinstance(fault, openai.APIConnectionError):
        return unreachable(vendor, f"{fault} {fault.__cause__ or ''}".strip())
    if isinstance(fault, openai.APIStatusError):
        if fault.code in _NO_CREDIT:
            return out_of_credit(vendor, fault.message)
        return fault_of_status(vendor, fault.status_code, fault.message, fault.response.headers)
    # a body that is no JSON leaves the SDK as the ValueError of its parser
    if isinstance(fault, openai.APIResponseValidationError | ValueError):
        return not_understood(vendor, type(fault).__name__)
    return unexpected(vendor, fault)
