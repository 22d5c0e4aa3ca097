import pytest

from medha_conformance import BackendSuite


class TestShelf(BackendSuite):
    backend_name = "shelf"

    @pytest.fixture
    def settings(self, tmp_path):
        return {"folder": tmp_path}
