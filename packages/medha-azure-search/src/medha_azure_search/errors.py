"""What the service and its driver report, as Medha's errors: every one names the service and the way out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from azure.core import exceptions as driver

from medha import explaining
from medha.errors import (
    BackendError,
    BackendTimeoutError,
    BackendUnavailableError,
    BackendWriteError,
    CollectionNotFoundError,
)
from medha.memory import not_found_message

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medha.explaining import Advice

_LONGEST: Final = 300
"""Characters kept of the driver's own words."""

_UNREACHABLE: Final = (
    BackendUnavailableError,
    "it cannot be reached, or the connection broke. Check MEDHA_AZURE_SEARCH_URL and the network rules of the service",
)
_LATE: Final = (
    BackendTimeoutError,
    "it did not answer in time. Look at its load, or raise MEDHA_AZURE_SEARCH_REQUEST_TIMEOUT",
)
_REFUSED_KEY: Final = (
    BackendUnavailableError,
    (
        "it refused the key or the token. Set MEDHA_AZURE_SEARCH_API_KEY to an admin key, or give the identity the "
        "roles Search Service Contributor and Search Index Data Contributor"
    ),
)
_THROTTLED: Final = (
    BackendUnavailableError,
    (
        "it takes no more requests just now, and went on so after every retry (MEDHA_AZURE_SEARCH_RETRIES). Try again "
        "later, with fewer calls at the same time, or add replicas and partitions"
    ),
)
_TOO_LARGE: Final = (
    BackendWriteError,
    (
        "the request is larger than the 16 MB that it takes. Store shorter texts or fewer entries at a time, or lower "
        "MEDHA_AZURE_SEARCH_MAX_REQUEST_BYTES"
    ),
)
_FULL: Final = (
    BackendWriteError,
    "its quota is used up: of storage, of vectors, or of indexes. Delete something, or take a larger tier",
)
_REFUSED: Final = (BackendWriteError, "it refused the request")
_NOT_AZURE: Final = (BackendError, "the answer is not what the service sends. Does a proxy answer in its place?")
_MISUSED: Final = (BackendError, "the driver refused the call before sending it")
_OTHER: Final = (BackendError, "the service failed in a way that Medha does not expect")

_BY_STATUS: Final[Mapping[int, Advice]] = {
    400: _REFUSED,
    401: _REFUSED_KEY,
    403: _REFUSED_KEY,
    404: _REFUSED,
    408: _LATE,
    409: _REFUSED,
    412: _REFUSED,
    413: _TOO_LARGE,
    422: _THROTTLED,
    429: _THROTTLED,
    502: _UNREACHABLE,
    503: _THROTTLED,
    504: _LATE,
    507: _FULL,
}
_BY_CLASS: Final[tuple[tuple[tuple[type[Exception], ...], Advice], ...]] = (
    ((driver.ServiceRequestTimeoutError, driver.ServiceResponseTimeoutError), _LATE),
    ((driver.ClientAuthenticationError,), _REFUSED_KEY),
    # an answer that breaks off is one that cannot be decoded, by its class
    (
        (driver.ServiceRequestError, driver.ServiceResponseError, driver.IncompleteReadError, OSError),
        _UNREACHABLE,
    ),
    ((driver.DecodeError, driver.DeserializationError, driver.TooManyRedirectsError), _NOT_AZURE),
    ((driver.SerializationError, ValueError, TypeError), _MISUSED),
)
_WRONG_DIMENSION: Final = ("vector field", "expects a length of")

FAILURES: Final = (driver.AzureError, OSError)
"""What the driver raises when a call fails on its way or at the service."""


class Doing(explaining.Doing):
    """What is being done, with which collection, on which service."""

    engine = "Azure AI Search"
    faults = (*FAILURES, ValueError, TypeError)

    def refusal(self, status: int, said: str) -> BackendError:
        """The error for one document of a batch that was not taken."""
        return explaining.failure(self, _BY_STATUS.get(status, _OTHER), f"{status}: {said:.{_LONGEST}}")

    def explain(self, exc: Exception) -> BackendError:
        """The error to raise from ``exc``."""
        said = " ".join(str(exc).split())
        if isinstance(exc, driver.ResourceNotFoundError) and self.collection is not None:
            return CollectionNotFoundError(not_found_message(self.collection))
        if isinstance(exc, driver.HttpResponseError) and all(sign in said.lower() for sign in _WRONG_DIMENSION):
            return explaining.other_dimension(self, self.collection, f"{said:.{_LONGEST}}")
        return explaining.failure(self, _advice(exc), f"{type(exc).__name__}: {said:.{_LONGEST}}")


def _advice(exc: Exception) -> Advice:
    found = next((advice for kinds, advice in _BY_CLASS if isinstance(exc, kinds)), None)
    if found is None and isinstance(exc, driver.HttpResponseError) and exc.status_code is not None:
        if exc.status_code == 403 and "quota" in f"{exc}".lower():
            return _FULL
        return _BY_STATUS.get(exc.status_code, _OTHER)
    return found or _OTHER
