"""What pytest leaves alone: the tests of packages that need PyTorch, where it is not installed."""

from __future__ import annotations

from hypothesis import settings
from tools.pytorch import not_here

# a busy machine is no finding
settings.register_profile("without deadlines", deadline=None)
settings.load_profile("without deadlines")

collect_ignore = not_here()


def pytest_report_header() -> list[str]:
    """A line for what is not tested here."""
    names = ", ".join(not_here())
    return [f"not here, for want of PyTorch: {names} (bash .ci/run pytorch)"] if names else []
