"""Everything that the driver may raise becomes an error of Medha that says what to do."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from medha.errors import (
    BackendError,
    BackendTimeoutError,
    BackendUnavailableError,
    BackendWriteError,
    CollectionMismatchError,
    CollectionNotFoundError,
    ConfigurationError,
)
from medha.plugins import read_settings
from medha_conformance.corpus import SPEC, make_entries, make_entry, unit_vectors
from medha_conformance.vendor import Reply, answering
from medha_lancedb import LanceBackend, LanceSettings
from medha_lancedb.arrow import connect, pa
from medha_lancedb.errors import explain, translated

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def explained(exc: BaseException) -> BackendError:
    return explain(exc, doing="storing 'music'", place="/data", collection="music", writing=True)


@pytest.mark.parametrize(
    ("exc", "kind", "words"),
    [
        (ValueError("Table 'medha_1' was not found"), CollectionNotFoundError, "'music'"),
        (
            RuntimeError("lance error: Not found: data/medha_1.lance/_versions, /x.rs"),
            CollectionNotFoundError,
            "'music'",
        ),
        (RuntimeError("lance error: Not found: data/medha_1.lance/data/1.lance"), BackendError, "missing or damaged"),
        (OSError("LanceError(IO): No space left on device"), BackendWriteError, "disk is full"),
        (OSError(27, "File too large"), BackendWriteError, "disk is full"),
        (OSError("LanceError(IO): Permission denied (os error 13)"), BackendWriteError, "Make it writable"),
        (PermissionError(13, "odd"), BackendWriteError, "Make it writable"),
        (FileExistsError(17, "odd"), BackendUnavailableError, "MEDHA_LANCEDB_URI"),
        (NotADirectoryError(20, "odd"), BackendUnavailableError, "MEDHA_LANCEDB_URI"),
        (RuntimeError("lance error: Retryable commit conflict for version 3"), BackendUnavailableError, "RETRIES"),
        (RuntimeError("lance error: Too many concurrent writers"), BackendUnavailableError, "RETRIES"),
        (OSError("AccessDenied: no"), BackendUnavailableError, "STORAGE_OPTIONS"),
        (OSError("the credential provider was not enabled"), BackendUnavailableError, "STORAGE_OPTIONS"),
        (OSError("error sending request for url"), BackendUnavailableError, "cannot be reached"),
        (OSError("operation timed out"), BackendTimeoutError, "in time"),
        (TimeoutError(), BackendTimeoutError, "in time"),
        (OSError("LanceError(IO): odd"), BackendError, "missing or damaged"),
        (pa.ArrowInvalid("odd"), BackendWriteError, "refused"),
        (ValueError("Invalid input"), BackendWriteError, "refused"),
        (OverflowError("too large"), BackendWriteError, "refused"),
        (
            ValueError("query dim(9) doesn't match the column vector vector dim(8)"),
            CollectionMismatchError,
            "Initialize",
        ),
        (RuntimeError("odd"), BackendError, "does not expect"),
    ],
)
def test_every_kind_of_error_is_typed(exc: BaseException, kind: type[BackendError], words: str) -> None:
    error = explained(exc)
    assert type(error) is kind
    for part in (words, "storing 'music'", "/data"):
        assert part in str(error)


async def test_a_panic_of_the_driver_is_an_error_and_an_end_of_the_program_is_not() -> None:
    class PanicException(BaseException):
        pass

    async def panic() -> None:
        raise PanicException("called `Option::unwrap()` on a `None` value")

    async def end() -> None:
        raise KeyboardInterrupt

    with pytest.raises(BackendError, match="unwrap"):
        await translated(panic, doing="reading", place="/data")
    with pytest.raises(KeyboardInterrupt):
        await translated(end, doing="reading", place="/data")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"uri": "db://mine"}, "LanceDB Cloud"),
        ({"uri": "s3://key:hunter2@bucket/x"}, "storage_options"),
        ({"uri": "s3://bucket/x?secret=hunter2"}, "storage_options"),
        ({"uri": "ftp://host/x"}, "must be a local folder"),
        ({"prefix": "a b"}, "prefix"),
        ({"index_from": 5}, "index_from"),
        ({"storage_option": {}}, "Did you mean 'storage_options'"),
    ],
)
def test_settings_that_cannot_be_used_are_refused_with_a_reason(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        read_settings(LanceSettings, **values)
    assert "hunter2" not in f"{caught.value}{caught.value.__cause__}"


def test_storage_options_are_read_from_the_environment_and_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDHA_LANCEDB_STORAGE_OPTIONS", '{"aws_secret_access_key": "hunter2"}')
    settings = LanceSettings(uri="s3://bucket/folder")
    assert settings.storage_options["aws_secret_access_key"].get_secret_value() == "hunter2"
    assert "hunter2" not in f"{settings!r} {settings} {settings.model_dump()}"


async def test_an_object_store_that_refuses_is_told_without_its_key() -> None:
    body = b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"
    with answering(Reply(status=403, body=body)) as url:
        options = {
            "aws_access_key_id": "me",
            "aws_secret_access_key": "hunter2",
            "region": "us-east-1",
            "endpoint": url,
            "allow_http": "true",
        }
        settings: dict[str, Any] = {"uri": "s3://bucket/folder", "storage_options": options}
        backend = LanceBackend(LanceSettings(**settings))
        with pytest.raises(BackendUnavailableError, match="refused the key") as caught:
            await backend.connect()
        await backend.close()
    assert "hunter2" not in f"{caught.value}{caught.value.__cause__}"
    assert caught.value.__cause__ is not None


async def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("in the way")
    for uri in (file, file / "lance"):
        backend = LanceBackend(LanceSettings(uri=str(uri)))
        with pytest.raises(BackendUnavailableError, match=r"opening on .*MEDHA_LANCEDB_URI"):
            await backend.connect()
        await backend.close()
        with pytest.raises(BackendUnavailableError, match="call connect"):
            await backend.count("music")


async def test_a_table_whose_files_are_gone_is_damaged_and_no_miss(table_only: LanceBackend, folder: Path) -> None:
    await table_only.upsert("music", make_entries(3))
    for file in folder.glob("*.lance/data/*.lance"):
        file.unlink()
    for call in (lambda: table_only.scroll("music"), lambda: table_only.get("music", [make_entry("row-0").id])):
        with pytest.raises(BackendError, match=r"missing or damaged.*warm it again"):
            await call()


async def test_a_table_that_another_program_removed_is_not_found_and_may_be_made_anew(
    backend: LanceBackend, folder: Path
) -> None:
    await backend.upsert("music", [make_entry("old")])
    for table in folder.glob("*.lance"):
        shutil.rmtree(table)
    with pytest.raises(CollectionNotFoundError, match="'music'"):
        await backend.count("music")
    with pytest.raises(CollectionNotFoundError, match="'music'"):
        await backend.upsert("music", [make_entry("lost")])
    await backend.initialize("music", SPEC)
    await backend.upsert("music", [make_entry("new")])
    assert await backend.count("music") == 1


async def test_a_batch_that_does_not_fit_is_refused_whole(backend: LanceBackend) -> None:
    with pytest.raises(CollectionMismatchError, match=r"shape \(9,\).*Initialize it again"):
        await backend.upsert("music", [make_entry("good"), make_entry("long", vector=unit_vectors(1, 9)[0])])
    with pytest.raises(BackendWriteError, match="nothing was stored"):
        await backend.upsert("music", [make_entry("good"), make_entry("huge", feedback_correct=2**70)])
    assert await backend.count("music") == 0


async def test_a_table_that_another_tool_made_is_refused(
    tmp_path: Path, folder: Path, open_backend: Callable[..., Any]
) -> None:
    from medha_lancedb.names import table_name

    database = await connect(folder)
    await database.create_table(table_name("medha", "music"), schema=pa.schema([pa.field("id", pa.string())]))
    with pytest.raises(BackendError, match="does not say which model"):
        await open_backend()
