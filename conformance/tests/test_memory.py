from __future__ import annotations

from medha_conformance import BackendSuite


class TestMemory(BackendSuite):
    backend_name = "memory"
