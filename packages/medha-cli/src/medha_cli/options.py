"""The options that commands share, and how a command is run with them."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - typer reads the annotations at run time
from typing import TYPE_CHECKING, Annotated, Any, Concatenate, Final, ParamSpec, TypeVar, cast, get_type_hints

import typer

from medha_cli.output import Output, let_go_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from medha import MedhaSync
    from medha_cli.opening import Choice

HIT: Final = 0
MISS: Final = 1
ERROR: Final = 2
BROKEN_PIPE: Final = 141

P = ParamSpec("P")

Filters = Annotated[
    list[str] | None,
    typer.Option(
        "--filter",
        "--scope",
        metavar="KEY=VALUE",
        help="The scope; repeat it for several keys. true, 7 and 1.5 are no texts, KEY:str=7 is one.",
    ),
]
Ttl = Annotated[float | None, typer.Option("--ttl", help="Seconds until the entry expires.", show_default="never")]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputOptions:
    """Options of every command."""

    json: Annotated[bool, typer.Option("--json", help="Print one JSON document, errors too.")] = False
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error came from.")] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheOptions(OutputOptions):
    """Options of the commands that open a cache."""

    collection: Annotated[
        str | None, typer.Option("--collection", "-c", help="[MEDHA_COLLECTION]", show_default="default")
    ] = None
    backend: Annotated[
        str | None, typer.Option("--backend", help="Name of a plugin [MEDHA_BACKEND_TYPE].", show_default="sqlite")
    ] = None
    embedder: Annotated[
        str | None, typer.Option("--embedder", help="Name of a plugin [MEDHA_EMBEDDER_TYPE].", show_default="wordllama")
    ] = None
    db: Annotated[
        Path | None,
        typer.Option(
            "--db",
            help="File of the sqlite backend [MEDHA_SQLITE_PATH].",
            show_default="medha.db in the user's data folder",
        ),
    ] = None


S = TypeVar("S", bound=OutputOptions)


class Run(Output):
    """One run of a command: its shared options and its output."""

    def __init__(self, options: OutputOptions) -> None:
        super().__init__(as_json=options.json)
        self.options = options


class CacheRun(Run):
    """One run of a command that opens a cache."""

    @functools.cached_property
    def choice(self) -> Choice:
        """What the options and the environment ask for."""
        from medha_cli.opening import choose

        return choose(cast("CacheOptions", self.options))

    def cache(self) -> MedhaSync:
        """The cache, to be used as ``with``."""
        from medha_cli.opening import open_cache

        return open_cache(self.choice)


def command(body: Callable[Concatenate[Run, P], int | None]) -> Callable[..., None]:
    """Make a typer command of a function that returns its exit code, ``None`` being 0; adds the ``OutputOptions``."""
    return _command(body, OutputOptions, Run)


def cache_command(body: Callable[Concatenate[CacheRun, P], int | None]) -> Callable[..., None]:
    """``command`` with the ``CacheOptions``."""
    return _command(body, CacheOptions, CacheRun)


def _command(body: Callable[..., int | None], shared: type[OutputOptions], kind: type[Run]) -> Callable[..., None]:
    @functools.wraps(body)
    def run(**values: Any) -> None:
        options = shared(**{field.name: values.pop(field.name) for field in dataclasses.fields(shared)})
        raise typer.Exit(_carry_out(kind(options), lambda current: body(current, **values)))

    # typer reads the parameters of a command from its signature
    own = [p.replace(kind=p.KEYWORD_ONLY) for p in list(inspect.signature(body).parameters.values())[1:]]
    hints = get_type_hints(shared, include_extras=True)
    added = [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=hints[field.name]
        )
        for field in dataclasses.fields(shared)
    ]
    described = cast("Any", run)
    described.__signature__ = inspect.Signature([*own, *added])
    described.__annotations__ = {parameter.name: parameter.annotation for parameter in (*own, *added)}
    return run


def _carry_out(run: Run, body: Callable[[Any], int | None]) -> int:
    """The exit code of the body; what it raises is shown."""
    from medha.errors import MedhaError

    try:
        code = body(run) or HIT
        sys.stdout.flush()
    except MedhaError as exc:
        if run.options.debug:
            traceback.print_exc()
        run.error(type(exc).__name__, str(exc))
        code = ERROR
    except BrokenPipeError:
        let_go_of(sys.stdout)
        code = BROKEN_PIPE
    except OSError as exc:
        if run.options.debug:
            traceback.print_exc()
        run.error("OSError", str(exc))
        let_go_of(sys.stdout)
        code = ERROR
    return code
