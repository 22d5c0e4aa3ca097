"""The conformance suite of Medha: inherit one class and know that your plugin is right."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from medha_conformance.suite.backend import BackendSuite
    from medha_conformance.suite.embedder import EmbedderSuite
    from medha_conformance.suite.extractor import ExtractorSuite
    from medha_conformance.suite.guard import GuardSuite
    from medha_conformance.suite.l1 import L1Suite
    from medha_conformance.suite.remote_embedder import RemoteEmbedderSuite
    from medha_conformance.suite.reviewer import ReviewerSuite

__all__ = [
    "BackendSuite",
    "EmbedderSuite",
    "ExtractorSuite",
    "GuardSuite",
    "L1Suite",
    "RemoteEmbedderSuite",
    "ReviewerSuite",
]

# before the first import of a suite, so that a failed standard test shows the values it compared
pytest.register_assert_rewrite("medha_conformance.suite")


_FILES = ("backend", "embedder", "extractor", "guard", "l1", "remote_embedder", "reviewer")
_MODULES = dict(zip(__all__, _FILES, strict=True))


def __getattr__(name: str) -> type:
    # pytest imports this package in every run where it is installed; only a run that uses a suite pays for one
    if name in _MODULES:
        return getattr(import_module(f"medha_conformance.suite.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it offers {', '.join(__all__)}")
