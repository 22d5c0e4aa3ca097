"""Wires the parts of a ``Medha``: plugins by name or instances, in the order they are needed."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from medha.answers import Answers
from medha.backend import VectorStorageBackend
from medha.capabilities import Capability
from medha.descriptors import BackendPlugin, EmbedderPlugin, GuardPlugin, L1Plugin
from medha.embedder import BaseEmbedder
from medha.embedding import Embeddings
from medha.errors import ConfigurationError
from medha.generating import Generator
from medha.invalidation import Remover
from medha.l1 import L1CacheBackend
from medha.overfetch import OverfetchingBackend
from medha.parts import Parts
from medha.plugins import installed_plugins, make
from medha.removals import Removals
from medha.searching import Searcher
from medha.storage import Storage
from medha.tiers.exact import ExactTier
from medha.tiers.fuzzy import FuzzyTier
from medha.tiers.judging import Judge
from medha.tiers.semantic import SemanticTier
from medha.tiers.template import TemplateTier
from medha.transfer import Transfer
from medha.waterfall import Waterfall
from medha.writing import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from medha.guard import Guard
    from medha.settings import Settings
    from medha.stats import StatsRecorder
    from medha.templates import QueryTemplate

P = TypeVar("P", VectorStorageBackend, BaseEmbedder, L1CacheBackend)


@dataclass(frozen=True, slots=True, kw_only=True)
class Blueprint:
    """What a ``Medha`` is to be made of; a name stands for an installed plugin."""

    collection: str
    embedder: BaseEmbedder | str
    backend: VectorStorageBackend | str
    l1_cache: L1CacheBackend | str
    guards: Sequence[Guard] | None
    templates: Sequence[QueryTemplate]
    settings: Settings
    clock: Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """A started cache: its parts, those who work with them, and what closes it."""

    parts: Parts
    searcher: Searcher
    writer: Writer
    generator: Generator
    remover: Remover
    transfer: Transfer
    on_close: AsyncExitStack


async def assemble(plan: Blueprint, stats: StatsRecorder) -> Assembly:
    """Make, connect and wire everything; what was opened is closed again when a step fails."""
    async with AsyncExitStack() as stack:
        embedder = await _obtain(plan.embedder, EmbedderPlugin, BaseEmbedder, stack)
        backend = await _obtain(plan.backend, BackendPlugin, VectorStorageBackend, stack)
        embeddings = Embeddings(embedder, plan.settings)
        stats.watch(lambda: embeddings.usage)
        if not backend.capabilities[Capability.METADATA_FILTER]:
            backend = OverfetchingBackend(backend)
        storage = Storage(backend, plan.collection, plan.settings.backend_timeout)
        await embeddings.start()
        await storage.connect()
        await storage.initialize(embeddings.spec)
        # only now: opened with the wrong model, the file keeps what the right one made
        stack.push_async_callback(embeddings.save)
        guards = await asyncio.to_thread(_guards) if plan.guards is None else plan.guards
        judge = Judge(guards, stats)
        templates = TemplateTier(plan.templates)
        parts = Parts(
            settings=plan.settings,
            clock=plan.clock,
            storage=storage,
            embeddings=embeddings,
            answers=await _answers(plan, stats, stack),
            removals=Removals(),
            stats=stats,
            waterfall=Waterfall([ExactTier(), templates, SemanticTier(judge), FuzzyTier(judge)], stats),
            templates=templates,
            opened={plan.collection},
        )
        stack.push_async_callback(storage.close)
        stack.push_async_callback(parts.settle)
        searcher, writer = Searcher(parts), Writer(parts)
        remover = Remover(parts, searcher)
        if plan.settings.cleanup_interval_seconds is not None:
            cleaning = asyncio.create_task(remover.expire_regularly(plan.settings.cleanup_interval_seconds))
            stack.push_async_callback(_stop, cleaning)
        return Assembly(
            parts=parts,
            searcher=searcher,
            writer=writer,
            generator=Generator(parts, searcher, writer),
            remover=remover,
            transfer=Transfer(parts, writer),
            on_close=stack.pop_all(),
        )
    raise AssertionError("unreachable: the exit stack swallows nothing")


async def _answers(plan: Blueprint, stats: StatsRecorder, stack: AsyncExitStack) -> Answers | None:
    settings = plan.settings
    if settings.l1_cache_max_size == 0:
        return None
    if plan.l1_cache == "memory":
        from medha.l1_memory import MemoryL1Cache

        cache: L1CacheBackend = MemoryL1Cache(settings.l1_cache_max_size)
        stack.push_async_callback(cache.close)
    else:
        cache = await _obtain(plan.l1_cache, L1Plugin, L1CacheBackend, stack)
    answers = Answers(cache, plan.collection, stats, settings.backend_timeout)
    await answers.connect()
    return answers


async def _obtain(given: P | str, kind: Any, contract: type[P], stack: AsyncExitStack) -> P:
    """An instance as it is, or one made from an installed plugin, which the stack then closes."""
    if isinstance(given, str):
        made = await asyncio.to_thread(lambda: make(installed_plugins().find(kind, given)))
        if not isinstance(made, contract):
            raise ConfigurationError(f"the {kind.kind} {given!r} made a {type(made).__name__}, no {contract.__name__}")
        stack.push_async_callback(made.close)
        return made
    if not isinstance(given, contract):
        raise ConfigurationError(
            f"the {kind.kind} must be a {contract.__name__} or the name of a plugin, not {type(given).__name__}"
        )
    return given


def _guards() -> list[Guard]:
    return [make(plugin) for plugin in installed_plugins().all_of(GuardPlugin)]


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
