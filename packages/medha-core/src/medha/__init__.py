"""Medha: a semantic cache for text-to-query systems."""

from medha.backend import VectorStorageBackend
from medha.cache import Medha
from medha.capabilities import FULL, Capability, Support, impossible, not_yet
from medha.descriptors import (
    PLUGIN_API,
    BackendPlugin,
    EmbedderPlugin,
    ExtractorPlugin,
    GuardPlugin,
    L1Plugin,
    ListenerPlugin,
    NoSettings,
)
from medha.embedder import BaseEmbedder, EmbeddingUsage
from medha.errors import MedhaError
from medha.extractor import Extractor, Span
from medha.guard import Guard, Reviewer
from medha.hookspecs import hookimpl
from medha.identity import query_hash
from medha.l1 import L1CacheBackend, L1Read
from medha.models import (
    ACCEPTED,
    UNSET,
    CacheEntry,
    CacheHit,
    Candidate,
    CollectionSpec,
    Decision,
    FeedbackResult,
    Match,
    NewEntry,
    Page,
    Question,
    SearchStrategy,
    Verdict,
)
from medha.settings import Settings
from medha.sources import CollectionSource, FileSource, RowSource
from medha.stats import CacheStats
from medha.sync import MedhaSync
from medha.templates import QueryTemplate
from medha.where import Where, same_value

__all__ = [
    "ACCEPTED",
    "FULL",
    "PLUGIN_API",
    "UNSET",
    "BackendPlugin",
    "BaseEmbedder",
    "CacheEntry",
    "CacheHit",
    "CacheStats",
    "Candidate",
    "Capability",
    "CollectionSource",
    "CollectionSpec",
    "Decision",
    "EmbedderPlugin",
    "EmbeddingUsage",
    "Extractor",
    "ExtractorPlugin",
    "FeedbackResult",
    "FileSource",
    "Guard",
    "GuardPlugin",
    "L1CacheBackend",
    "L1Plugin",
    "L1Read",
    "ListenerPlugin",
    "Match",
    "Medha",
    "MedhaError",
    "MedhaSync",
    "NewEntry",
    "NoSettings",
    "Page",
    "QueryTemplate",
    "Question",
    "Reviewer",
    "RowSource",
    "SearchStrategy",
    "Settings",
    "Span",
    "Support",
    "VectorStorageBackend",
    "Verdict",
    "Where",
    "hookimpl",
    "impossible",
    "not_yet",
    "query_hash",
    "same_value",
]
