"""A backend in a process of its own that obeys orders: for tests of several processes, and of one that is killed.

``python -m medha_conformance.processes`` is that process. A package with orders of its own derives from ``Orders``, and
hands ``other_process`` a program that calls ``serve`` with its class.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from pydantic import SecretStr

from medha import BackendPlugin, CacheEntry, VectorStorageBackend, Where, errors
from medha.plugins import installed_plugins
from medha_conformance.connected import opened
from medha_conformance.corpus import make_entry, make_id
from medha_conformance.suite.loading import AuthorSettings, as_values, make_from
from medha_conformance.suite.reading import closest

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

_READY: Final = "ready"


class OtherProcess:
    """The other end of a process that calls ``obey``: what is asked here, it does."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.killed = False

    def begin(self, order: str, *arguments: object) -> None:
        """Give an order, and do not wait for the answer."""
        self.send([order, *arguments])

    def answer(self) -> Any:
        """What came of the oldest order that is not answered yet; the first answer of all is ``"ready"``.

        Raises:
            MedhaError: the order ended so there; the class and the message are the same.
            ChildProcessError: the process has died.
        """
        assert self.process.stdout is not None  # noqa: S101 - it is a pipe
        line = self.process.stdout.readline()
        if not line:
            raise ChildProcessError("the other process has died; its error output is above")
        return _told(line)

    def ask(self, order: str, *arguments: object) -> Any:
        """Give an order, and wait for what comes of it."""
        self.begin(order, *arguments)
        return self.answer()

    def send(self, line: object) -> None:
        """Send a line that is no order."""
        assert self.process.stdin is not None  # noqa: S101 - it is a pipe
        self.process.stdin.write(json.dumps(line) + "\n")
        self.process.stdin.flush()

    def kill(self) -> list[Any]:
        """Kill it wherever it is; returns the answers that it had given before and nobody had read."""
        self.killed = True
        self.process.kill()
        assert self.process.stdout is not None  # noqa: S101 - it is a pipe
        return [_told(line) for line in self.process.stdout if line.endswith("\n")]

    def kill_while_storing(self, label: str, *, after: int, size: int = 1, tasks: int = 1) -> set[int]:
        """Have it store batches without end, and kill it after so many; returns the numbers of those acknowledged."""
        self.begin("store_for_ever", label, size, tasks)
        told = [self.answer() for _ in range(after)]
        return {*told, *self.kill()}


@contextmanager
def other_process(
    backend_name: str, settings: AuthorSettings, *, collection: str = "music", program: Path | None = None
) -> Generator[OtherProcess]:
    """The backend of that plugin in a process of its own, which makes or opens the collection and then is ``"ready"``.

    It ends with the block, or is killed there when the block fails.
    """
    plugin = installed_plugins().find(BackendPlugin, backend_name)
    started = ["-m", "medha_conformance.processes"] if program is None else [str(program)]
    with running(*started, backend_name, collection) as other:
        # not on the command line, which everybody on the machine can read
        other.send(json.loads(json.dumps(as_values(plugin, settings), default=_plain)))
        yield other


@contextmanager
def other_processes(backend_name: str, *settings: AuthorSettings) -> Generator[list[OtherProcess]]:
    """One for each of the settings, all started at once."""
    with ExitStack() as stack:
        yield [stack.enter_context(other_process(backend_name, each)) for each in settings]


@contextmanager
def running(*arguments: str) -> Generator[OtherProcess]:
    """Python with these arguments, whose program calls ``obey``.

    Raises:
        ChildProcessError: it ended by itself, and not well.
    """
    command = [sys.executable, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        other = OtherProcess(process)
        try:
            yield other
        except BaseException:
            # one that stores for ever does not end by itself
            other.killed = True
            process.kill()
            raise
    if process.returncode and not other.killed:
        raise ChildProcessError(f"the other process ended with {process.returncode}; its error output is above")


def _told(line: str) -> Any:
    told = json.loads(line)
    if "error" in told:
        raise getattr(errors, told["error"])(told["message"])
    return told["answer"]


def _plain(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


# ---- in the other process ----


def batch(label: str, number: int, size: int = 1) -> list[CacheEntry]:
    """What ``store_for_ever`` stores at once."""
    return [make_entry(f"{label}-{number}-{part}", metadata={"batch": number}) for part in range(size)]


class Orders:
    """What the other process does when it is told to: each public method is an order, its arguments are JSON."""

    def __init__(self, backend: VectorStorageBackend, collection: str) -> None:
        self.backend = backend
        self.collection = collection

    async def store(self, label: str) -> None:
        """Store the entry of the label."""
        await self.backend.upsert(self.collection, [make_entry(label)])

    async def get(self, label: str) -> bool:
        """Whether there is such an entry."""
        return bool(await self.backend.get(self.collection, [make_id(label)]))

    async def delete(self, label: str) -> int:
        """Delete the entry; how many there were."""
        return await self.backend.delete(self.collection, where=Where(ids=[make_id(label)]))

    async def feedback(self, label: str, times: int = 1) -> list[tuple[int, int] | None]:
        """Count the entry as correct, so many times in a row; what came back each time."""
        return [await self.backend.add_feedback(self.collection, make_id(label), correct=1) for _ in range(times)]

    async def count(self) -> int:
        """How many entries there are."""
        return await self.backend.count(self.collection)

    async def search(self) -> list[str]:
        """The ids that a search for everything finds, in order."""
        return sorted(match.entry.id for match in await closest(self.backend, self.collection))

    async def store_for_ever(self, label: str, size: int = 1, tasks: int = 1) -> None:
        """Store one ``batch`` after the other, and answer with the number of each when it is acknowledged."""
        numbers = count()

        async def storing() -> None:
            for number in numbers:
                await self.backend.upsert(self.collection, batch(label, number, size))
                say(number)

        await asyncio.gather(*(storing() for _ in range(tasks)))


def serve(orders: type[Orders] = Orders) -> None:
    """Be the other process: open the backend that ``other_process`` asked for, and obey until the input ends."""
    name, collection = sys.argv[1:]
    asyncio.run(_serve(orders, name, collection))


async def _serve(orders: type[Orders], name: str, collection: str) -> None:
    settings = await next_line()
    if settings is None:
        return
    try:
        backend = make_from(installed_plugins().find(BackendPlugin, name), settings)
        async with opened(backend, collection):
            await obey(orders(backend, collection))
    except errors.MedhaError as exc:
        _say_what_is_wrong(exc)


async def obey(orders: object) -> None:
    """Say ``"ready"``, then call the method that each line names, and say what it returns or which error it raises."""
    say(_READY)
    while line := await next_line():
        order, *arguments = line
        method: Any = None if order.startswith("_") else getattr(orders, order, None)
        if not inspect.iscoroutinefunction(method):
            raise LookupError(f"{type(orders).__name__} knows no order {order!r}")
        try:
            say(await method(*arguments))
        except errors.MedhaError as exc:
            _say_what_is_wrong(exc)


def say(answer: object) -> None:
    """Give an answer; an order may give several."""
    _write({"answer": answer})


async def next_line() -> Any:
    """The next line; None at the end."""
    line = await asyncio.to_thread(sys.stdin.readline)
    return json.loads(line) if line else None


def _say_what_is_wrong(exc: errors.MedhaError) -> None:
    # of a class that a plugin derived, the one that it derived it from
    known = next(kind for kind in type(exc).__mro__ if kind.__module__ == errors.__name__)
    _write({"error": known.__name__, "message": str(exc)})


def _write(told: dict[str, object]) -> None:
    # in one piece: several tasks may answer, and the process may be killed at any moment
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    serve()
