"""All SQL of the pending file. Values are always bound, never written into the text."""

from __future__ import annotations

from typing import Final

from medha_lancedb.rows import COUNTERS, ENTRY_COLUMNS, VECTOR

COLUMNS: Final = (*ENTRY_COLUMNS, VECTOR)
"""What is kept of an entry, in this order."""

# a seq is never used again: what is stored anew under an id is another row than the one that a merge has read
SCHEMA: Final = (
    """
    CREATE TABLE IF NOT EXISTS pending (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        question TEXT NOT NULL,
        normalized_question TEXT NOT NULL,
        generated_query TEXT NOT NULL,
        query_hash TEXT NOT NULL,
        metadata TEXT NOT NULL,
        response_summary TEXT,
        template_id TEXT,
        feedback_correct INTEGER NOT NULL,
        feedback_incorrect INTEGER NOT NULL,
        created_at REAL NOT NULL,
        expires_at REAL,
        vector BLOB NOT NULL
    ) STRICT
    """,
    "CREATE TABLE IF NOT EXISTS made_for (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), dimension INTEGER) STRICT",
)
SET_MADE_FOR: Final = "INSERT OR IGNORE INTO made_for VALUES (1, ?)"
GET_MADE_FOR: Final = "SELECT dimension FROM made_for"

SET_WAL: Final = "PRAGMA journal_mode = WAL"
SET_SYNCHRONOUS: Final = {"full": "PRAGMA synchronous = FULL", "normal": "PRAGMA synchronous = NORMAL"}
GET_VERSION: Final = "PRAGMA data_version"
"""Another number whenever another connection has changed the file."""

BEGIN_READING: Final = "BEGIN"
BEGIN_WRITING: Final = "BEGIN IMMEDIATE"
COMMIT: Final = "COMMIT"
ROLLBACK: Final = "ROLLBACK"

_names = ", ".join(COLUMNS)
# the names are ours
ADD: Final = f"INSERT OR REPLACE INTO pending ({_names}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608
ALIVE: Final = "SELECT seq FROM pending"
NEWER: Final = f"SELECT seq, {_names} FROM pending WHERE seq > ? ORDER BY seq"  # noqa: S608
COUNT: Final = "SELECT count(*) FROM pending"
REMOVE: Final = "DELETE FROM pending WHERE seq = ?"
_counted = ", ".join(f"{name} + :{name}" if name in COUNTERS else name for name in COLUMNS)
ADD_FEEDBACK: Final = f"INSERT OR REPLACE INTO pending ({_names}) SELECT {_counted} FROM pending WHERE id = :id"  # noqa: S608
GET_FEEDBACK: Final = f"SELECT {', '.join(COUNTERS)} FROM pending WHERE id = ?"  # noqa: S608
