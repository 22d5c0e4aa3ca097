"""What ``Where`` asks for, as values that any engine compares exactly, whatever its own types are."""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from medha.models import Metadata, Scalar

NEVER: Final = 2**63 - 1
"""The instant at which an entry without an expiry expires."""


def facts(
    *,
    normalized_question: str | None = None,
    query_hash: str | None = None,
    template_id: str | None = None,
    metadata: Metadata,
    digest_size: int = 16,
) -> list[str]:
    """A token for each value: equal exactly when the values are, by ``same_value`` for metadata.

    Tokens are hashes in hexadecimal, of ``digest_size`` bytes whatever the text is, and no text of a question.
    """
    fields = (("q", normalized_question), ("h", query_hash), ("t", template_id))
    named = [f"{kind}{value}" for kind, value in fields if value is not None]
    # a NUL is in no text
    named += [f"m{key}\0{comparable(value)}" for key, value in metadata.items()]
    return [hashlib.blake2b(name.encode(), digest_size=digest_size).hexdigest() for name in named]


def instant(seconds: float | None) -> int:
    """A whole number of 64 bits, signed; two are ordered exactly as the seconds are, and ``None`` comes last."""
    if seconds is None:
        return NEVER
    # adding 0.0 makes a -0.0 positive
    (bits,) = struct.unpack(">q", struct.pack(">d", seconds + 0.0))
    return bits if bits >= 0 else bits ^ 0x7FFF_FFFF_FFFF_FFFF


def place(entry_id: str) -> int:
    """Where in an order the entry stands: such numbers are spread evenly from 0 to 2**63 - 1."""
    return int.from_bytes(hashlib.blake2b(entry_id.encode(), digest_size=8).digest()) >> 1


def comparable(value: Scalar) -> str:
    """A text for the value: two are equal exactly when ``same_value`` holds."""
    if isinstance(value, str):
        return f"s{value}"
    if isinstance(value, bool):
        return f"b{value}"
    if isinstance(value, float) and not value.is_integer():
        return f"n{float(value)!r}"
    return f"n{int(value)}"
