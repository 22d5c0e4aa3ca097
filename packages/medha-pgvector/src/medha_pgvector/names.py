"""What things are called in the database, and statements with those names in them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, LiteralString

from psycopg.sql import SQL, Composable, Identifier, Literal

from medha_pgvector import statements

if TYPE_CHECKING:
    from medha_pgvector.indexes import VectorIndex


@dataclass(frozen=True, slots=True, eq=False)
class Names:
    """Of one installation: its schema, those of the extensions, and the kind of its vector indexes.

    Compared by identity: every call looks its statement up by them.
    """

    schema: str
    vector_schema: str
    index_schema: str
    index: VectorIndex


@lru_cache(maxsize=4096)
def table_of(collection: str) -> str:
    """The table of a collection: a hash, since names of tables are short and collections may be called anything."""
    return "entries_" + hashlib.sha256(collection.encode()).hexdigest()[:40]


@lru_cache(maxsize=4096)
def rendered(
    template: LiteralString,
    names: Names,
    table: str,
    *,
    dimension: int = 0,
    conditions: tuple[str, ...] = (),
    limit: int = 0,
) -> bytes:
    """The statement as it is sent, values left out; the conditions are names in ``statements.CONDITIONS``.

    The limit is no value: a prepared statement would be planned for any.
    """
    schema, index = Identifier(names.schema), names.index
    index_name = f"{table}_vectors"
    parts: dict[str, Composable] = {
        "schema": schema,
        "vector_schema": Identifier(names.vector_schema),
        "index_schema": Identifier(names.index_schema),
        "extension": Identifier(index.extension),
        "entries": Identifier(names.schema, table),
        "by_question": Identifier(f"{table}_question"),
        "by_query": Identifier(f"{table}_query"),
        "by_template": Identifier(f"{table}_template"),
        "by_expiry": Identifier(f"{table}_expiry"),
        "by_metadata": Identifier(f"{table}_metadata"),
        "index_name": Identifier(index_name),
        "index": Identifier(names.schema, index_name),
        "index_text": Literal(Identifier(names.schema, index_name).as_string(None)),
        "options": SQL(", ").join(SQL("{} = {}").format(Identifier(name), value) for name, value in index.options),
        "tuned": SQL(" || ").join(SQL("set_config({}, {}, true)").format(name, value) for name, value in index.tuned),
        "columns": SQL(statements.COLUMNS),
        "dimension": Literal(dimension),
        "limit": Literal(limit),
        # half the precision may put the first few in another order
        "reach": Literal(2 * limit + 16 if index.halved(dimension) else limit),
        "conditions": SQL(" AND ").join(SQL(statements.CONDITIONS[name]) for name in conditions)
        if conditions
        else SQL(statements.ALL),
    }
    parts["distance"] = SQL(statements.DISTANCE).format(**parts)
    parts["nearness"] = SQL(index.nearness_half if index.halved(dimension) else statements.DISTANCE).format(**parts)
    return SQL(template).format(**parts).as_bytes(None)
