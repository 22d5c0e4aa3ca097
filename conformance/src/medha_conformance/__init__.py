"""The conformance suite of Medha: inherit one class and know that your plugin is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from medha_conformance.suite.backend import BackendSuite
    from medha_conformance.suite.embedder import EmbedderSuite
    from medha_conformance.suite.l1 import L1Suite
    from medha_conformance.suite.remote_embedder import RemoteEmbedderSuite

__all__ = ["BackendSuite", "EmbedderSuite", "L1Suite", "RemoteEmbedderSuite"]

# before the first import of a suite, so that a failed standard test shows the values it compared
pytest.register_assert_rewrite("medha_conformance.suite")


def __getattr__(name: str) -> type:
    # pytest imports this package in every run where it is installed; only a run that uses a suite pays for one
    if name == "BackendSuite":
        from medha_conformance.suite.backend import BackendSuite

        return BackendSuite
    if name == "EmbedderSuite":
        from medha_conformance.suite.embedder import EmbedderSuite

        return EmbedderSuite
    if name == "L1Suite":
        from medha_conformance.suite.l1 import L1Suite

        return L1Suite
    if name == "RemoteEmbedderSuite":
        from medha_conformance.suite.remote_embedder import RemoteEmbedderSuite

        return RemoteEmbedderSuite
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it offers {', '.join(__all__)}")
