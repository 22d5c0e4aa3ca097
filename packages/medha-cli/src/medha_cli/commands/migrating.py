"""``migrate``: every entry of a collection, file or table into a collection somewhere else."""

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from medha_cli.options import Run, command
from medha_cli.progress import steps

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from rich.table import Table

    from medha import Medha
    from medha.sources import EntrySource


@command
def migrate(
    run: Run,
    *,
    source: Annotated[
        str, typer.Option("--from", metavar="PLACE", help="BACKEND, BACKEND:PLACE, file:PATH or table:DSN.")
    ],
    target: Annotated[str, typer.Option("--to", metavar="PLACE", help="BACKEND or BACKEND:PLACE.")],
    collections: Annotated[
        list[str] | None,
        typer.Option("--collection", "-c", help="[MEDHA_COLLECTION]; repeat it for several.", show_default="default"),
    ] = None,
    to_collection: Annotated[
        str | None, typer.Option("--to-collection", help="Its name in the target.", show_default="the same name")
    ] = None,
    embedder: Annotated[
        str | None, typer.Option("--embedder", help="Of the target [MEDHA_EMBEDDER_TYPE].", show_default="wordllama")
    ] = None,
    table: Annotated[str | None, typer.Option("--table", help="NAME or SCHEMA.NAME, with --from table:DSN.")] = None,
    format: Annotated[  # noqa: A002
        str | None,
        typer.Option("--format", help="json, jsonl or csv, with --from file:PATH.", show_default="by ending"),
    ] = None,
    from_settings: Annotated[
        list[str] | None,
        typer.Option("--from-setting", metavar="NAME=VALUE", help="A setting of the source's backend."),
    ] = None,
    to_settings: Annotated[
        list[str] | None, typer.Option("--to-setting", metavar="NAME=VALUE", help="A setting of the target's backend.")
    ] = None,
    merge: Annotated[bool, typer.Option("--merge", help="Allow a target that holds other entries.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done; write nothing.")] = False,
) -> None:
    """Copy entries with scopes, times, feedback and vectors; embeds anew where the model differs; compares at the end.

    Run it again after it was stopped: what is there already is left alone.
    """
    from medha import Settings
    from medha_cli.opening import DEFAULT_EMBEDDER
    from medha_cli.places import open_source, open_target, parse_place

    settings = Settings()
    named = collections or [settings.collection]
    if to_collection is not None and len(named) > 1:
        raise typer.BadParameter(f"--to-collection renames one collection, not {len(named)}")
    if "embedder_type" in settings.model_fields_set:
        embedder = embedder or settings.embedder_type
    origin = parse_place(source, from_settings or (), "--from", table, format)
    goal = parse_place(target, to_settings or (), "--to", None, None)
    if origin.holds_rows and len(named) > 1:
        raise typer.BadParameter(f"{origin.kind}: goes into one collection, not {len(named)}")
    if not origin.holds_rows and origin == goal and to_collection in {None, *named}:
        raise typer.BadParameter("--from and --to are the same place: give the collection another --to-collection")
    done: list[dict[str, Any]] = []
    for name in named:
        with steps(run, f"migrating {name}") as advance:
            cache = partial(open_target, goal, to_collection or name, embedder or DEFAULT_EMBEDDER, settings)
            tell = partial(_tell, advance, name)
            done.append(asyncio.run(_migrate(open_source(origin, name), cache, tell, merge=merge, dry_run=dry_run)))
    run.show({"migrated": done}, lambda: _report(done))


async def _migrate(
    opening: "AbstractAsyncContextManager[EntrySource]",
    open_cache: "Callable[..., AbstractAsyncContextManager[Medha]]",
    tell: "Callable[[str, int, int], object]",
    *,
    merge: bool,
    dry_run: bool,
) -> dict[str, Any]:
    from medha.jsonable import to_jsonable

    async with opening as source, open_cache(dry_run=dry_run) as cache:
        return to_jsonable(await cache.migrate_from(source, merge=merge, dry_run=dry_run, on_progress=tell))


def _tell(advance: "Callable[[str, int, int], object]", name: str, step: str, done: int, total: int) -> None:
    advance(f"{step} {name}", done, total)


def _report(done: list[dict[str, Any]]) -> "Table":
    from rich.table import Table

    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for one in done:
        would = "would be " if one["dry_run"] else ""
        table.add_row(f"into {one['collection']}", f"{one['entries']:,} entries of {one['source']}")
        table.add_row("", f"{one['stored']:,} {would}stored, {one['embedded']:,} of them embedded")
        for key, what in (
            ("already_there", "were there already"),
            ("expired", "had expired and stay behind"),
            ("repeated", "repeat a question of their scope, the newest counts"),
            ("foreign", "others in the target are left alone"),
        ):
            if one[key]:
                table.add_row("", f"{one[key]:,} {what}")
        table.add_row("", "nothing was written" if one["dry_run"] else f"verified, checksum {one['checksum']}")
    return table
