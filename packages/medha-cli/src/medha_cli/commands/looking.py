"""``stats`` and ``plugins``: what is there."""

import asyncio
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from medha_cli.options import CacheRun, Run, cache_command, command

if TYPE_CHECKING:
    from pathlib import Path

    from rich.table import Table

    from medha.plugins import InstalledPlugin
    from medha_cli.opening import Choice

SHOWN_SCOPES: Final = 10
COUNTERS: Final = "Hits, misses and latencies are counted in the process that looks up: ask its own stats()."


@cache_command
def stats(run: CacheRun) -> None:
    """Show what the collection holds: entries, scopes, expired ones, file, model."""
    file = run.choice.file
    document = {
        "collection": run.choice.collection,
        "backend": run.choice.backend,
        "file": None if file is None else str(file.absolute()),
        "file_bytes": None if file is None else _size(file),
        **asyncio.run(_holdings(run.choice)),
        "note": COUNTERS,
    }
    run.show(document, lambda: _stats_table(document), lambda: COUNTERS)


@command
def plugins(run: Run) -> None:
    """List the plugins that are installed, where each is from, and why one does not load."""
    from medha.jsonable import to_jsonable
    from medha.plugins import installed_plugins

    found = installed_plugins().installed()
    document = {
        "plugins": [
            {
                "name": plugin.name,
                "distribution": plugin.distribution,
                "version": plugin.version,
                "offers": [{"kind": kind, "name": name} for kind, name in plugin.offers],
                "error": to_jsonable(plugin.error),
            }
            for plugin in found
        ]
    }
    run.show(document, lambda: _plugin_table(found))


async def _holdings(choice: "Choice") -> dict[str, Any]:
    """Read through the whole collection once."""
    from medha_cli.opening import open_embeddings, open_storage

    scopes: Counter[str] = Counter()
    entries = expired = with_feedback = 0
    async with open_embeddings(choice) as embeddings, open_storage(choice) as storage:
        spec, now, usage = embeddings.spec, time.time(), embeddings.usage
        await storage.initialize(spec)
        async for page in storage.pages():
            for entry in page:
                entries += 1
                expired += entry.expired(now)
                with_feedback += bool(entry.feedback_correct or entry.feedback_incorrect)
                scopes[" ".join(f"{key}={entry.metadata[key]}" for key in sorted(entry.metadata))] += 1
    return {
        "entries": entries,
        "expired": expired,
        "with_feedback": with_feedback,
        "scopes": [{"scope": scope, "entries": count} for scope, count in scopes.most_common()],
        "embedding_cost_per_million_tokens": None if usage is None else usage.cost_per_million_tokens,
        "model": spec.model_name,
        "dimension": spec.dimension,
    }


def _size(file: "Path") -> int | None:
    return file.stat().st_size if file.exists() else None


def _stats_table(document: dict[str, Any]) -> "Table":
    from rich.table import Table

    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    cost = document["embedding_cost_per_million_tokens"]
    for name in ("collection", "backend", "file", "file_bytes", "model", "dimension", "entries", "expired"):
        value = document[name]
        if value is not None:
            table.add_row(name.replace("_", " "), f"{value:,}" if isinstance(value, int) else str(value))
    if cost is not None:
        table.add_row("embedding", f"{cost:g} USD per million tokens")
    for number, scope in enumerate(document["scopes"][:SHOWN_SCOPES]):
        table.add_row("" if number else "scopes", f"{scope['scope'] or '(none)'}: {scope['entries']:,}")
    if len(document["scopes"]) > SHOWN_SCOPES:
        table.add_row("", f"and {len(document['scopes']) - SHOWN_SCOPES:,} more; --json has them all")
    return table


def _plugin_table(found: "list[InstalledPlugin]") -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table("plugin", "offers", "distribution", "version", "state", box=None, padding=(0, 2, 0, 0))
    for plugin in found:
        state = Text("ok", "green") if plugin.error is None else Text(str(plugin.error), "red", overflow="fold")
        offers = ", ".join(kind for kind, _ in plugin.offers) or "nothing"
        table.add_row(plugin.name, offers, plugin.distribution, plugin.version, state)
    return table
