"""What one would write around numpy, sqlite3 and lancedb without Medha: the other side of what runs in this process."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
from sides import CLOSEST, DIMENSION, MIN_SIMILARITY, Found, Plain, Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sides import Part

    from medha.models import Vector, Vectors

T = TypeVar("T")

NO_VECTOR: Vector = np.empty(0, dtype=np.float32)


class Matrix:
    """Vectors in one array, and the ids of its rows. The last row takes the place of one that goes."""

    def __init__(self) -> None:
        self.vectors: Vectors = np.empty((1024, DIMENSION), dtype=np.float32)
        self.ids: list[str] = []
        self.places: dict[str, int] = {}

    def put(self, ids: Sequence[str], vectors: Sequence[Vector]) -> None:
        while len(self.ids) + len(ids) > len(self.vectors):
            self.vectors = np.concatenate([self.vectors, np.empty_like(self.vectors)])
        for key in ids:
            if key not in self.places:
                self.places[key] = len(self.ids)
                self.ids.append(key)
        self.vectors[[self.places[key] for key in ids]] = vectors

    def remove(self, ids: Iterable[str]) -> None:
        for key in ids:
            if (place := self.places.pop(key, None)) is not None:
                last = self.ids.pop()
                if last != key:
                    self.ids[place], self.places[last] = last, place
                    self.vectors[place] = self.vectors[len(self.ids)]

    def closest(self, vector: Vector) -> list[tuple[str, float]]:
        similarities = self.vectors[: len(self.ids)] @ vector
        top = np.argpartition(similarities, -CLOSEST)[-CLOSEST:]
        top = top[np.argsort(-similarities[top])]
        pairs = zip(top.tolist(), similarities[top].tolist(), strict=True)
        return [(self.ids[place], similarity) for place, similarity in pairs if similarity >= MIN_SIMILARITY]


class PlainMemory(Plain):
    """A dict of rows with their metadata, which may be anything, but without their vectors, which are in a matrix."""

    async def open(self) -> None:
        self._rows: dict[str, tuple[Row, dict[str, str]]] = {}
        self._matrix = Matrix()

    async def upsert(self, part: Part) -> None:
        rows = [(row._replace(vector=NO_VECTOR), {"tenant": row.tenant}) for row in part.rows]
        self._rows.update(zip(part.ids, rows, strict=True))
        self._matrix.put(part.ids, [row.vector for row in part.rows])

    async def lookup(self, part: Part) -> tuple[Row | None, list[Found]]:
        if (found := self._rows.get(part.ids[0])) is not None:
            return found[0], []
        closest = [(*self._rows[key], similarity) for key, similarity in self._matrix.closest(part.rows[0].vector)]
        return None, [Found(row.id, row.generated_query, has["tenant"], similarity) for row, has, similarity in closest]

    async def remove(self, part: Part) -> None:
        for key in part.ids:
            self._rows.pop(key, None)
        self._matrix.remove(part.ids)

    async def delete(self, tenant: str) -> None:
        gone = [key for key, (_, has) in self._rows.items() if has.get("tenant") == tenant]
        for key in gone:
            del self._rows[key]
        self._matrix.remove(gone)


class PlainSqlite(Plain):
    """One table, and a matrix of the vectors in it, on a thread, since a commit would hold the event loop.

    Durable as the backend's file is, with the same room in memory and in the log. What there is to delete by has an
    index, but for metadata, which may be anything.
    """

    COLUMNS = ", ".join([*Row._fields[:-2], "metadata"])
    INDEXED = ("normalized_question", "query_hash", "template_id", "expires_at")

    async def open(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._matrix = Matrix()
        await self._in_thread(self._open)

    async def close(self) -> None:
        await self._in_thread(self._database.close)
        self._thread.shutdown()

    async def upsert(self, part: Part) -> None:
        await self._in_thread(lambda: self._upsert(part))

    async def lookup(self, part: Part) -> tuple[Sequence[Any] | None, list[Found]]:
        # two ways to the thread: in between, the question is embedded
        if found := await self._in_thread(lambda: self._get(part.ids)):
            return found[part.ids[0]], []
        return None, await self._in_thread(lambda: self._closest(part.rows[0].vector))

    async def remove(self, part: Part) -> None:
        marks = ", ".join("?" * len(part.ids))
        await self._in_thread(lambda: self._delete(f"id IN ({marks})", part.ids))

    async def delete(self, tenant: str) -> None:
        await self._in_thread(lambda: self._delete("json_extract(metadata, '$.tenant') = ?", [tenant]))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _open(self) -> None:
        self._database = sqlite3.connect(Path(self.place) / "bare.db", isolation_level=None)
        for statement in (
            "PRAGMA journal_mode = WAL",
            "PRAGMA synchronous = FULL",
            "PRAGMA cache_size = -32768",
            "PRAGMA wal_autocheckpoint = 4000",
            f"CREATE TABLE entries ({self.COLUMNS.replace('id,', 'id PRIMARY KEY,', 1)}, vector)",
            *(f"CREATE INDEX by_{column} ON entries ({column})" for column in self.INDEXED),
        ):
            self._database.execute(statement)

    def _upsert(self, part: Part) -> None:
        marks = ", ".join("?" * len(Row._fields))
        with self._database:
            self._database.execute("BEGIN IMMEDIATE")
            rows = ((*row[:-2], json.dumps({"tenant": row.tenant}), row.vector.tobytes()) for row in part.rows)
            self._database.executemany(f"REPLACE INTO entries ({self.COLUMNS}, vector) VALUES ({marks})", rows)
        self._matrix.put(part.ids, [row.vector for row in part.rows])

    def _closest(self, vector: Vector) -> list[Found]:
        similarity_of = dict(self._matrix.closest(vector))
        rows = self._get(list(similarity_of))
        return [
            Found(key, rows[key][3], json.loads(rows[key][-1])["tenant"], similarity)
            for key, similarity in similarity_of.items()
        ]

    def _get(self, ids: Sequence[str]) -> dict[str, Sequence[Any]]:
        marks = ", ".join("?" * len(ids))
        rows = self._database.execute(f"SELECT {self.COLUMNS} FROM entries WHERE id IN ({marks})", ids)
        return {row[0]: row for row in rows}

    def _delete(self, condition: str, values: Sequence[str]) -> None:
        with self._database:
            self._database.execute("BEGIN IMMEDIATE")
            gone = self._database.execute(f"DELETE FROM entries WHERE {condition} RETURNING id", values).fetchall()
        self._matrix.remove(key for (key,) in gone)


class PlainLance(Plain):
    """One table of plain columns. It is compacted between the measurements, as the backend does it meanwhile.

    Each call looks for what other processes have written, as each of the backend's does. Metadata may be anything: a
    list of texts.
    """

    COLUMNS = (*Row._fields[:-2], "metadata", "vector")

    async def open(self) -> None:
        import lancedb

        # it has no types
        pa = self._pa = cast("Any", import_module("pyarrow"))
        kinds = {"created_at": pa.float64(), "expires_at": pa.float64()}
        kinds |= {"feedback_correct": pa.int64(), "feedback_incorrect": pa.int64()}
        kinds |= {"metadata": pa.list_(pa.string()), "vector": pa.list_(pa.float32(), DIMENSION)}
        self._schema: Any = pa.schema([pa.field(name, kinds.get(name, pa.string())) for name in self.COLUMNS])
        newest = {"read_consistency_interval": timedelta(0)}
        database: Any = await cast("Any", lancedb).connect_async(Path(self.place) / "bare", **newest)
        self._table: Any = await database.create_table("bench", schema=self._schema)

    async def close(self) -> None:
        self._table.close()

    async def settle(self) -> None:
        await self._table.optimize(cleanup_older_than=timedelta(seconds=1))

    async def upsert(self, part: Part) -> None:
        columns: list[Any] = [list(column) for column in zip(*part.rows, strict=True)]
        columns[-2] = [[f"tenant={tenant}"] for tenant in columns[-2]]
        columns[-1] = self._pa.FixedSizeListArray.from_arrays(np.concatenate(columns[-1]), DIMENSION)
        rows = self._pa.table(columns, schema=self._schema)
        merging = self._table.merge_insert("id").when_matched_update_all().when_not_matched_insert_all()
        await merging.execute(rows)

    async def lookup(self, part: Part) -> tuple[Sequence[Any] | None, list[Found]]:
        columns = list(self.COLUMNS[:-1])
        got = await self._table.query().where(f"id = '{part.ids[0]}'").select(columns).limit(1).to_list()
        if got:
            return list(got[0].values()), []
        searching = self._table.vector_search(part.rows[0].vector).distance_type("cosine").limit(CLOSEST)
        closest = [
            Found(row["id"], row["generated_query"], row["metadata"][0].removeprefix("tenant="), 1.0 - row["_distance"])
            for row in await searching.select([*columns, "_distance"]).to_list()
        ]
        wanted = [found for found in closest if found.similarity >= MIN_SIMILARITY]
        return None, wanted

    async def remove(self, part: Part) -> None:
        await self._table.delete(f"id IN ({', '.join(repr(key) for key in part.ids)})")

    async def delete(self, tenant: str) -> None:
        await self._table.delete(f"array_has(metadata, 'tenant={tenant}')")
