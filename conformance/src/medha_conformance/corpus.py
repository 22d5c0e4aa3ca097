"""What the standard tests store: entries, vectors with known cosines, and texts that break careless engines."""

from __future__ import annotations

import math
import uuid
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from medha import CacheEntry, CollectionSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medha.models import Vector, Vectors

DIMENSION: Final = 8
SPEC: Final = CollectionSpec(dimension=DIMENSION, model_name="conformance-model")
NOW: Final = 4_100_000_000.125
"""The instant at which the standard tests look: in 2099, so that no engine lets go of an entry by its clock."""

_NAMESPACE: Final = uuid.UUID("6f1b7f0e-0a5c-5d57-9c6f-6d656468610a")

HOSTILE_TEXTS: Final[Mapping[str, str]] = {
    "single quotes": "what's 'the' name''s O'Brien?",
    "double quotes": 'the "top" \\"10\\" albums',
    "sql": "'; DROP TABLE entries; --",
    "backslashes": "C:\\new\\table \\n \\0 \\u0041 \\",
    "placeholders": "100%% %s %(name)s {0} {name} $1 :name ? @p1",
    "json": '{"a": [1, null, "\\ud83d"]}',
    "wildcards": "* ? % _ [a-z] .* (a|b) ~ ^ ! && ||",
    "markup": "<b>bold</b> &amp; <!-- comment --> ]]>",
    "whitespace": "  leading, \t tab, \r\n line, \u00a0 no-break, \u2028 separator, trailing  ",
    "control": "bell \x07 escape \x1b unit \x1f delete \x7f",
    "emoji": "👩‍👩‍👧‍👦 sold 🎸 in 🇪🇺, 👍🏽 #️⃣",
    "right to left": "كم عدد العملاء في القاهرة؟ \u202eabc\u202c כמה",
    "combining": "Zoe\u0308 and Zo\u00eb, A\u030a \u00c5 \u212b",
    "astral": "\U0001d510\U0001d522\U0001d521 \U0002070e \U0010ffff \ufffd \ufeff",
    "east asian": "東京の顧客は何人ですか。고객은 몇 명입니까?",
    "number": "1e3",
    "null word": "null",
    "empty": "",
}

HOSTILE_KEYS: Final = (
    "plain", "Plain", "a.b", "a_b", "a-b", "a b", "$ne", "@type", "_id", "id", "vector", "question", "metadata",
    "it's", 'dou"ble', "back\\slash", "per%cent", "star*", "semi;colon", "{brace}", "[0]", "a:b", "a|b", "a,b",
    "ключ", "🎸", "__proto__", "1", "null", "k" * 200,
)  # fmt: skip
"""Metadata keys, all different, that have collided or been misread somewhere."""


def make_id(label: str) -> str:
    """The id that ``make_entry`` gives an entry of this label: a UUID, as core's ids are."""
    return str(uuid.uuid5(_NAMESPACE, label))


def make_entry(label: str, *, vector: Vector | None = None, **fields: Any) -> CacheEntry:
    """An entry with every required field; equal labels give equal ids, ``fields`` replace the defaults."""
    values: dict[str, Any] = {
        "id": make_id(label),
        "question": f"How many {label} are there?",
        "normalized_question": f"how many {label} are there",
        "generated_query": f"MATCH (n:`{label}`) RETURN count(n)",
        "query_hash": f"hash-{label}",
        "created_at": NOW - 100.0,
        "vector": axis(0) if vector is None else vector,
    }
    return CacheEntry(**(values | fields))


def make_entries(count: int, prefix: str = "row", *, dimension: int = DIMENSION, **fields: Any) -> list[CacheEntry]:
    """Entries ``prefix-0``, ``prefix-1`` ... with pseudo-random unit vectors, the same in every run."""
    vectors = unit_vectors(count, dimension)
    return [make_entry(f"{prefix}-{number}", vector=vectors[number], **fields) for number in range(count)]


def unit_vectors(count: int, dimension: int = DIMENSION, *, seed: int = 7) -> Vectors:
    """Pseudo-random unit rows, float32, spread over the whole sphere."""
    rows = np.random.default_rng(seed).standard_normal((count, dimension))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def axis(number: int, dimension: int = DIMENSION) -> Vector:
    """The unit vector along one axis."""
    vector = np.zeros(dimension, dtype=np.float32)
    vector[number] = 1.0
    return vector


def vector_at(cosine: float, dimension: int = DIMENSION) -> Vector:
    """A unit vector whose cosine with ``axis(0)`` is the given one."""
    vector = np.zeros(dimension, dtype=np.float32)
    vector[0], vector[1] = cosine, math.sqrt(1.0 - cosine * cosine)
    return vector
