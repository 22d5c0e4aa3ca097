"""Wires the parts of a ``Medha``: plugins by name or instances, in the order they are needed."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from medha.answers import Answers
from medha.backend import VectorStorageBackend
from medha.capabilities import Capability
from medha.descriptors import BackendPlugin, EmbedderPlugin, GuardPlugin, L1Plugin, ListenerPlugin
from medha.embedder import BaseEmbedder
from medha.embedding import Embeddings
from medha.errors import ConfigurationError
from medha.evidence import EvidenceBook
from medha.generating import Generator
from medha.guard import Guard, Reviewer
from medha.guards import builtin_guards
from medha.invalidation import Remover
from medha.l1 import L1CacheBackend
from medha.learning import Learning
from medha.listening import Listeners
from medha.overfetch import OverfetchingBackend
from medha.parts import Parts
from medha.plugins import installed_plugins, make
from medha.removals import Removals
from medha.searching import Searcher
from medha.storage import Storage
from medha.templates.extracting import Extractors
from medha.tiers.exact import ExactTier
from medha.tiers.fuzzy import FuzzyTier
from medha.tiers.judging import Judge
from medha.tiers.learned import LearnedTier
from medha.tiers.review import ReviewTier
from medha.tiers.semantic import SemanticTier
from medha.tiers.template import TemplateTier
from medha.transfer import Transfer
from medha.waterfall import Waterfall
from medha.writing import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from medha.extractor import Extractor
    from medha.listening import Listener
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
    reviewers: Sequence[Reviewer | str]
    listeners: Sequence[Listener | str]
    templates: Sequence[QueryTemplate]
    extractors: Mapping[str, Extractor]
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
        guards, reviewers = await _judges(plan, stack)
        judge = Judge(guards, stats)
        review = [ReviewTier(judge, reviewers, stats)] if reviewers else []
        extractors = Extractors(plan.extractors, plan.settings)
        stack.push_async_callback(extractors.close)
        templates = TemplateTier(extractors, stats)
        await templates.load(plan.templates)
        removals = Removals()
        learning = _learning(plan, storage, removals, stats)
        learned = [] if learning is None else [LearnedTier(learning, judge)]
        parts = Parts(
            settings=plan.settings,
            clock=plan.clock,
            storage=storage,
            embeddings=embeddings,
            answers=await _answers(plan, stats, stack),
            removals=removals,
            stats=stats,
            waterfall=Waterfall(
                [ExactTier(), templates, *learned, SemanticTier(judge), FuzzyTier(judge), *review], stats, judge
            ),
            templates=templates,
            learning=learning,
            listeners=await asyncio.to_thread(_listeners, plan.listeners, stats),
            opened={plan.collection},
        )
        parts.evidence = await _evidence(plan, parts)
        stack.push_async_callback(storage.close)
        stack.push_async_callback(parts.settle)
        if learning is not None:
            stack.push_async_callback(learning.close)
            await learning.start()
        searcher, writer = Searcher(parts), Writer(parts)
        remover = Remover(parts, searcher)
        _clean_regularly(plan, remover, stack)
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


async def _evidence(plan: Blueprint, parts: Parts) -> EvidenceBook | None:
    bound, answers = plan.settings.max_false_hit_rate, parts.answers
    if bound is None:
        return None

    async def withdraw() -> None:
        if answers is not None:
            await answers.clear()

    book = EvidenceBook(
        parts.storage,
        spec=parts.embeddings.spec,
        settings=plan.settings,
        bound=bound,
        withdraw=withdraw,
        clock=plan.clock,
    )
    await book.open()
    return book


def _learning(plan: Blueprint, storage: Storage, removals: Removals, stats: StatsRecorder) -> Learning | None:
    return Learning(storage, removals, plan.settings, stats) if plan.settings.learned_templates == "on" else None


def _clean_regularly(plan: Blueprint, remover: Remover, stack: AsyncExitStack) -> None:
    if plan.settings.cleanup_interval_seconds is not None:
        cleaning = asyncio.create_task(remover.expire_regularly(plan.settings.cleanup_interval_seconds))
        stack.push_async_callback(_stop, cleaning)


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


async def _judges(plan: Blueprint, stack: AsyncExitStack) -> tuple[list[Guard], list[Reviewer]]:
    """The guards and the connected reviewers; what the settings name comes on top of what was given."""
    guards = list(await asyncio.to_thread(builtin_guards) if plan.guards is None else plan.guards)
    reviewers: list[Reviewer] = []
    for one in (*plan.reviewers, *plan.settings.extra_guards):
        judge: object = await asyncio.to_thread(_guard_named, one) if isinstance(one, str) else one
        if isinstance(judge, Guard) and one in plan.settings.extra_guards:
            guards.append(judge)
            continue
        if not isinstance(judge, Reviewer):
            raise ConfigurationError(f"a reviewer must be a Reviewer or the name of one, not a {type(judge).__name__}")
        if isinstance(one, str):
            stack.push_async_callback(judge.close)
        await judge.connect()
        reviewers.append(judge)
    names = Counter(judge.name for judge in (*guards, *reviewers))
    twice = [name for name, times in names.items() if times > 1]
    if twice:
        raise ConfigurationError(f"guards and reviewers need names of their own; given twice: {', '.join(twice)}")
    return guards, reviewers


def _guard_named(name: str) -> object:
    return make(installed_plugins().find(GuardPlugin, name))


def _listeners(given: Sequence[Listener | str], stats: StatsRecorder) -> Listeners:
    found = [
        make(installed_plugins().find(ListenerPlugin, listener)) if isinstance(listener, str) else listener
        for listener in given
    ]
    return Listeners(found, stats)


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
