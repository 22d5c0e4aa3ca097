"""The conditions of Medha as filters of Qdrant."""

from __future__ import annotations

import hashlib
import re
import struct
from typing import TYPE_CHECKING, Final

from qdrant_client import models

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from medha.models import Metadata, Scalar
    from medha.where import Where

FACTS: Final = "facts"
"""The payload field that holds one token for each thing that ``Where`` may ask to be equal."""
EXPIRES_HIGH: Final = "expires_high"
EXPIRES_LOW: Final = "expires_low"
REVISION: Final = "revision"

_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def is_point_id(entry_id: str) -> bool:
    """Whether Qdrant takes the id, and gives it back letter for letter."""
    return _UUID.fullmatch(entry_id) is not None


def facts(
    *,
    normalized_question: str | None = None,
    query_hash: str | None = None,
    template_id: str | None = None,
    metadata: Metadata,
) -> list[str]:
    """A token for each value: equal exactly when the values are, by ``same_value`` for metadata.

    Tokens are hashes of one length, whatever the text is, so that one index of keywords serves all.
    """
    fields = (("q", normalized_question), ("h", query_hash), ("t", template_id))
    named = [f"{kind}{value}" for kind, value in fields if value is not None]
    # a NUL is in no text
    named += [f"m{key}\0{_comparable(value)}" for key, value in metadata.items()]
    return [hashlib.blake2b(name.encode(), digest_size=20).hexdigest() for name in named]


def _comparable(value: Scalar) -> str:
    if isinstance(value, str):
        return f"s{value}"
    if isinstance(value, bool):
        return f"b{value}"
    if isinstance(value, float) and not value.is_integer():
        return f"n{float(value)!r}"
    return f"n{int(value)}"


def instant(seconds: float) -> tuple[int, int]:
    """Two integers that are ordered, the first before the second, exactly as the floats are.

    Qdrant keeps floats as decimal JSON and reads some of them back off by their last bit; integers it keeps.
    """
    # adding 0.0 makes a -0.0 positive
    (bits,) = struct.unpack(">q", struct.pack(">d", seconds + 0.0))
    if bits < 0:
        bits ^= 0x7FFF_FFFF_FFFF_FFFF
    return bits >> 32, bits & 0xFFFF_FFFF


def expired(now: float) -> models.Filter:
    """What has an expiry, at or before ``now``."""
    high, low = instant(now)
    same_high = models.Filter(
        must=[
            models.FieldCondition(key=EXPIRES_HIGH, match=models.MatchValue(value=high)),
            models.FieldCondition(key=EXPIRES_LOW, range=models.Range(lte=low)),
        ]
    )
    return models.Filter(should=[models.FieldCondition(key=EXPIRES_HIGH, range=models.Range(lt=high)), same_high])


def matching(where: Where | None, *, alive_at: float | None = None) -> models.Filter | None:
    """What fulfils the conditions and, with ``alive_at``, has not expired by then; ``None`` is everything."""
    must: list[models.Condition] = [] if where is None else list(_conditions(where))
    must_not: list[models.Condition] = [] if alive_at is None else [expired(alive_at)]
    return models.Filter(must=must or None, must_not=must_not or None) if must or must_not else None


def _conditions(where: Where) -> Iterator[models.Condition]:
    if where.ids is not None:
        yield with_ids(where.ids)
    for fact in facts(
        normalized_question=where.normalized_question,
        query_hash=where.query_hash,
        template_id=where.template_id,
        metadata=where.metadata,
    ):
        yield models.FieldCondition(key=FACTS, match=models.MatchValue(value=fact))
    if where.expired_at is not None:
        yield expired(where.expired_at)


def with_ids(ids: Iterable[str]) -> models.HasIdCondition:
    """One of these ids; those that no entry can have are left out."""
    return models.HasIdCondition.model_construct(has_id=[entry_id for entry_id in ids if is_point_id(entry_id)])


def unchanged(entry_id: str, revision: str) -> models.Filter:
    """The entry, if nobody has written it since it had this revision."""
    same = models.FieldCondition(key=REVISION, match=models.MatchValue(value=revision))
    return models.Filter(must=[with_ids([entry_id]), same])
