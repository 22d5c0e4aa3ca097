"""All SQL that both backends share. Values are always bound, names always quoted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from medha_pgvector.rows import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import LiteralString

    from medha.where import Where

COLUMNS: Final = """
    id, question, normalized_question, generated_query, query_hash, created_at, expires_at, response_summary,
    template_id, metadata, feedback_correct, feedback_incorrect
"""

# ---- connecting ----

FIND_EXTENSIONS: Final = """
    SELECT extname, extversion, nspname FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace
    WHERE extname = ANY(%(names)s)
"""
MAKE_EXTENSION: Final = "CREATE EXTENSION IF NOT EXISTS {extension} CASCADE"
FIND_SCHEMA: Final = "SELECT FROM pg_namespace WHERE nspname = %(schema)s"
MAKE_SCHEMA: Final = "CREATE SCHEMA {schema}"
FIND_MIGRATIONS_TABLE: Final = "SELECT FROM pg_tables WHERE schemaname = %(schema)s AND tablename = 'migrations'"
MAKE_MIGRATIONS: Final = """
    CREATE TABLE IF NOT EXISTS {schema}.migrations (
        number integer PRIMARY KEY,
        applied_at timestamptz NOT NULL DEFAULT now()
    )
"""
FIND_MIGRATIONS: Final = "SELECT coalesce(max(number), 0) FROM {schema}.migrations"
RECORD_MIGRATION: Final = "INSERT INTO {schema}.migrations (number) VALUES (%(number)s)"
MIGRATIONS: Final = (
    """
    CREATE TABLE {schema}.collections (
        table_name text PRIMARY KEY,
        name text NOT NULL,
        dimension integer NOT NULL,
        model_name text NOT NULL,
        made_at timestamptz NOT NULL DEFAULT now()
    )
    """,
)
"""Number 1 first. One that was released is never changed: add another."""
WHO_ANSWERS: Final = "SELECT pg_backend_pid()"
LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended(%(what)s, 0))"
"""Until the end of the transaction, so that it holds through a pooler too."""

# ---- collections ----

FIND_COLLECTION: Final = "SELECT dimension, model_name FROM {schema}.collections WHERE table_name = %(table)s"
RECORD_COLLECTION: Final = """
    INSERT INTO {schema}.collections (table_name, name, dimension, model_name)
    VALUES (%(table)s, %(name)s, %(dimension)s, %(model_name)s)
"""
FORGET_COLLECTION: Final = "DELETE FROM {schema}.collections WHERE table_name = %(table)s"
DROP_ENTRIES: Final = "DROP TABLE IF EXISTS {entries}"
# ids in the order of their bytes, so that a cursor is the same place whatever the database's language
MAKE_ENTRIES: Final = """
    CREATE TABLE {entries} (
        id text COLLATE "C" PRIMARY KEY,
        question text NOT NULL,
        normalized_question text NOT NULL,
        generated_query text NOT NULL,
        query_hash text NOT NULL,
        created_at double precision NOT NULL,
        expires_at double precision,
        response_summary text,
        template_id text,
        metadata jsonb NOT NULL,
        feedback_correct bigint NOT NULL,
        feedback_incorrect bigint NOT NULL,
        embedding {vector_schema}.vector({dimension}) NOT NULL
    ) WITH (toast_tuple_target = 8160)
"""
# beside the row, each vector would be fetched by a look-up of its own; a page holds 8 kB and some room must be left
KEEP_VECTORS_INLINE: Final = "ALTER TABLE {entries} ALTER embedding SET STORAGE PLAIN"
LARGEST_INLINE_DIMENSION: Final = 1536
# hashes, since a B-tree refuses texts of more than 2.7 kB
MAKE_INDEXES: Final = (
    "CREATE INDEX {by_question} ON {entries} USING hash (normalized_question)",
    "CREATE INDEX {by_query} ON {entries} USING hash (query_hash)",
    "CREATE INDEX {by_template} ON {entries} USING hash (template_id) WHERE template_id IS NOT NULL",
    "CREATE INDEX {by_expiry} ON {entries} (expires_at) WHERE expires_at IS NOT NULL",
)
MAKE_METADATA_INDEX: Final = "CREATE INDEX IF NOT EXISTS {by_metadata} ON {entries} USING gin (metadata jsonb_path_ops)"

# ---- the vector index ----

COUNT_UP_TO: Final = "SELECT count(*) FROM (SELECT FROM {entries} LIMIT {limit}) AS counted"
FIND_INDEX: Final = """
    SELECT indisvalid, EXISTS (SELECT FROM pg_stat_progress_create_index WHERE index_relid = indexrelid)
    FROM pg_index WHERE indexrelid = to_regclass({index_text})
"""
"""Whether the index is complete, and whether someone is making it."""
DROP_INDEX: Final = "DROP INDEX CONCURRENTLY IF EXISTS {index}"

# ---- entries ----

_REPLACE: Final = """
    ON CONFLICT (id) DO UPDATE SET
        question = excluded.question,
        normalized_question = excluded.normalized_question,
        generated_query = excluded.generated_query,
        query_hash = excluded.query_hash,
        created_at = excluded.created_at,
        expires_at = excluded.expires_at,
        response_summary = excluded.response_summary,
        template_id = excluded.template_id,
        metadata = excluded.metadata,
        feedback_correct = excluded.feedback_correct,
        feedback_incorrect = excluded.feedback_incorrect,
        embedding = excluded.embedding
