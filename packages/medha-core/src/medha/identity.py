"""Deterministic identities: of an entry, of a scope, of a question, of a query."""

from __future__ import annotations

import functools
import json
import uuid
from hashlib import blake2b, sha1
from typing import TYPE_CHECKING, Final, NamedTuple

from medha.checks import check_question
from medha.models import Metadata, Question, Scalar
from medha.normalize import normalize

NAMESPACE: Final = uuid.UUID("8d1c4c5e-7a36-5f0e-9b1d-6d656468610a")
_NAMESPACE_BYTES: Final = NAMESPACE.bytes
_MEMOIZED_LENGTH: Final = 512
_VARIANT: Final = {digit: "89ab"[int(digit, 16) % 4] for digit in "0123456789abcdef"}

if TYPE_CHECKING:
    from collections.abc import Callable


class Asked(NamedTuple):
    """A checked question with its digest, which is the same for every wording that normalises alike."""

    question: Question
    digest: str

    def key(self, scope: str) -> str:
        """The L1 key of the question in a scope, as ``scope_key`` gives it."""
        return l1_key(self.digest, scope)


def l1_key(question_digest: str, scope: str) -> str:
    """The L1 key of the question with this digest in a scope, as ``scope_key`` gives it."""
    return f"{question_digest}:{digest(scope)}" if scope else question_digest


def digest(text: str) -> str:
    """32 hexadecimal digits of BLAKE2b."""
    return blake2b(text.encode(), digest_size=16).hexdigest()


def _ask(text: str) -> Asked:
    normalized = canonical(text)
    return Asked(Question(text, normalized), digest(normalized))


_ask_memoized: Callable[[str], Asked] = functools.lru_cache(maxsize=8192)(_ask)


def ask(text: str) -> Asked:
    """Check and normalise a question; what was asked lately is remembered.

    Raises:
        InvalidQuestionError: not a str, blank, NUL or a lone surrogate in it.
    """
    if type(text) is str and len(text) <= _MEMOIZED_LENGTH:
        return _ask_memoized(text)
    return _ask(text)


def canonical(text: str) -> str:
    """The question, checked and normalised, for a bulk write, which does not expect it again.

    Raises:
        InvalidQuestionError: as ``ask``.
    """
    check_question(text)
    return normalize(text)


def scope_key(metadata: Metadata) -> str:
    """One text for all metadata that ``same_value`` holds equal, whatever its order; empty for none."""
    if not metadata:
        return ""
    return json.dumps([[key, *_tagged(metadata[key])] for key in sorted(metadata)], ensure_ascii=False)


def _tagged(value: Scalar) -> tuple[str, Scalar]:
    if isinstance(value, bool):
        return "bool", value
    if isinstance(value, str):
        return "str", value
    return "number", int(value) if value == int(value) else value


def entry_id(collection: str, normalized_question: str, scope: str) -> str:
    """The uuid5 of collection, normalised question and scope: storing the same question again replaces its entry.

    Written out, since ``uuid.uuid5`` spends most of its time on making an object that is at once made a text again.
    """
    name = f"{collection}\0{normalized_question}\0{scope}".encode()
    h = sha1(_NAMESPACE_BYTES + name, usedforsecurity=False).hexdigest()
    return f"{h[:8]}-{h[8:12]}-5{h[13:16]}-{_VARIANT[h[16]]}{h[17:20]}-{h[20:32]}"


def query_hash(generated_query: str) -> str:
    """What ``invalidate_by_query_hash`` takes: the digest of a query, white space around it aside."""
    return digest(generated_query.strip())
