"""Rows in files: JSON arrays, JSON Lines and CSV, read and written as streams."""

from __future__ import annotations

import base64
import binascii
import csv
import io
import json
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, cast

from medha.errors import FileError, FileFormatError, FileNotAllowedError, FileTooLargeError, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence

    from medha.models import CacheEntry, CollectionSpec
    from medha.settings import Settings

FORMATS: Final = {".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv"}
COLUMNS: Final = (
    *("id", "question", "generated_query", "response_summary", "template_id", "metadata"),
    *("created_at", "expires_at", "feedback_correct", "feedback_incorrect", "embedding_model", "vector"),
)
_QUESTION_COLUMNS: Final = ("question", "original_question")
_QUERY_COLUMNS: Final = ("generated_query", "query", "sql")
_NUMBERS: Final = ("ttl", "created_at", "expires_at")
_INSTANTS: Final = ("created_at", "expires_at")
_COUNTS: Final = ("feedback_correct", "feedback_incorrect")
_CHUNK: Final = 1 << 16
_LONGEST_ROW: Final = 1 << 25
_DECODER: Final = json.JSONDecoder()


def allowed_path(path: str | Path, settings: Settings) -> Path:
    """The path with symlinks resolved.

    Raises:
        FileNotAllowedError: it lies outside ``allowed_file_dir``.
    """
    if not isinstance(path, str | Path) or not str(path) or "\x00" in str(path):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise FileError(f"a file path must be a non-empty str or Path without NUL, not {path!r:.80}")
    try:
        resolved = Path(path).expanduser().resolve()
    except (OSError, RuntimeError, ValueError) as exc:
        raise FileError(f"{path!r:.80} is no usable path: {exc}") from exc
    allowed = settings.allowed_file_dir
    if allowed is not None and not resolved.is_relative_to(allowed.expanduser().resolve()):
        raise FileNotAllowedError(
            f"{path} is {resolved}, outside allowed_file_dir = {allowed}; move it there or change "
            "MEDHA_ALLOWED_FILE_DIR"
        )
    return resolved


def file_format(path: Path, given: str | None) -> str:
    """The format that was given, or the one that the file's ending says."""
    known = sorted(set(FORMATS.values()))
    if given is not None:
        if given not in known:
            raise FileFormatError(f"there is no file format {given!r}; they are {', '.join(known)}")
        return given
    try:
        return FORMATS[path.suffix.lower()]
    except KeyError as exc:
        raise FileFormatError(
            f"the ending of {path.name!r} says no format; use {', '.join(FORMATS)}, or pass format="
        ) from exc


def open_to_read(path: Path, settings: Settings) -> IO[bytes]:
    """The file, opened.

    Raises:
        FileTooLargeError: larger than ``max_file_size_mb``.
        FileError: absent, a folder or a device, or not readable.
    """
    try:
        if path.exists() and not path.is_file():
            raise FileError(f"cannot read {path}: it is a {'folder' if path.is_dir() else 'device'}, not a file")
        file = path.open("rb")
    except OSError as exc:
        raise FileError(f"cannot read {path}: {exc.strerror or exc}") from exc
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    if size > settings.max_file_size_mb * 1_000_000:
        file.close()
        raise FileTooLargeError(
            f"{path} has {size / 1e6:,.1f} MB, more than max_file_size_mb = {settings.max_file_size_mb:g}; "
            "split it or raise MEDHA_MAX_FILE_SIZE_MB"
        )
    return file


def read_rows(file: IO[bytes], kind: str, name: str) -> Iterator[Mapping[str, Any]]:
    """The rows of a file, one at a time.

    Raises:
        FileFormatError: names the row or line that cannot be read.
    """
    readers = {"json": _json_rows, "jsonl": _jsonl_rows, "csv": _csv_rows}
    count = 0
    try:
        for row in readers[kind](file):
            if not isinstance(row, dict):
                raise FileFormatError(f"{name}: row {count} is {type(row).__name__}, not an object with fields")
            yield cast("dict[str, Any]", row)
            count += 1
    except UnicodeDecodeError as exc:
        raise FileFormatError(f"{name}: not UTF-8 after {count} rows: {exc}") from exc
    except (ValueError, csv.Error) as exc:
        raise FileFormatError(f"{name}: not {kind.upper()} after {count} rows: {exc}") from exc


def parse_json(text: str) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: not JSON, a number of thousands of digits, or nested too deeply.
    """
    try:
        return json.loads(text)
    except RecursionError as exc:
        raise ValueError("nested too deeply") from exc


class _JsonText:
    """The part of a JSON file that is being read; it grows with the longest row, not with the file."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._text = ""
        self._position = 0

    def next_mark(self) -> str:
        """The next character that is no white space; empty at the end."""
        while True:
            while self._position < len(self._text):
                mark = self._text[self._position]
                if mark not in " \t\n\r":
                    return mark
                self._position += 1
            if not self._read_on():
                return ""

    def skip(self) -> None:
        """Go past one character."""
        self._position += 1

    def value(self) -> Any:
        """The value that starts here."""
        while True:
            try:
                value, self._position = _DECODER.raw_decode(self._text, self._position)
            except json.JSONDecodeError as exc:
                # the rest of the row may not have been read yet
                if len(self._text) - self._position > _LONGEST_ROW or not self._read_on():
                    raise ValueError(exc.msg) from exc
            except RecursionError as exc:
                raise ValueError("nested too deeply") from exc
            else:
                return value

    def _read_on(self) -> bool:
        rest = self._text[self._position :]
        more = self._file.read(max(_CHUNK, len(rest)))
        self._text, self._position = rest + more, 0
        return bool(more)


