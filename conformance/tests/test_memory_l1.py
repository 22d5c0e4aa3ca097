from __future__ import annotations

from medha_conformance import L1Suite


class TestMemoryL1(L1Suite):
    l1_name = "memory"
