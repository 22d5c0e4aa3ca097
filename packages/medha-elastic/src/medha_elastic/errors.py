"""What Elasticsearch and its driver report, as Medha's errors: every one names the server and the way out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast

from elastic_transport import ApiError, ConnectionTimeout, SerializationError, TlsError, TransportError
from elastic_transport import ConnectionError as DriverConnectionError
from elasticsearch import UnsupportedProductError

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
    from medha.explaining import Advice

_REFUSED_ENTRANCE: Final = (
    BackendUnavailableError,
    (
        "the server does not let this user in, or not do this. Check MEDHA_ELASTICSEARCH_USERNAME and _PASSWORD or "
        "_API_KEY, and that they may: monitor on the cluster, all on the indices of MEDHA_ELASTICSEARCH_PREFIX"
    ),
)
_OVERLOADED: Final = (
    BackendUnavailableError,
    (
        "the server has too much to do, or too little memory for it. Try again later, with fewer calls at the same "
        "time or smaller batches"
    ),
)
_TOO_LARGE: Final = (
    BackendWriteError,
    (
        "the request is larger than the server takes; nothing of it was stored. Store fewer entries at a time, lower "
        "MEDHA_ELASTICSEARCH_MAX_REQUEST_BYTES, or raise http.max_content_length on the server"
    ),
)
_READ_ONLY: Final = (
    BackendWriteError,
    (
        "the index takes no writes; what was stored before is intact. Most often its disk is nearly full: free some "
        "space (Elasticsearch then lifts the block by itself), or remove index.blocks from its settings"
    ),
)
_REFUSED: Final = (BackendWriteError, "Elasticsearch refused it, and kept nothing of what it refused")
_CONTENDED: Final = (
    BackendWriteError,
    "others changed the same entry at the same moment, again and again. Try again",
)
_NO_ANSWER: Final = (
    BackendTimeoutError,
    "the server did not answer in time. Look at its load, or raise MEDHA_ELASTICSEARCH_REQUEST_TIMEOUT",
)
_NOT_READY: Final = (
    BackendUnavailableError,
    (
        "the server cannot serve this index now: it is starting, has no master, or lost the node that holds the "
        "index. Look at GET _cluster/health, and try again"
    ),
)
_OTHER_VERSION: Final = (
    BackendUnavailableError,
    (
        "the server is of another generation than the driver. The driver 9 speaks to servers 9, the driver 8 to "
        "servers 8 and 9. Try: pip install 'elasticsearch[async]<9'"
    ),
)
_OTHER: Final = (BackendError, "Elasticsearch failed in a way that Medha does not expect")

_BY_TYPE: Final[Mapping[str, Advice]] = {
    "security_exception": _REFUSED_ENTRANCE,
    "cluster_block_exception": _READ_ONLY,
    "media_type_header_exception": _OTHER_VERSION,
    "circuit_breaking_exception": _OVERLOADED,
    "es_rejected_execution_exception": _OVERLOADED,
    "version_conflict_engine_exception": _CONTENDED,
    "document_parsing_exception": _REFUSED,
    "mapper_parsing_exception": _REFUSED,
    "validation_exception": _REFUSED,
    "action_request_validation_exception": _REFUSED,
}
_BY_STATUS: Final[Mapping[int, Advice]] = {
    401: _REFUSED_ENTRANCE,
    403: _REFUSED_ENTRANCE,
    406: _OTHER_VERSION,
    408: _NO_ANSWER,
    409: _CONTENDED,
    413: _TOO_LARGE,
    429: _OVERLOADED,
    502: _NOT_READY,
    503: _NOT_READY,
    504: _NO_ANSWER,
}

_WRONG_DIMENSION: Final = ("different number of dimensions", "more dimensions than defined", "different dimension")


class Doing(explaining.Doing):
    """What is being done, with which collection, on which server."""

    engine = "Elasticsearch"
    faults = (ApiError, TransportError, OSError, ValueError)

    def explain(self, exc: Exception) -> BackendError:
        """The error to raise from ``exc``."""
        if isinstance(exc, UnsupportedProductError):
            return BackendUnavailableError(
                f"{self}: what answers there is not Elasticsearch. Check the address ({exc})"
            )
        if isinstance(exc, ApiError):
            return self.explain_answer(exc.body, exc.meta.status)
        # the text of the error says less than its message, save where it shows what was stored
        said: object = exc.message if isinstance(exc, TransportError) else exc
        if isinstance(exc, SerializationError):
            said = "not shown here"
        return explaining.failure(self, _explain_driver(exc), f"{type(exc).__name__}: {said}")

    def explain_answer(self, body: object, status: int) -> BackendError:
        """The error to raise for an answer with this status, or for the part of one."""
        error = cast("Mapping[str, Any]", body).get("error", body) if isinstance(body, Mapping) else body
        name, reason = _name_and_reason(error)
        if name == "index_not_found_exception":
            return CollectionNotFoundError(not_found_message(self.collection or ""))
        if any(sign in reason for sign in _WRONG_DIMENSION):
            return explaining.other_dimension(self, self.collection, f"{name}: {reason}")
        said = ": ".join(filter(None, (str(status or ""), name, reason)))
        return explaining.failure(self, _BY_TYPE.get(name) or _BY_STATUS.get(status) or _OTHER, said)

    def refuse(self, error: Any, status: int = 0) -> NoReturn:
        """Raise what one part of an answer reports, all others of which may be well."""
        raise self.explain_answer({"error": error}, status)


def _explain_driver(exc: Exception) -> Advice:
    if isinstance(exc, ConnectionTimeout):
        return _NO_ANSWER
    if isinstance(exc, TlsError):
        return BackendUnavailableError, (
            "no secure connection comes about. Check that the address begins with https:// exactly when the server "
            "wants it, and MEDHA_ELASTICSEARCH_CA_CERTS or _SSL_FINGERPRINT"
        )
    if isinstance(exc, DriverConnectionError):
        return BackendUnavailableError, (
            "the server cannot be reached, or dropped the connection. Check that it runs, and MEDHA_ELASTICSEARCH_URL"
        )
    if isinstance(exc, SerializationError):
        return BackendError, (
            "the answer is not what Elasticsearch sends. Does a proxy answer in its place, or is a value no JSON?"
        )
    if isinstance(exc, TransportError):
        return BackendUnavailableError, "the driver found no server to ask. Check MEDHA_ELASTICSEARCH_URL"
    return BackendUnavailableError, "the driver cannot use what it was given. Check the settings of the connection"


def _name_and_reason(error: object) -> tuple[str, str]:
    if not isinstance(error, Mapping):
        return "", "" if error is None else f"{error!s:.500}"
    described = cast("Mapping[str, Any]", error)
    reasons = [str(described.get("reason", ""))]
    # the innermost cause says most, and a search wraps the one that counts
    roots = cast("list[Mapping[str, Any]]", described.get("root_cause") or [])
    cause: Any = described.get("caused_by") or (roots[0] if roots else None)
    while isinstance(cause, Mapping):
        described_cause = cast("Mapping[str, Any]", cause)
        reasons.append(str(described_cause.get("reason", "")))
        cause = described_cause.get("caused_by")
    name = str(described.get("type", ""))
    if name == "search_phase_execution_exception" and roots:
        name = str(roots[0].get("type", name))
    return name, f"{'; '.join(dict.fromkeys(reasons)):.500}"
