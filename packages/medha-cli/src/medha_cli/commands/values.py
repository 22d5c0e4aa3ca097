"""``values``: which texts the columns of a database hold, for learned templates."""

import json
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from medha_cli.options import Run, command
from medha_cli.progress import progress

if TYPE_CHECKING:
    from sqlalchemy import Column, Engine, Table

LONGEST: Final = 256
"""Characters of a text that somebody would say in a question."""


@command
def values(
    run: Run,
    *,
    source: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="DSN",
            help="The database, as SQLAlchemy names it: sqlite:///shop.db",
            show_default=False,
        ),
    ],
    target: Annotated[Path, typer.Option("--to", metavar="FILE", help="The JSON file to write.", show_default=False)],
    tables: Annotated[list[str] | None, typer.Option("--table", help="Only this table; repeat it for several.")] = None,
    most: Annotated[int, typer.Option("--most", min=1, help="A column of more different texts is left out.")] = 10_000,
) -> None:
    """Write the texts that a database's columns hold to a file, for MEDHA_VALUES_FILE.

    Learned templates take a text of a question only where the column is known to hold it.
    """
    from medha.atomic import atomic_writer

    with _database(source) as engine, progress(run, "reading columns") as advance:
        found, left_out = _texts(engine, frozenset(tables or ()), most, advance)
    with atomic_writer(target) as file:
        file.write(json.dumps(found, ensure_ascii=False, indent=1).encode())
    document = {
        "file": str(target),
        "columns": len(found),
        "values": sum(map(len, found.values())),
        "left_out": left_out,
    }
    run.show(document, lambda: _told(document))


@contextmanager
def _database(source: str) -> Generator["Engine"]:
    """The database, closed at the end; what goes wrong with it is said without its password."""
    from medha.errors import ConfigurationError

    try:
        from sqlalchemy import create_engine, make_url
        from sqlalchemy.exc import ArgumentError, SQLAlchemyError
    except ImportError as exc:
        raise ConfigurationError("reading a database needs SQLAlchemy. Try: pip install 'medha-cli[values]'") from exc
    try:
        url = make_url(source)
    except ArgumentError as exc:
        raise ConfigurationError("--from is no database URL; write for example sqlite:///shop.db") from exc
    shown = url.render_as_string(hide_password=True)
    try:
        engine = create_engine(url)
        try:
            yield engine
        finally:
            engine.dispose()
    except ImportError as exc:
        raise ConfigurationError(f"cannot open {shown}: {exc}; install the driver of that database") from exc
    except SQLAlchemyError as exc:
        raise ConfigurationError(f"cannot read {shown}: {str(exc).splitlines()[0]}") from exc


def _texts(
    engine: "Engine", only: frozenset[str], most: int, advance: Callable[[int, int], None]
) -> tuple[dict[str, list[str]], list[str]]:
    """The texts of each column by its name in queries, and the columns that hold too many."""
    from sqlalchemy import MetaData

    from medha.errors import ConfigurationError

    metadata = MetaData()
    metadata.reflect(bind=engine)
    if unknown := only.difference(metadata.tables):
        known = ", ".join(sorted(metadata.tables)) or "none"
        raise ConfigurationError(f"the database has no table {min(unknown)!r}; its tables are: {known}")
    chosen = [table for name, table in metadata.tables.items() if not only or name in only]
    columns = [(table, column) for table in chosen for column in _text_columns(table)]
    found: dict[str, list[str]] = {}
    left_out: list[str] = []
    with engine.connect() as connection:
        for number, (table, column) in enumerate(columns, start=1):
            texts = _distinct(connection, column, most)
            name = f"{table.name}.{column.name}".lower()
            if texts is None:
                left_out.append(name)
            elif texts:
                found[name] = sorted({*found.get(name, ()), *texts})
            advance(number, len(columns))
    return found, left_out


def _text_columns(table: "Table") -> Iterator["Column[Any]"]:
    from sqlalchemy import String

    return (column for column in table.columns if isinstance(column.type, String))


def _distinct(connection: Any, column: "Column[Any]", most: int) -> list[str] | None:
    from sqlalchemy import select

    rows = connection.execute(select(column).where(column.is_not(None)).distinct().limit(most + 1)).scalars().all()
    if len(rows) > most:
        return None
    return [text for text in map(str, rows) if text.strip() and len(text) <= LONGEST and "\0" not in text]


def _told(document: Mapping[str, Any]) -> str:
    left = document["left_out"]
    more = f"; left out, too many: {', '.join(left)}" if left else ""
    return (
        f"wrote {document['values']:,} texts of {document['columns']} columns to {document['file']}{more}\n"
        f"To use them: MEDHA_VALUES_FILE={document['file']}"
    )
