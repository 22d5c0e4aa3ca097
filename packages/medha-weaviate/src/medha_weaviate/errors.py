"""What Weaviate and its driver report, as Medha's errors: every one names the server and the way out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import httpx
from grpc import StatusCode
from grpc.aio import AioRpcError
from weaviate import exceptions as driver

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
    (
        "it cannot be reached, or the connection broke. See whether the server runs there; MEDHA_WEAVIATE_URL is its "
        "REST address, MEDHA_WEAVIATE_GRPC_HOST and MEDHA_WEAVIATE_GRPC_PORT lead to gRPC"
    ),
)
_LATE: Final = (
    BackendTimeoutError,
    "it did not answer in time. See whether it is overloaded, or raise MEDHA_WEAVIATE_TIMEOUT",
)
_REFUSED_KEY: Final = (
    BackendUnavailableError,
    (
        "it refused the API key, or the key does not allow this. Set MEDHA_WEAVIATE_API_KEY to a key that may manage, "
        "read and write the collections of MEDHA_WEAVIATE_PREFIX"
    ),
)
_BUSY: Final = (
    BackendUnavailableError,
    (
        "it takes no more just now: a rate limit, full memory, or too few copies are up for the consistency level "
        "(MEDHA_WEAVIATE_CONSISTENCY). Try again later"
    ),
)
_TOO_LARGE: Final = (
    BackendWriteError,
    (
        "the request is larger than it takes. Store shorter texts or fewer entries at a time, lower "
        "MEDHA_WEAVIATE_MAX_REQUEST_BYTES, or raise GRPC_MAX_MESSAGE_SIZE on the server"
    ),
)
_READ_ONLY: Final = (
    BackendWriteError,
    "it takes no writes; most often its disk is nearly full. Free some space, and set its shards to READY",
)
_REFUSED: Final = (BackendWriteError, "it refused the request")
_MISUSED: Final = (BackendError, "the driver refused the call before sending it")
_TOO_OLD: Final = (BackendUnavailableError, "server and driver do not fit together. Upgrade the older one")
_NOT_WEAVIATE: Final = (BackendError, "the answer is not what Weaviate sends. Does a proxy answer in its place?")
_OTHER: Final = (BackendError, "Weaviate failed in a way that Medha does not expect")

_BY_CODE: Final[Mapping[StatusCode, Advice]] = {
    StatusCode.UNAVAILABLE: _UNREACHABLE,
    StatusCode.CANCELLED: _UNREACHABLE,
    StatusCode.ABORTED: _UNREACHABLE,
    StatusCode.INTERNAL: _UNREACHABLE,  # gRPC itself, when a connection breaks in the middle of a message
    StatusCode.DEADLINE_EXCEEDED: _LATE,
    StatusCode.UNAUTHENTICATED: _REFUSED_KEY,
    StatusCode.PERMISSION_DENIED: _REFUSED_KEY,
    StatusCode.RESOURCE_EXHAUSTED: _TOO_LARGE,
    StatusCode.OUT_OF_RANGE: _TOO_LARGE,
    StatusCode.UNIMPLEMENTED: _TOO_OLD,
    StatusCode.INVALID_ARGUMENT: _REFUSED,
    StatusCode.FAILED_PRECONDITION: _REFUSED,
}
_BY_STATUS: Final[Mapping[int, Advice]] = {
    401: _REFUSED_KEY,
    403: _REFUSED_KEY,
    408: _LATE,
    413: _TOO_LARGE,
    422: _REFUSED,
    429: _BUSY,
    502: _UNREACHABLE,
    503: _BUSY,
    504: _LATE,
}
_BY_WORDS: Final[Mapping[str, Advice]] = {
    "not enough memory": _BUSY,
    "memory pressure": _BUSY,
    "cannot achieve consistency level": _BUSY,
    "read-only": _READ_ONLY,
    "read only": _READ_ONLY,
    "message larger than max": _TOO_LARGE,
}
_BY_CLASS: Final[tuple[tuple[tuple[type[Exception], ...], Advice], ...]] = (
    ((driver.WeaviateTimeoutError, httpx.TimeoutException), _LATE),
    ((driver.AuthenticationFailedError, driver.MissingScopeError), _REFUSED_KEY),
    (
        (
            driver.WeaviateConnectionError,
            driver.WeaviateStartUpError,
            driver.WeaviateGRPCUnavailableError,
            driver.WeaviateClosedClientError,
            driver.WeaviateRetryError,
            httpx.TransportError,
            OSError,
        ),
        _UNREACHABLE,
    ),
    ((driver.WeaviateUnsupportedFeatureError, driver.WeaviateEmbeddedInvalidVersionError), _TOO_OLD),
    ((driver.ResponseCannotBeDecodedError, driver.EmptyResponseError, httpx.HTTPError), _NOT_WEAVIATE),
    (
        (
            driver.WeaviateInsertManyAllFailedError,
            driver.ObjectAlreadyExistsError,
            driver.SchemaValidationError,
            driver.WeaviateBatchError,
            driver.WeaviateDeleteManyError,
        ),
        _REFUSED,
    ),
    (
        (
            driver.WeaviateInvalidInputError,
            driver.WeaviateInsertInvalidPropertyError,
            driver.WeaviateAddInvalidPropertyError,
            driver.WeaviateBatchValidationError,
            driver.InvalidDataModelError,
            ValueError,
            TypeError,
        ),
        _MISUSED,
    ),
)
_NO_CLASS: Final = ("could not find class", "class not found", "not found in schema")
_NO_TENANT: Final = ("tenant not found", "tenant does not exist")
_WRONG_DIMENSION: Final = ("vector lengths don't match", "vector with length")

FAILURES: Final = (driver.WeaviateBaseError, AioRpcError, httpx.HTTPError, OSError)
"""What the driver raises when a call fails on its way or on the server."""


class Doing(explaining.Doing):
    """What is being done, with which collection, on which server."""

    engine = "Weaviate"
    faults = (*FAILURES, ValueError, TypeError)

    def explain(self, exc: Exception) -> BackendError:
        """The error to raise from ``exc``."""
        said = words_of(exc)
        if is_absent_class(exc) and self.collection is not None:
            return CollectionNotFoundError(not_found_message(self.collection))
        if any(sign in said for sign in _WRONG_DIMENSION):
            return explaining.other_dimension(self, self.collection, f"{said:.{_LONGEST}}")
        return explaining.failure(self, _advice(exc, said), f"{type(exc).__name__}: {said:.{_LONGEST}}")


def words_of(exc: Exception) -> str:
    """What the driver says, without what gRPC says around it."""
    call = _call_of(exc)
    said = str(call.details()) if call is not None else str(exc) or type(exc).__name__
    return " ".join(said.split())


def is_absent_class(exc: Exception) -> bool:
    """Whether the failure says that there is no such collection."""
    status = exc.status_code if isinstance(exc, driver.UnexpectedStatusCodeError) else None
    return status == 404 or any(sign in words_of(exc).lower() for sign in _NO_CLASS)


def is_absent_tenant(exc: Exception) -> bool:
    """Whether the failure says that there is no such tenant."""
    return any(sign in words_of(exc).lower() for sign in _NO_TENANT)


def _advice(exc: Exception, said: str) -> Advice:
    for words, advice in _BY_WORDS.items():
        if words in said.lower():
            return advice
    call = _call_of(exc)
    if call is not None:
        return _BY_CODE.get(call.code(), _OTHER)
    if isinstance(exc, driver.UnexpectedStatusCodeError):
        return _BY_STATUS.get(exc.status_code, _OTHER)
    # the driver drops the error of gRPC and keeps its name
    for code, advice in _BY_CODE.items():
        if f"[{code.name}]" in said or f"StatusCode.{code.name}" in said:
            return advice
    return next((advice for kinds, advice in _BY_CLASS if isinstance(exc, kinds)), _OTHER)


def _call_of(exc: BaseException | None) -> AioRpcError | None:
    """The failed call behind the driver's error, which it chains in two ways."""
    seen: set[int] = set()
    while exc is not None and id(exc) not in seen:
        if isinstance(exc, AioRpcError):
            return exc
        seen.add(id(exc))
        exc = exc.__cause__ or exc.__context__
    return None
