"""``doctor``: whether everything that a cache needs is there, and what to do where it is not."""

import asyncio
import os
import platform
import stat
import sys
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Final

from medha_cli.options import ERROR, HIT, CacheRun, cache_command

if TYPE_CHECKING:
    from rich.table import Table

    from medha import CacheEntry, CollectionSpec
    from medha_cli.opening import Choice

OLDEST_PYTHON: Final = (3, 11)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; ``advice`` says what to do when it is not ok."""

    name: str
    ok: bool
    found: str
    advice: str = ""


@cache_command
def doctor(run: CacheRun) -> int:
    """Check the installation, the settings, the file, the backend and the embedder. Exit 2 if anything is wrong."""
    checks = asyncio.run(_examine(run))
    well = all(check.ok for check in checks)
    run.show({"ok": well, "checks": [asdict(check) for check in checks]}, lambda: _table(checks))
    return HIT if well else ERROR


async def _examine(run: CacheRun) -> list[Check]:
    """Every check; those that need settings end with the settings."""
    from medha.errors import MedhaError

    checks = [_python(), _core(), *_plugins()]
    known = sum(name.startswith("MEDHA_") for name in os.environ)
    try:
        choice = run.choice
    except MedhaError as exc:
        return [*checks, Check("settings", ok=False, found=str(exc), advice="correct or unset the variable")]
    checks.append(Check("settings", ok=True, found=f"{known} MEDHA_ variables, all known"))
    try:
        checks += _file(choice)
        checks += [check async for check in _embedder_and_backend(choice)]
    except MedhaError as exc:
        checks.append(
            Check("plugin", ok=False, found=str(exc), advice="name an installed plugin; medha plugins lists them")
        )
    return checks


def _python() -> Check:
    found = f"{platform.python_implementation()} {platform.python_version()} at {sys.executable}"
    return Check("python", sys.version_info >= OLDEST_PYTHON, found, "install Python 3.11 or newer")


def _core() -> Check:
    from importlib.metadata import version

    return Check("core", ok=True, found=f"medha-core {version('medha-core')}")


def _plugins() -> list[Check]:
    from medha.plugins import installed_plugins

    return [
        Check(
            f"plugin {plugin.name}",
            plugin.error is None,
            str(plugin.error) if plugin.error else f"{plugin.distribution} {plugin.version}",
            f"repair or uninstall {plugin.distribution}",
        )
        for plugin in installed_plugins().installed()
    ]


def _file(choice: "Choice") -> list[Check]:
    """Whether this user can write the file, and who else can read it."""
    file = choice.file
    if file is None:
        return []
    folder = file.absolute().parent
    place = file if file.exists() else folder
    writable = os.access(folder, os.W_OK) and os.access(place, os.R_OK | os.W_OK)
    found = f"{file.absolute()} ({'there' if file.exists() else 'not made yet'})"
    if writable and file.exists() and os.name == "posix" and file.stat().st_mode & stat.S_IROTH:
        found += "; other users of this machine can read it: chmod 600 keeps it yours"
    return [Check("file", writable, found, f"make {folder} and the file readable and writable, or pass --db")]


async def _embedder_and_backend(choice: "Choice") -> AsyncIterator[Check]:
    from medha import CollectionSpec
    from medha.errors import MedhaError

    spec: CollectionSpec | None = None
    try:
        check, spec = await _embed(choice)
        yield check
    except MedhaError as exc:
        yield Check(f"embedder {choice.embedder}", ok=False, found=str(exc), advice="reinstall it, or pass --embedder")
    try:
        yield await _write(choice, spec or CollectionSpec(dimension=1, model_name="none"))
    except MedhaError as exc:
        yield Check(
            f"backend {choice.backend}", ok=False, found=str(exc), advice="see the message, or pass --backend or --db"
        )
        return
    if spec is None:
        return
    try:
        yield await _open(choice, spec)
    except MedhaError as exc:
        advice = "pass the --embedder it was made with, or another --collection"
        yield Check(f"collection {choice.collection}", ok=False, found=str(exc), advice=advice)


async def _embed(choice: "Choice") -> "tuple[Check, CollectionSpec]":
    from medha_cli.opening import open_embeddings

    async with open_embeddings(choice) as embeddings:
        started = time.perf_counter()
        await embeddings.of_question("how many albums are there")
        milliseconds = (time.perf_counter() - started) * 1000
        spec = embeddings.spec
    found = f"{spec.model_name}: {spec.dimension} dimensions, first embedding in {milliseconds:,.0f} ms"
    return Check(f"embedder {choice.embedder}", ok=True, found=found), spec


async def _write(choice: "Choice", spec: "CollectionSpec") -> Check:
    """Store, read and remove an entry in a collection of its own."""
    from medha_cli.opening import open_storage

    async with open_storage(replace(choice, collection=f"doctor-{uuid.uuid4()}")) as storage:
        try:
            await storage.initialize(spec)
            entry = _entry(spec)
            await storage.upsert([entry])
            kept = await storage.get([entry.id])
        finally:
            await storage.backend.drop_collection(storage.collection)
    name, advice = f"backend {choice.backend}", "it reads something else than was stored; report it to its authors"
    return Check(name, kept == [entry], "stores, reads and removes", advice)


async def _open(choice: "Choice", spec: "CollectionSpec") -> Check:
    from medha_cli.opening import open_storage

    async with open_storage(choice) as storage:
        await storage.initialize(spec)
        entries = await storage.count()
    return Check(f"collection {choice.collection}", ok=True, found=f"{entries:,} entries, made for {spec.model_name}")


def _entry(spec: "CollectionSpec") -> "CacheEntry":
    import numpy as np

    from medha import CacheEntry, query_hash

    vector = np.zeros(spec.dimension, np.float32)
    vector[0] = 1.0
    return CacheEntry(
        id=str(uuid.uuid4()),
        question="is it writable",
        normalized_question="is it writable",
        generated_query="SELECT 1",
        query_hash=query_hash("SELECT 1"),
        created_at=time.time(),
        vector=vector,
    )


def _table(checks: list[Check]) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for check in checks:
        mark = Text("ok", "green") if check.ok else Text("failed", "bold red")
        said = check.found if check.ok else f"{check.found}\nwhat to do: {check.advice}"
        table.add_row(mark, check.name, Text(said, overflow="fold"))
    return table
