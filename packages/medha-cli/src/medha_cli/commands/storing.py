"""``store``, ``warm`` and ``export``: entries in and out."""

from pathlib import Path
from typing import Annotated

import typer

from medha_cli.filters import parse_filters
from medha_cli.options import CacheRun, Filters, Ttl, cache_command
from medha_cli.progress import progress

Format = Annotated[
    str | None, typer.Option("--format", help="json, jsonl or csv.", show_default="by the ending of the file")
]


@cache_command
def store(
    run: CacheRun,
    *,
    question: Annotated[str, typer.Argument(help="The question.", show_default=False)],
    query: Annotated[str, typer.Argument(help="The query that answers it.", show_default=False)],
    scope: Filters = None,
    ttl: Ttl = None,
    summary: Annotated[str | None, typer.Option("--summary", help="A summary of the answer.")] = None,
    template: Annotated[str | None, typer.Option("--template", help="The id of the template it was made from.")] = None,
) -> None:
    """Store the query of a question, replacing the one it had in this scope."""
    from medha import UNSET

    with run.cache() as cache:
        entry_id = cache.store(
            question, query, summary, template, UNSET if ttl is None else ttl, metadata=parse_filters(scope or ())
        )
    run.show({"entry_id": entry_id, "collection": run.choice.collection}, lambda: f"stored as {entry_id}")


@cache_command
def warm(
    run: CacheRun,
    *,
    file: Annotated[Path, typer.Argument(help="Rows with 'question' and 'query'.", show_default=False)],
    format: Format = None,  # noqa: A002
    ttl: Ttl = None,
    batch_size: Annotated[int | None, typer.Option("--batch-size", help="Entries stored at a time.", min=1)] = None,
) -> None:
    """Store every row of a JSON array, JSON Lines or CSV file; all are checked before the first is stored."""
    from medha import UNSET

    with run.cache() as cache, progress(run, f"storing {file.name}") as advance:
        stored = cache.warm_from_file(
            file,
            format=format,
            batch_size=batch_size,
            on_progress=advance,
            ttl=UNSET if ttl is None else ttl,
        )
    run.show(
        {"stored": stored, "file": str(file), "collection": run.choice.collection},
        lambda: f"stored {stored:,} entries in {run.choice.collection!r}",
    )


@cache_command
def export(
    run: CacheRun,
    *,
    file: Annotated[Path, typer.Argument(help="The file to write; it is replaced whole.", show_default=False)],
    format: Format = None,  # noqa: A002
    vectors: Annotated[bool, typer.Option(help="Keep the embeddings, so that warming needs none.")] = True,
    scope: Filters = None,
) -> None:
    """Write every entry to a file that `medha warm` restores."""
    with run.cache() as cache, progress(run, f"writing {file.name}") as advance:
        written = cache.export_to_file(
            file,
            format=format,
            include_vectors=vectors,
            filters=parse_filters(scope or ()),
            on_progress=advance,
        )
    run.show(
        {"written": written, "file": str(file), "collection": run.choice.collection},
        lambda: f"wrote {written:,} entries of {run.choice.collection!r} to {file}",
    )
