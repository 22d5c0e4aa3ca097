"""``search``, ``ask`` and ``explain``: questions to the cache."""

import importlib
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from medha_cli.filters import parse_filters
from medha_cli.options import ERROR, HIT, MISS, CacheRun, Filters, cache_command

if TYPE_CHECKING:
    from medha import CacheHit, MedhaSync

Question = Annotated[str, typer.Argument(help="The question, in one argument.", show_default=False)]


@cache_command
def search(run: CacheRun, question: Question, scope: Filters = None) -> int:
    """Look a question up: the stored query goes to standard output, how it was found to standard error."""
    filters = parse_filters(scope or ())
    with run.cache() as cache:
        document, hit = _look_up(cache, question, filters)
    run.note(_sentence(hit, document["milliseconds"]), "green" if hit else "yellow")
    if run.as_json:
        run.show(document)
    elif hit:
        print(hit.generated_query)
    return HIT if hit else MISS


@cache_command
def ask(run: CacheRun, scope: Filters = None) -> int:
    """Ask one question after the other; on a miss, type the query to store it.

    When questions are piped in, one a line, nothing is offered or stored; the exit code is 1 if any was a miss, and 2
    if any line was no question.
    """
    filters = parse_filters(scope or ())
    with run.cache() as cache:
        if sys.stdin.isatty() and not run.as_json:
            return _converse(run, cache, filters)
        documents = [_answer_line(run, cache, line, question, filters) for line, question in _piped_questions()]
    if run.as_json:
        run.show({"answers": documents})
    if any("error" in document and "hit" not in document for document in documents):
        return ERROR
    return HIT if all(document["hit"] for document in documents) else MISS


def _answer_line(
    run: CacheRun, cache: "MedhaSync", line: int, question: str, filters: Mapping[str, Any]
) -> dict[str, Any]:
    """The document of one piped question; a line that is none is said so, and the others go on."""
    from medha.errors import InvalidInputError

    try:
        document, hit = _look_up(cache, question, filters)
    except InvalidInputError as exc:
        run.note(f"error: line {line}: {exc}", "red")
        return {"question": question, "line": line, "error": {"type": type(exc).__name__, "message": str(exc)}}
    run.note(f"{question}\n  {_sentence(hit, document['milliseconds'])}", "green" if hit else "yellow")
    if hit and not run.as_json:
        print(hit.generated_query, flush=True)
    return document


@cache_command
def explain(run: CacheRun, question: Question, scope: Filters = None) -> None:
    """Show how a question would be answered: every tier, candidate and verdict. Nothing is served or changed."""
    from medha_cli.pictures import decision_picture

    with run.cache() as cache:
        cache.wait_until_learned()
        decision = cache.explain(question, filters=parse_filters(scope or ()))
        run.show(decision.to_dict(), lambda: decision_picture(decision, cache.settings))


def _look_up(cache: "MedhaSync", question: str, filters: Mapping[str, Any]) -> tuple[dict[str, Any], "CacheHit"]:
    from medha.jsonable import to_jsonable

    started = time.perf_counter()
    hit = cache.search(question, filters=filters)
    if not hit and cache.wait_until_learned():
        # a cache that was opened just now may not have learnt from all that it holds
        hit = cache.search(question, filters=filters)
    milliseconds = (time.perf_counter() - started) * 1000
    return {"question": question, "hit": bool(hit), "milliseconds": milliseconds, **to_jsonable(hit)}, hit


def _sentence(hit: "CacheHit", milliseconds: float) -> str:
    if not hit:
        return f"miss in {milliseconds:.2f} ms: {hit.reason}"
    similarity = "" if hit.similarity is None else f", similarity {hit.similarity:.3f}"
    return f"hit in {milliseconds:.2f} ms: {hit.strategy}{similarity}, stored for {hit.matched_question!r}"


def _piped_questions() -> Iterator[tuple[int, str]]:
    for number, line in enumerate(iter(sys.stdin.readline, ""), start=1):
        if line.strip():
            yield number, line.strip()


def _converse(run: CacheRun, cache: "MedhaSync", filters: Mapping[str, Any]) -> int:
    from medha.errors import InvalidInputError

    run.note("Type a question; an empty line or Ctrl-D leaves.", "dim")
    while question := _typed("question> "):
        try:
            document, hit = _look_up(cache, question, filters)
            run.note(_sentence(hit, document["milliseconds"]), "green" if hit else "yellow")
            if hit:
                print(hit.generated_query)
            elif query := _typed("its query, to store it (empty to go on)> "):
                cache.store(question, query, metadata=filters)
                run.note("stored", "green")
        except InvalidInputError as exc:
            run.error(type(exc).__name__, str(exc))
    return HIT


def _typed(prompt: str) -> str:
    """A line from the terminal, with its editing keys where Python has them; empty at its end."""
    with suppress(ImportError):  # Windows consoles edit lines by themselves
        importlib.import_module("readline")  # input() has editing keys and a history once it is loaded
    try:
        return input(prompt).strip()
    except EOFError:
        print()
        return ""
