"""The program ``medha``: its commands, and how every ending becomes an exit code."""

from __future__ import annotations

import io
import sys
import traceback
from typing import TYPE_CHECKING, Annotated, Any, Final, cast

import typer
from typer.core import TyperGroup

from medha_cli.commands import asking, bench, demo, doctor, looking, migrating, removing, storing, values
from medha_cli.options import ERROR
from medha_cli.output import Output, let_go_of, open_missing_streams

if TYPE_CHECKING:
    from collections.abc import Sequence

INTERRUPTED: Final = 130
# typer has taken click in under a private name, so that the class can only be had through its public descendant
USAGE_ERROR: Final[type[Exception]] = cast("type[Exception]", typer.BadParameter.__mro__[1])


class Program(TyperGroup):
    """The commands as one program."""

    def main(self, args: Sequence[str] | None = None, *more: Any, **options: Any) -> Any:
        """Run, and exit with the code of what happened; ``standalone_mode=False`` returns it instead."""
        standalone = options.pop("standalone_mode", True)
        arguments = sys.argv[1:] if args is None else list(args)
        open_missing_streams()
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        try:
            code = self._ending(arguments, *more, **options)
        except OSError:  # the error cannot even be told; the interpreter would exit with 1, which says "miss"
            let_go_of(sys.stderr)
            code = ERROR
        if not standalone:
            return code
        return sys.exit(code)

    def _ending(self, arguments: list[str], *more: Any, **options: Any) -> int:
        output = Output(as_json="--json" in arguments)
        try:
            return super().main(arguments, *more, standalone_mode=False, **options) or 0
        except USAGE_ERROR as exc:
            return _usage(output, exc)
        except (KeyboardInterrupt, typer.Abort):
            return INTERRUPTED
        except Exception as exc:  # noqa: BLE001 - left alone, the interpreter would exit with 1, which says "miss"
            traceback.print_exc()
            output.error(type(exc).__name__, f"{exc} (a fault of this program: please report it with the lines above)")
            return ERROR


def _usage(output: Output, error: Any) -> int:
    message = error.format_message()
    if output.as_json:
        output.error("UsageError", message or "no command was given; medha --help lists them")
    elif message:
        error.show()
    return ERROR


app = typer.Typer(cls=Program, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="rich")


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"medha-cli {version('medha-cli')}, medha-core {version('medha-core')}")
        raise typer.Exit


@app.callback()
def medha(
    version: Annotated[
        bool, typer.Option("--version", help="Show the versions.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """A semantic cache for text-to-query systems: ask a question, get the stored query.

    Exit codes: 0 hit or success, 1 miss, 2 error.
    """


for name, body in {
    "demo": demo.demo,
    "ask": asking.ask,
    "search": asking.search,
    "explain": asking.explain,
    "store": storing.store,
    "warm": storing.warm,
    "export": storing.export,
    "migrate": migrating.migrate,
    "invalidate": removing.invalidate,
    "expire": removing.expire,
    "dedup": removing.dedup,
    "feedback": removing.feedback,
    "values": values.values,
    "stats": looking.stats,
    "plugins": looking.plugins,
    "doctor": doctor.doctor,
    "bench": bench.bench,
}.items():
    app.command(name)(body)


def main() -> None:
    """The console script."""
    app()