"""
_INSERT_ONE: Final = """
    INSERT INTO {entries} ({columns}, embedding) VALUES (
        %(id)s, %(question)s, %(normalized_question)s, %(generated_query)s, %(query_hash)s, %(created_at)s,
        %(expires_at)s, %(response_summary)s, %(template_id)s, %(metadata)s::jsonb, %(feedback_correct)s,
        %(feedback_incorrect)s, %(vector)b
    )
"""
# one JSON text and one array: a statement of 13 arrays takes half as long again, a copied staging table is as fast only
# from thousands of rows on, and needs three round trips. In the order of ids, lest two batches wait for each other
_INSERT_MANY: Final = """
    INSERT INTO {entries} ({columns}, embedding)
    SELECT id, question, normalized_question, generated_query, query_hash, created_at, expires_at, response_summary,
        template_id, metadata::jsonb, feedback_correct, feedback_incorrect, embedding
    FROM ROWS FROM (
        json_to_recordset(%(rows)s::json) AS (
            id text, question text, normalized_question text, generated_query text, query_hash text,
            created_at double precision, expires_at double precision, response_summary text, template_id text,
            metadata text, feedback_correct bigint, feedback_incorrect bigint
        ),
        unnest(%(vectors)b::{vector_schema}.vector[])
    ) AS new (
        id, question, normalized_question, generated_query, query_hash, created_at, expires_at, response_summary,
        template_id, metadata, feedback_correct, feedback_incorrect, embedding
    )
    ORDER BY id
"""
UPSERT_ONE: Final = _INSERT_ONE + _REPLACE
UPSERT_MANY: Final = _INSERT_MANY + _REPLACE
GET_ONE: Final = "SELECT {columns} FROM {entries} WHERE id = %(id)s"
GET: Final = "SELECT {columns} FROM {entries} WHERE id = ANY(%(ids)s)"
SCROLL: Final = "SELECT {columns} FROM {entries} WHERE {conditions} ORDER BY id LIMIT {limit}"
SCROLL_WITH_VECTORS: Final = """
    SELECT {columns}, {vector_schema}.vector_send(embedding) FROM {entries}
    WHERE {conditions} ORDER BY id LIMIT {limit}
"""
COUNT: Final = "SELECT count(*) FROM {entries} WHERE {conditions}"
DELETE: Final = "DELETE FROM {entries} WHERE {conditions}"
ADD_FEEDBACK: Final = """
    UPDATE {entries} SET
        feedback_correct = feedback_correct + %(correct)s,
        feedback_incorrect = feedback_incorrect + %(incorrect)s
    WHERE id = %(id)s RETURNING feedback_correct, feedback_incorrect
"""

# ---- searching ----

DISTANCE: Final = "(embedding OPERATOR({vector_schema}.<=>) %(vector)b::{vector_schema}.vector)"
_FOUND: Final = "SELECT * FROM ("
_CLOSEST: Final = """
    ) AS found WHERE 1 - distance >= %(min_similarity)s ORDER BY distance LIMIT {limit}
"""
# OFFSET keeps the sorting out, and with it every vector index
_EXACT: Final = "SELECT {columns}, {distance} AS distance FROM {entries} WHERE {conditions} OFFSET 0"
# Settings are made by the statement itself and end with it: a session's would not reach through a pooler, and a
# transaction of its own would be three more statements. What the index gives is taken when it is enough; an index scan
# ends early when few entries match, and then, or where there is no index, every entry is compared.
_APPROXIMATE: Final = """
    WITH near AS MATERIALIZED (
        SELECT {columns}, {distance} AS distance FROM {entries}
        WHERE to_regclass({index_text}) IS NOT NULL AND (SELECT {tuned}) IS NOT NULL AND {conditions}
        ORDER BY {nearness} LIMIT {reach}
    )
    SELECT * FROM near WHERE (SELECT count(*) FROM near) >= {limit}
    UNION ALL (
        SELECT {columns}, {distance} FROM {entries}
        WHERE (SELECT count(*) FROM near) < {limit} AND {conditions} OFFSET 0
    )
"""
EXACT_SEARCH: Final = _FOUND + _EXACT + _CLOSEST
APPROXIMATE_SEARCH: Final = _FOUND + _APPROXIMATE + _CLOSEST
_GET_AND: Final = "SELECT {columns}, NULL AS distance FROM {entries} WHERE id = %(id)s UNION ALL ("
GET_AND_EXACT_SEARCH: Final = _GET_AND + EXACT_SEARCH + ")"
GET_AND_APPROXIMATE_SEARCH: Final = _GET_AND + APPROXIMATE_SEARCH + ")"

# ---- conditions ----

ALL: Final = "TRUE"
CONDITIONS: Final[Mapping[str, LiteralString]] = {
    "ids": "id = ANY(%(ids)s)",
    "normalized_question": "normalized_question = %(normalized_question)s",
    "query_hash": "query_hash = %(query_hash)s",
    "template_id": "template_id = %(template_id)s",
    "expired_at": "expires_at <= %(expired_at)s",
    "metadata": "metadata @> %(metadata)s::jsonb",
    "alive_at": "(expires_at IS NULL OR expires_at > %(alive_at)s)",
    "after": "id > %(after)s",
}
"""By the field of ``Where`` that each one is the meaning of, or the argument of a method."""


def asked(where: Where | None, **others: Any) -> dict[str, Any]:
    """The values to bind, under the names of the conditions that are asked for."""
    values: dict[str, Any] = dict(others)
    if where is not None:
        values |= {
            "ids": None if where.ids is None else list(where.ids),
            "normalized_question": where.normalized_question,
            "query_hash": where.query_hash,
            "template_id": where.template_id,
            "expired_at": where.expired_at,
            "metadata": to_json(where.metadata) if where.metadata else None,
        }
    return {name: value for name, value in values.items() if value is not None}
