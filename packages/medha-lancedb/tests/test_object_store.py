"""The standard tests in an object store: in the folder of the bucket that ``MEDHA_TEST_LANCEDB_URI`` names.

What the store wants is read from ``MEDHA_LANCEDB_STORAGE_OPTIONS``, as always.
"""

from __future__ import annotations

import os
import uuid

import pytest

from medha_conformance import BackendSuite
from medha_lancedb import LanceSettings


class TestObjectStore(BackendSuite):
    backend_name = "lancedb"

    @pytest.fixture
    def settings(self) -> LanceSettings:
        bucket = os.environ.get("MEDHA_TEST_LANCEDB_URI", "")
        if not bucket:
            pytest.skip("MEDHA_TEST_LANCEDB_URI names no folder in an object store, like s3://bucket/tests")
        return LanceSettings(uri=f"{bucket.rstrip('/')}/{uuid.uuid4().hex}")
