"""``invalidate``, ``expire``, ``dedup`` and ``feedback``: what makes entries go."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from medha_cli.filters import parse_filters
from medha_cli.options import HIT, MISS, CacheRun, Filters, cache_command

if TYPE_CHECKING:
    from collections.abc import Callable

    from medha import MedhaSync
    from medha.invalidation import DedupStrategy


@cache_command
def invalidate(
    run: CacheRun,
    *,
    question: Annotated[str | None, typer.Argument(help="Remove the entries of this question.")] = None,
    query: Annotated[str | None, typer.Option("--query", help="Remove the entries with this query.")] = None,
    query_hash: Annotated[
        str | None, typer.Option("--query-hash", help="Remove the entries whose query has this hash.")
    ] = None,
    template: Annotated[
        str | None, typer.Option("--template", help="Remove the entries made from this template.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Remove every entry of the collection.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before --all.")] = False,
    scope: Filters = None,
) -> int:
    """Remove entries for good, by exactly one of the ways below. Exit 1 if there was none."""
    ways = {"QUESTION": question, "--query": query, "--query-hash": query_hash, "--template": template}
    given = [name for name, value in ways.items() if value is not None] + ["--all"] * everything
    if len(given) != 1:
        raise typer.BadParameter(
            f"name exactly one of {', '.join(ways)}, --all; given: {' and '.join(given) or 'none'}"
        )
    if scope and question is None:
        raise typer.BadParameter(f"--filter narrows a QUESTION down; {given[0]} removes in every scope")
    if everything:
        _make_sure(run, yes)

    def remove(cache: "MedhaSync") -> int:
        from medha import query_hash as hash_of

        if question is not None:
            return cache.invalidate(question, filters=parse_filters(scope or ()))
        if query is not None or query_hash is not None:
            return cache.invalidate_by_query_hash(query_hash or hash_of(query or ""))
        return cache.invalidate_collection() if template is None else cache.invalidate_by_template(template)

    return HIT if _remove(run, remove) else MISS


@cache_command
def expire(run: CacheRun) -> None:
    """Remove what has expired."""
    _remove(run, lambda cache: cache.expire())


@cache_command
def dedup(
    run: CacheRun,
    strategy: Annotated[
        str, typer.Option("--strategy", help="keep_latest, keep_first or keep_best_feedback.")
    ] = "keep_latest",
) -> None:
    """Keep one entry for each question and scope; a paraphrase is another question."""
    chosen: DedupStrategy = strategy  # pyright: ignore[reportAssignmentType] - core refuses an unknown one, naming all
    _remove(run, lambda cache: cache.dedup_collection(strategy=chosen))


@cache_command
def feedback(
    run: CacheRun,
    question: Annotated[str, typer.Argument(help="The question that was answered.", show_default=False)],
    correct: Annotated[
        bool, typer.Option("--correct/--incorrect", help="Whether the answer was right.", show_default=False)
    ],
    entry_id: Annotated[
        str | None, typer.Option("--entry-id", help="The entry that answered.", show_default="the one that answers now")
    ] = None,
    scope: Filters = None,
) -> int:
    """Say whether an answer was right; too often "incorrect" removes its entry. Exit 1 if no entry answers."""
    from medha.jsonable import to_jsonable

    with run.cache() as cache:
        result = cache.feedback(question, correct, entry_id=entry_id, filters=parse_filters(scope or ()))
    counted = f"correct {result.correct}, incorrect {result.incorrect}"
    told = f"{counted}{'; the entry was removed' if result.removed else ''}" if result else "no entry answers this"
    run.show(to_jsonable(result), lambda: told)
    return HIT if result else MISS


def _remove(run: CacheRun, remove: "Callable[[MedhaSync], int]") -> int:
    with run.cache() as cache:
        removed = remove(cache)
    entries = "1 entry" if removed == 1 else f"{removed:,} entries"
    run.show(
        {"removed": removed, "collection": run.choice.collection},
        lambda: f"removed {entries} from {run.choice.collection!r}",
    )
    return removed


def _make_sure(run: CacheRun, yes: bool) -> None:
    if yes:
        return
    if run.as_json or not sys.stdin.isatty():
        raise typer.BadParameter("--all removes every entry; say --yes where nobody can be asked")
    if not typer.confirm(f"Remove every entry of the collection {run.choice.collection!r}?", err=True):
        run.note("nothing was removed")
        raise typer.Exit(MISS)
