"""Checks of what comes from outside; each refusal names the thing and the way out."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from medha.errors import InvalidMetadataError, InvalidQueryError, InvalidQuestionError, InvalidTTLError
from medha.models import NO_METADATA, UNSET, Metadata, Unset

if TYPE_CHECKING:
    from medha.errors import InvalidInputError

MAX_QUERY_LENGTH: Final = 1_000_000
MAX_METADATA_KEYS: Final = 32
MAX_METADATA_VALUE: Final = 1024
MAX_EXACT_INT: Final = 2**53
_KEY: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
_INVISIBLE: Final = "\u200b\u200c\u200d\u2060\ufeff\u00ad"


def check_text(text: object, what: str, error: type[InvalidInputError]) -> str:
    """The text, if it can be stored everywhere."""
    if not isinstance(text, str):
        raise error(f"{what} must be a str, not {type(text).__name__}")
    if "\x00" in text:
        raise error(f"{what} holds a NUL character at position {text.index(chr(0))}; remove it")
    try:
        text.encode()
    except UnicodeEncodeError as exc:
        raise error(
            f"{what} holds a lone surrogate at position {exc.start}: it was decoded wrongly; "
            "decode the original bytes as UTF-8"
        ) from exc
    return text


def check_question(text: object) -> None:
    """Refuse what is not a question."""
    checked = check_text(text, "the question", InvalidQuestionError)
    if not checked.strip().strip(_INVISIBLE).strip():
        raise InvalidQuestionError("the question is empty or blank")


def check_question_length(text: object, limit: int) -> None:
    """Refuse a question over ``max_question_length``; comes before anything that takes the longer the longer it is."""
    if isinstance(text, str) and len(text) > limit:
        raise InvalidQuestionError(
            f"the question has {len(text):,} characters, more than max_question_length = {limit:,}; "
            "shorten it or raise MEDHA_MAX_QUESTION_LENGTH"
        )


def check_query(text: object) -> str:
    """The generated query, if it is one."""
    checked = check_text(text, "the generated query", InvalidQueryError)
    if not checked.strip():
        raise InvalidQueryError("the generated query is empty or blank")
    if len(checked) > MAX_QUERY_LENGTH:
        raise InvalidQueryError(f"the generated query has {len(checked):,} characters, more than {MAX_QUERY_LENGTH:,}")
    return checked


def check_optional_text(text: object, what: str) -> str | None:
    """A text, or ``None``."""
    if text is None:
        return None
    checked = check_text(text, what, InvalidQueryError)
    if len(checked) > MAX_QUERY_LENGTH:
        raise InvalidQueryError(f"{what} has {len(checked):,} characters, more than {MAX_QUERY_LENGTH:,}")
    return checked


def check_metadata(metadata: Mapping[str, Any] | None, what: str = "metadata") -> Metadata:
    """A frozen copy of metadata or filters.

    Raises:
        InvalidMetadataError: not a mapping, an unfit key, or a value that is not a flat, finite scalar.
    """
    if metadata is None or metadata is NO_METADATA:
        return NO_METADATA
    if not isinstance(metadata, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidMetadataError(f"{what} must be a mapping of names to values, not {type(metadata).__name__}")
    if not metadata:
        return NO_METADATA
    if len(metadata) > MAX_METADATA_KEYS:
        raise InvalidMetadataError(f"{what} has {len(metadata)} keys, more than {MAX_METADATA_KEYS}")
    for key, value in metadata.items():
        _check_pair(key, value, what)
    return MappingProxyType(dict(metadata))


def _check_pair(key: object, value: object, what: str) -> None:
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        raise InvalidMetadataError(
            f"{what} key {key!r:.80} is not a name: letters, digits, '_' and '-', a letter first, at most 64 characters"
        )
    if isinstance(value, str):
        check_text(value, f"{what}[{key!r}]", InvalidMetadataError)
        if len(value) > MAX_METADATA_VALUE:
            raise InvalidMetadataError(
                f"{what}[{key!r}] has {len(value):,} characters, more than {MAX_METADATA_VALUE:,}"
            )
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise InvalidMetadataError(f"{what}[{key!r}] is {value}; only finite numbers can be compared")
    elif isinstance(value, int):
        if abs(value) > MAX_EXACT_INT:
            raise InvalidMetadataError(f"{what}[{key!r}] is beyond 2**53; pass it as a str to keep it exact")
    else:
        raise InvalidMetadataError(
            f"{what}[{key!r}] is {type(value).__name__}; only flat str, int, float and bool values are compared"
        )


def check_ttl(ttl: float | Unset | None, default: float | None) -> float | None:
    """Seconds to live: the default when unset, ``None`` for ever."""
    if ttl is UNSET:
        return default
    if ttl is None:
        return None
    if isinstance(ttl, bool) or not isinstance(ttl, int | float):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidTTLError(f"ttl must be a number of seconds or None, not {type(ttl).__name__}: {ttl!r}")
    if not (_finite(ttl) and ttl > 0):
        raise InvalidTTLError(f"ttl must be a positive, finite number of seconds, not {ttl!r:.80}; None never expires")
    return float(ttl)


def check_instant(value: object, what: str) -> float:
    """Seconds since the epoch."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not _finite(value):
        raise InvalidTTLError(f"{what} must be finite seconds since the epoch, not {value!r:.80}")
    return float(value)


def _finite(number: float) -> bool:
    """Whether it is finite as a float; an int can be too large for one."""
    try:
        return math.isfinite(number)
    except OverflowError:
        return False
