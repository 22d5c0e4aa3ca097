"""For the tests of every package."""

from __future__ import annotations

from hypothesis import settings

# a busy machine is no finding
settings.register_profile("without deadlines", deadline=None)
settings.load_profile("without deadlines")
