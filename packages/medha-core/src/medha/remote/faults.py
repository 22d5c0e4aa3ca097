"""What an HTTP status of a vendor means for the caller, and what to do about it."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

from medha.errors import (
    EmbedderError,
    EmbedderInputError,
    EmbedderOutputError,
    EmbedderTimeoutError,
    EmbedderUnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST_WORDS: Final = 300
_TRANSIENT: Final = frozenset({408, 409, 425, 429})
_KEY_REFUSED: Final = frozenset({401, 403, 498})


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """Who is asked: its name in messages, the plugin that asks, and its limits for one request.

    ``tokens`` is the most of one request together, ``None`` where there is no such limit. ``key_variables`` are those
    in which the vendor's own tools look for the key.
    """

    name: str
    plugin: str
    key_variables: tuple[str, ...]
    texts: int
    tokens: int | None = None

    @property
    def prefix(self) -> str:
        """What the environment variables of the plugin's settings begin with."""
        return f"MEDHA_{self.plugin.upper()}_"


def fault_of_status(vendor: Vendor, status: int, said: str, headers: Mapping[str, str] | None = None) -> EmbedderError:
    """The error for a status that is no success; ``said`` are the vendor's words, header names are in lower case."""
    words = f"({status}: {said[:_MOST_WORDS]})"
    name, prefix = vendor.name, vendor.prefix
    if status in _KEY_REFUSED:
        return EmbedderUnavailableError(f"{name} refused the key; set {prefix}API_KEY to one that may embed {words}")
    if status == 402:
        return out_of_credit(vendor, said)
    if status == 404:
        return EmbedderUnavailableError(
            f"{name} knows no such model, or not at this address; see {prefix}MODEL and {prefix}BASE_URL {words}"
        )
    if status in _TRANSIENT or status >= 500:
        wait = retry_after(headers or {}, time.time())
        asked = "" if wait is None else f" and asks to wait {wait:g} s"
        if status == 429:
            what = f"{name} throttles{asked}; lower {prefix}CONCURRENCY, or ask {name} for higher limits"
        else:
            what = f"{name} could not serve the request{asked}; see whether its service is up"
        return EmbedderUnavailableError(f"{what} {words}", transient=True, retry_after=wait)
    if 400 <= status < 500:
        return EmbedderInputError(
            f"{name} refused the request; if a text is too long for the model, shorten it or set "
            f"{prefix}OVER_LONG=truncate {words}"
        )
    return EmbedderError(f"{name} answered in a way that Medha does not expect; see {prefix}BASE_URL {words}")


def out_of_credit(vendor: Vendor, said: str) -> EmbedderError:
    """The error for an account that may not spend more; waiting does not help."""
    return EmbedderUnavailableError(
        f"the account has no credit left with {vendor.name}; see its billing page ({said[:_MOST_WORDS]})"
    )


def too_slow(vendor: Vendor, said: str) -> EmbedderError:
    """The error for a request that took longer than ``timeout``."""
    return EmbedderTimeoutError(
        f"{vendor.name} did not answer in time; see whether its service is up, or raise {vendor.prefix}TIMEOUT ({said})"
    )


def unexpected(vendor: Vendor, fault: Exception) -> EmbedderError:
    """The error for what the SDK was not known to raise here."""
    return EmbedderError(
        f"asking {vendor.name} failed in a way that Medha does not expect "
        f"({type(fault).__name__}: {str(fault)[:_MOST_WORDS]})"
    )


def unreachable(vendor: Vendor, said: str) -> EmbedderError:
    """The error for a connection that could not be made, or broke."""
    return EmbedderUnavailableError(
        f"{vendor.name} cannot be reached, or the connection broke; see the network, the proxy variables and "
        f"{vendor.prefix}BASE_URL ({said[:_MOST_WORDS]})",
        transient=True,
    )


def not_understood(vendor: Vendor, said: str) -> EmbedderError:
    """The error for a success that does not hold what the vendor's API describes."""
    return EmbedderOutputError(
        f"what {vendor.name} sent is not an answer of its embedding API; if {vendor.prefix}BASE_URL is set, see what "
        f"answers there ({said[:_MOST_WORDS]})"
    )


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that the headers ask to wait, as a number or a date; ``None`` when they do not, or not readably."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers[name]) * unit
        except (KeyError, ValueError):
            continue
        return max(0.0, seconds) if math.isfinite(seconds) else None
    try:
        return max(0.0, parsedate_to_datetime(headers["retry-after"]).timestamp() - now)
    except (KeyError, ValueError, OverflowError):
        return None
