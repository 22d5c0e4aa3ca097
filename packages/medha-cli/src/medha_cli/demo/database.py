"""The database of a small music shop; every name in it is invented, and it is the same each time."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import date, timedelta
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from medha.errors import FileError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

SCHEMA: Final = """
CREATE TABLE genre (genre_id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE artist (
    artist_id INTEGER PRIMARY KEY, name TEXT NOT NULL, country TEXT NOT NULL, formed_year INTEGER NOT NULL
);
CREATE TABLE album (
    album_id INTEGER PRIMARY KEY, title TEXT NOT NULL, artist_id INTEGER NOT NULL REFERENCES artist,
    release_year INTEGER NOT NULL, price REAL NOT NULL
);
CREATE TABLE track (
    track_id INTEGER PRIMARY KEY, title TEXT NOT NULL, album_id INTEGER NOT NULL REFERENCES album,
    genre_id INTEGER NOT NULL REFERENCES genre, seconds INTEGER NOT NULL, price REAL NOT NULL
);
CREATE TABLE employee (
    employee_id INTEGER PRIMARY KEY, name TEXT NOT NULL, title TEXT NOT NULL,
    manager_id INTEGER REFERENCES employee, hired_on TEXT NOT NULL, city TEXT NOT NULL
);
CREATE TABLE customer (
    customer_id INTEGER PRIMARY KEY, name TEXT NOT NULL, city TEXT NOT NULL, country TEXT NOT NULL,
    joined_on TEXT NOT NULL, email TEXT NOT NULL, support_employee_id INTEGER NOT NULL REFERENCES employee
);
CREATE TABLE invoice (
    invoice_id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customer,
    issued_on TEXT NOT NULL, total REAL NOT NULL
);
CREATE TABLE invoice_line (
    invoice_line_id INTEGER PRIMARY KEY, invoice_id INTEGER NOT NULL REFERENCES invoice,
    track_id INTEGER NOT NULL REFERENCES track, quantity INTEGER NOT NULL, unit_price REAL NOT NULL
);
CREATE TABLE shipment (
    shipment_id INTEGER PRIMARY KEY, from_city TEXT NOT NULL, to_city TEXT NOT NULL,
    shipped_on TEXT NOT NULL, copies INTEGER NOT NULL
);
"""
FIRST_INVOICE: Final = date(2023, 1, 9)
INVOICES: Final = 190
SHIPMENTS: Final = 60
CUSTOMERS_WITHOUT_INVOICES: Final = 3


def load(name: str) -> Any:
    """A data file of the demo."""
    return json.loads(resources.files("medha_cli.demo").joinpath("data", name).read_text(encoding="utf-8"))


def make_shop(path: Path) -> None:
    """Write the shop into a new file.

    Raises:
        FileError: it cannot be written.
    """
    try:
        with closing(sqlite3.connect(path)) as database, database:
            _fill(database, load("shop.json"))
    except sqlite3.Error as exc:
        raise FileError(f"cannot write {path}: {exc}; name another folder with --dir") from exc


def _fill(database: sqlite3.Connection, shop: Any) -> None:
    database.executescript(SCHEMA)
    _insert(database, "genre", _numbered([name] for name in shop["genres"]))
    _catalogue(database, shop)
    _insert(database, "employee", _numbered(shop["employees"]))
    _insert(database, "customer", _numbered(_customers(shop["customers"])))
    _sales(database, len(shop["customers"]) - CUSTOMERS_WITHOUT_INVOICES)
    _insert(database, "shipment", _numbered(_shipments(shop["cities_with_stock"])))


def rows_of(path: Path, query: str, limit: int | None = None) -> tuple[list[str], list[tuple[Any, ...]]]:
    """The column names and the first rows of a query on the shop."""
    with closing(sqlite3.connect(path)) as database:
        cursor = database.execute(query)
        rows = cursor.fetchall() if limit is None else cursor.fetchmany(limit)
        return [column[0] for column in cursor.description], rows


def _numbered(rows: Iterable[Iterable[Any]]) -> Iterator[tuple[Any, ...]]:
    """The rows with their number, from 1, before them."""
    for number, row in enumerate(rows, 1):
        yield number, *row


def _catalogue(database: sqlite3.Connection, shop: Any) -> None:
    genres = {name: number for number, name in enumerate(shop["genres"], 1)}
    openings, closings = shop["track_words"]
    albums = tracks = 0
    for artist_id, (name, country, formed, genre, discs) in enumerate(shop["artists"], 1):
        _insert(database, "artist", [(artist_id, name, country, formed)])
        for title, year in discs:
            albums += 1
            _insert(database, "album", [(albums, title, artist_id, year, round(7.99 + albums * 7 % 11, 2))])
            for place in range(5 + albums % 4):
                tracks += 1
                words = f"{openings[tracks % len(openings)]} {closings[tracks % len(closings)]}"
                # every sixth track strays from the genre of its artist
                of = genres[genre] if tracks % 6 else 1 + tracks % len(genres)
                row = (tracks, words, albums, of, 125 + tracks * 47 % 300, 1.29 if place % 3 == 0 else 0.99)
                _insert(database, "track", [row])


def _customers(given: list[list[str]]) -> Iterator[tuple[Any, ...]]:
    agents = (3, 4, 5)
    for number, (name, city, country, joined) in enumerate(given):
        email = f"{name.lower().replace(' ', '.')}@example.com"
        # the first agent looks after every second customer
        yield name, city, country, joined, email, agents[0] if number % 2 else agents[number // 2 % len(agents)]


def _sales(database: sqlite3.Connection, customers: int) -> None:
    tracks: list[tuple[int, float]] = database.execute("SELECT track_id, price FROM track ORDER BY track_id").fetchall()
    lines = 0
    for number in range(1, INVOICES + 1):
        total = 0.0
        for place in range(1 + number % 5):
            track_id, price = tracks[(number * number + place * 31) % (len(tracks) - 40)]
            lines += 1
            quantity = 1 + (number + place) % 2
            total += quantity * price
            _insert(database, "invoice_line", [(lines, number, track_id, quantity, price)])
        issued = FIRST_INVOICE + timedelta(days=number * 4)
        _insert(
            database,
            "invoice",
            [(number, 1 + (number * 7 + number // 9) % customers, issued.isoformat(), round(total, 2))],
        )


def _shipments(cities: list[str]) -> Iterator[tuple[Any, ...]]:
    for number in range(SHIPMENTS):
        start = number % len(cities)
        end = (start + 1 + number // len(cities) % (len(cities) - 1)) % len(cities)
        shipped = FIRST_INVOICE + timedelta(days=number * 11)
        yield cities[start], cities[end], shipped.isoformat(), 5 + number * 13 % 40


def _insert(database: sqlite3.Connection, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
    for row in rows:
        database.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608 - our own names