def _json_rows(file: IO[bytes]) -> Iterator[Any]:
    with _text(file) as lines:
        text = _JsonText(lines)
        if text.next_mark() != "[":
            raise ValueError("a JSON file must hold one array of objects; for one object a line use .jsonl")
        text.skip()
        mark = text.next_mark()
        while mark != "]":
            yield text.value()
            mark = text.next_mark()
            if mark not in {",", "]"}:
                raise ValueError("expected ',' or ']' after an object" if mark else "the file ends within the array")
            if mark == ",":
                text.skip()
                text.next_mark()
        text.skip()
        if text.next_mark():
            raise ValueError("there is something after the array")


def _jsonl_rows(file: IO[bytes]) -> Iterator[Any]:
    number = 0
    while line := file.readline(_LONGEST_ROW):
        number += 1
        if line.strip():
            try:
                yield parse_json(line.decode("utf-8-sig" if number == 1 else "utf-8"))
            except ValueError as exc:
                raise ValueError(f"line {number}: {exc}") from exc


def _csv_rows(file: IO[bytes]) -> Iterator[Any]:
    # the limit is the process's own, so it is only ever raised
    csv.field_size_limit(max(csv.field_size_limit(), _LONGEST_ROW))
    with _text(file) as lines:
        reader = csv.reader(lines, strict=True)
        header = next(reader, list[str]())
        if len(set(header)) != len(header):
            raise ValueError("the header names a column twice")
        for row in reader:
            if row and len(row) != len(header):
                # a row that was cut off may have lost its scope
                raise ValueError(f"line {reader.line_num} has {len(row)} fields, the header has {len(header)}")
            if row:
                yield {key: value or None for key, value in zip(header, row, strict=True)}


@contextmanager
def _text(file: IO[bytes]) -> Generator[io.TextIOWrapper, None, None]:
    """The file as text; it stays open for whoever opened it."""
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        yield text
    finally:
        if not file.closed:
            text.detach()


def entry_fields(row: Mapping[str, Any], spec: CollectionSpec) -> dict[str, Any]:
    """The fields of a ``NewEntry`` in a row of a file or frame; columns that are none are passed over.

    A vector is taken only when the row says that the collection's own model made it.
    """
    fields: dict[str, Any] = {}
    for name, columns in (("question", _QUESTION_COLUMNS), ("generated_query", _QUERY_COLUMNS)):
        column = next((column for column in columns if row.get(column) is not None), None)
        if column is None:
            raise InvalidInputError(f"no column {' or '.join(repr(column) for column in columns)}")
        fields[name] = row[column]
    for name in ("response_summary", "template_id"):
        if row.get(name) is not None:
            fields[name] = row[name]
    for name in (*_NUMBERS, *_COUNTS):
        if name in row and not (row[name] is None and name != "expires_at"):
            fields[name] = _number(row[name], name)
    if row.get("metadata") is not None:
        fields["metadata"] = _metadata(row["metadata"])
    if row.get("vector") is not None and row.get("embedding_model") == spec.model_name:
        fields["vector"] = _vector(row["vector"])
    return fields


def _number(value: Any, name: str) -> Any:
    if isinstance(value, datetime):
        return _seconds(value) if name in _INSTANTS else value
    if isinstance(value, str):
        try:
            return int(value) if name in _COUNTS else float(value)
        except ValueError as exc:
            if name in _INSTANTS:
                return _instant(value, name)
            raise InvalidInputError(f"{name} is not a number: {value!r:.80}") from exc
    if name in _COUNTS and isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _instant(value: str, name: str) -> float:
    try:
        return _seconds(datetime.fromisoformat(value))
    except ValueError as exc:
        raise InvalidInputError(
            f"{name} is neither seconds since the epoch nor a time of ISO 8601: {value!r:.80}"
        ) from exc


def _seconds(instant: datetime) -> float:
    """Since the epoch; what names no time zone is UTC."""
    return (instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)).timestamp()


def _metadata(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return parse_json(value)
        except ValueError as exc:
            raise InvalidInputError(f"metadata is not a JSON object: {value!r:.80}") from exc
    return value


def _vector(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    import numpy as np

    try:
        return np.frombuffer(base64.b64decode(value, validate=True), dtype="<f4")
    except (binascii.Error, ValueError) as exc:
        raise InvalidInputError(f"the vector is not base64 of float32 numbers: {exc}") from exc


def row_of(entry: CacheEntry, spec: CollectionSpec, *, include_vectors: bool) -> dict[str, Any]:
    """An entry as a row; the vector as it is."""
    row: dict[str, Any] = {name: getattr(entry, name) for name in COLUMNS[:10]}
    row["metadata"] = dict(entry.metadata)
    if include_vectors:
        row |= {"embedding_model": spec.model_name, "vector": entry.vector}
    return row


def write_rows(file: IO[bytes], kind: str, rows: Sequence[dict[str, Any]], *, first: bool) -> None:
    """Append rows; ``first`` says that none were written before."""
    import numpy as np

    for row in rows:
        if row.get("vector") is not None:
            row["vector"] = base64.b64encode(np.asarray(row["vector"], dtype="<f4").tobytes()).decode()
    if kind == "csv":
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, list(rows[0]) if rows else COLUMNS[:10])
        if first:
            writer.writeheader()
        writer.writerows({**row, "metadata": json.dumps(row["metadata"], ensure_ascii=False)} for row in rows)
        file.write(text.getvalue().encode())
    else:
        lines = [json.dumps(row, ensure_ascii=False) for row in rows]
        if kind == "jsonl":
            file.write("".join(line + "\n" for line in lines).encode())
        else:
            file.write((("" if first else ",\n") + ",\n".join(lines)).encode())
