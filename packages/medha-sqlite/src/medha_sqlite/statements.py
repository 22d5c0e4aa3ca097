"""All SQL of the backend. Values are always bound, never written into the text."""

from __future__ import annotations

from typing import Final

APPLICATION_ID: Final = 0x4D656468
"""``Medh``, in the header of the file: no other application's database is ever touched."""
SCHEMA_VERSION: Final = 1

SCHEMA: Final = (
    # a number is never used again, so what is held in memory of a dropped collection never passes for a new one
    """
    CREATE TABLE collections (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL UNIQUE,
        dimension INTEGER NOT NULL,
        model_name TEXT NOT NULL,
        changed INTEGER NOT NULL DEFAULT 0,
        forgotten INTEGER NOT NULL DEFAULT 0
    ) STRICT
    """,
    # the vector is last, so that what reads the other columns need not follow it to its overflow pages
    """
    CREATE TABLE entries (
        serial INTEGER PRIMARY KEY AUTOINCREMENT,
        collection INTEGER NOT NULL,
        changed INTEGER NOT NULL,
        id TEXT NOT NULL,
        question TEXT NOT NULL,
        normalized_question TEXT NOT NULL,
        generated_query TEXT NOT NULL,
        query_hash TEXT NOT NULL,
        created_at REAL NOT NULL,
        expires_at REAL,
        response_summary TEXT,
        template_id TEXT,
        metadata TEXT NOT NULL,
        comparable TEXT NOT NULL,
        feedback_correct INTEGER NOT NULL,
        feedback_incorrect INTEGER NOT NULL,
        vector BLOB NOT NULL,
        UNIQUE (collection, id)
    ) STRICT
    """,
    """
    CREATE TABLE deletions (
        collection INTEGER NOT NULL,
        changed INTEGER NOT NULL,
        id TEXT NOT NULL,
        PRIMARY KEY (collection, changed, id)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX entries_by_serial ON entries (collection)",
    "CREATE INDEX entries_by_change ON entries (collection, changed)",
    "CREATE INDEX entries_by_question ON entries (collection, normalized_question)",
    "CREATE INDEX entries_by_query ON entries (collection, query_hash)",
    "CREATE INDEX entries_by_template ON entries (collection, template_id) WHERE template_id IS NOT NULL",
    "CREATE INDEX entries_by_expiry ON entries (collection, expires_at) WHERE expires_at IS NOT NULL",
)

BEGIN_READING: Final = "BEGIN"
BEGIN_WRITING: Final = "BEGIN IMMEDIATE"
COMMIT: Final = "COMMIT"
ROLLBACK: Final = "ROLLBACK"

GET_APPLICATION_ID: Final = "PRAGMA application_id"
GET_SCHEMA_VERSION: Final = "PRAGMA user_version"
GET_HAS_TABLES: Final = "SELECT EXISTS (SELECT 1 FROM sqlite_master)"
SET_APPLICATION_ID: Final = f"PRAGMA application_id = {APPLICATION_ID}"
SET_SCHEMA_VERSION: Final = f"PRAGMA user_version = {SCHEMA_VERSION}"
SET_WAL: Final = "PRAGMA journal_mode = WAL"
SET_SYNCHRONOUS: Final = {"full": "PRAGMA synchronous = FULL", "normal": "PRAGMA synchronous = NORMAL"}
SET_PER_CONNECTION: Final = (
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_size = -32768",
    "PRAGMA journal_size_limit = 67108864",
    # 16 MB: of the usual 4 MB a bulk write takes nearly half, and every third one would move them into the file
    "PRAGMA wal_autocheckpoint = 4000",
)

FIND_COLLECTION: Final = """
    SELECT number, name, dimension, model_name, changed, forgotten FROM collections WHERE name = ?
"""
MAKE_COLLECTION: Final = """
    INSERT INTO collections (name, dimension, model_name) VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING
"""
NEXT_CHANGE: Final = "UPDATE collections SET changed = changed + 1 WHERE number = ? RETURNING changed"
DROP_ENTRIES: Final = "DELETE FROM entries WHERE collection = ?"
DROP_DELETIONS: Final = "DELETE FROM deletions WHERE collection = ?"
DROP_COLLECTION: Final = "DELETE FROM collections WHERE number = ?"

UPSERT: Final = """
    INSERT INTO entries (
        collection, changed, id, question, normalized_question, generated_query, query_hash, created_at, expires_at,
        response_summary, template_id, metadata, comparable, feedback_correct, feedback_incorrect, vector
    ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (collection, id) DO UPDATE SET
        changed = excluded.changed,
        question = excluded.question,
        normalized_question = excluded.normalized_question,
        generated_query = excluded.generated_query,
        query_hash = excluded.query_hash,
        created_at = excluded.created_at,
        expires_at = excluded.expires_at,
        response_summary = excluded.response_summary,
        template_id = excluded.template_id,
        metadata = excluded.metadata,
        comparable = excluded.comparable,
        feedback_correct = excluded.feedback_correct,
        feedback_incorrect = excluded.feedback_incorrect,
        vector = excluded.vector
"""
ADD_FEEDBACK: Final = """
    UPDATE entries
    SET feedback_correct = feedback_correct + ?, feedback_incorrect = feedback_incorrect + ?
    WHERE collection = ? AND id = ?
    RETURNING feedback_correct, feedback_incorrect
"""

_ENTRY: Final = """
    SELECT serial, id, question, normalized_question, generated_query, query_hash, created_at, expires_at,
        response_summary, template_id, metadata, feedback_correct, feedback_incorrect
"""
_MATCHING: Final = " FROM entries WHERE collection = :collection AND "
_IN_ORDER: Final = " AND serial > :after ORDER BY serial LIMIT :limit"

SELECT_ENTRIES: Final = _ENTRY + _MATCHING
# a collection without any of the entries is one row of nothing, and no row is no collection
_GET: Final = _ENTRY + " FROM collections LEFT JOIN entries ON collection = number AND id {} WHERE name = ?"
GET_ENTRY: Final = _GET.format("= ?")
GET_ENTRIES: Final = _GET.format("IN (SELECT atom FROM json_each(?))")
SELECT_IDS: Final = "SELECT id" + _MATCHING
SELECT_PAGE: Final = (_ENTRY + _MATCHING, _IN_ORDER)
SELECT_PAGE_WITH_VECTORS: Final = (_ENTRY + ", vector" + _MATCHING, _IN_ORDER)
COUNT: Final = "SELECT count(*)" + _MATCHING
DELETE: Final = ("DELETE" + _MATCHING, " RETURNING id")

ALL: Final = "TRUE"
CONDITIONS: Final = {
    "ids": "id IN (SELECT atom FROM json_each(:ids))",
    "normalized_question": "normalized_question = :normalized_question",
    "query_hash": "query_hash = :query_hash",
    "template_id": "template_id = :template_id",
    "expired_at": "expires_at <= :expired_at",
    # more than twice as fast as the next, to which it leaves few rows
    "item": "json_extract(comparable, :item) = json_extract(:metadata, :item)",
    # compared as the texts of rows.comparable, which are equal exactly when the values are
    "metadata": """NOT EXISTS (
        SELECT 1 FROM json_each(:metadata) AS wanted WHERE NOT EXISTS (
            SELECT 1 FROM json_each(entries.comparable) AS had WHERE had.key = wanted.key AND had.atom = wanted.atom
        )
    )""",
}
"""By the field of ``Where`` that each one is the meaning of; ``item`` is one of the metadata."""

SELECT_CHANGES: Final = """
    SELECT id, expires_at, comparable, vector FROM entries
    WHERE collection = ? AND changed > ? ORDER BY changed, serial
"""
SELECT_DELETIONS: Final = "SELECT id FROM deletions WHERE collection = ? AND changed > ?"
RECORD_DELETION: Final = "INSERT INTO deletions (collection, changed, id) VALUES (?, ?, ?)"
OLDEST_TOO_MANY: Final = """
    SELECT changed FROM deletions WHERE collection = ? ORDER BY changed DESC LIMIT 1 OFFSET ?
"""
FORGET_DELETIONS: Final = "DELETE FROM deletions WHERE collection = ? AND changed <= ?"
RECORD_FORGOTTEN: Final = "UPDATE collections SET forgotten = ? WHERE number = ?"
