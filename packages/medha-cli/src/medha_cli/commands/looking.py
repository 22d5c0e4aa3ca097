"""``stats`` and ``plugins``: what is there."""

import asyncio
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from medha_cli.options import CacheRun, Run, cache_command, command

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from medha import CacheStats, CollectionSpec, Settings
    from medha.models import Terms
    from medha.plugins import InstalledPlugin
    from medha.storage import Storage
    from medha_cli.opening import Choice

SHOWN_SCOPES: Final = 10
COUNTERS: Final = "Hits, misses and latencies are counted in the process that looks up: ask its own stats()."


Asked = Annotated[
    Path | None,
    typer.Option("--ask", help="A file of questions, one a line: look each up, and count hits and guards' rejections."),
]


@cache_command
def stats(run: CacheRun, questions: Asked = None) -> None:
    """Show what the collection holds: entries, scopes, expired ones, file, model, and what its tiers may serve.

    With --ask also what a file of questions meets: the tiers that answer, and rejections by guard. Nothing is stored.
    """
    file = run.choice.file
    document = {
        "collection": run.choice.collection,
        "backend": run.choice.backend,
        "file": None if file is None else str(file.absolute()),
        "file_bytes": None if file is None else _size(file),
        **asyncio.run(_holdings(run.choice)),
        "asked": None if questions is None else _ask(run, questions).to_dict(),
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


def _ask(run: CacheRun, file: Path) -> "CacheStats":
    """What happens to the questions of a file, in one process."""
    from medha.errors import FileError

    try:
        questions: Sequence[str] = [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as exc:
        raise FileError(f"cannot read the questions in {file}: {exc}; it must be text in UTF-8") from exc
    with run.cache() as cache:
        cache.search_batch([question for question in questions if question])
        return cache.stats()


async def _terms(settings: "Settings", storage: "Storage", spec: "CollectionSpec") -> "Terms | None":
    """What the judged answers allow, where ``max_false_hit_rate`` is set."""
    from medha.evidence import SUFFIX, read_tallies
    from medha.terms import decide

    if settings.max_false_hit_rate is None:
        return None
    evidence = storage.other(storage.collection + SUFFIX)
    await evidence.initialize(spec)
    return decide(await read_tallies(evidence), settings, settings.max_false_hit_rate)


async def _holdings(choice: "Choice") -> dict[str, Any]:
    """Read through the whole collection once."""
    from medha.jsonable import to_jsonable
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
        terms = await _terms(choice.settings, storage, spec)
    return {
        "entries": entries,
        "expired": expired,
        "with_feedback": with_feedback,
        "scopes": [{"scope": scope, "entries": count} for scope, count in scopes.most_common()],
        "embedding_cost_per_million_tokens": None if usage is None else usage.cost_per_million_tokens,
        "model": spec.model_name,
        "dimension": spec.dimension,
        "terms": to_jsonable(terms),
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
    _add_terms(table, document["terms"])
    asked = document["asked"]
    if asked is not None:
        table.add_row("asked", f"{asked['lookups']:,}, answered {asked['hits']:,} ({asked['hit_rate']:.1%})")
        for name, strategy in asked["by_strategy"].items():
            table.add_row("", f"{name}: {strategy['count']:,}")
        for number, (guard, count) in enumerate(sorted(asked["guard_rejections"].items(), key=lambda pair: -pair[1])):
            table.add_row("" if number else "rejections by guard", f"{guard}: {count:,}")
    return table


def _add_terms(table: "Table", terms: dict[str, Any] | None) -> None:
    if terms is not None:
        table.add_row("max false hit rate", f"{terms['max_false_hit_rate']:.2%}, {terms['confidence']:.0%} confidence")
        for tier, each in terms["tiers"].items():
            threshold = "" if each["threshold"] is None else f" from {each['threshold']:.2f} on"
            judged = f"{each['right']:,} judged right, {each['wrong']:,} wrong, at most {each['at_most']:.2%} wrong"
            table.add_row(f"  {tier}", f"{each['state']}{threshold}: {judged}")


def _plugin_table(found: "list[InstalledPlugin]") -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table("plugin", "offers", "distribution", "version", "state", box=None, padding=(0, 2, 0, 0))
    for plugin in found:
        state = Text("ok", "green") if plugin.error is None else Text(str(plugin.error), "red", overflow="fold")
        offers = ", ".join(kind for kind, _ in plugin.offers) or "nothing"
        table.add_row(plugin.name, offers, plugin.distribution, plugin.version, state)
    return table
