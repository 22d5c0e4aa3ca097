"""The standard tests: one file a topic, put together in ``backend.py``, ``embedder.py`` and ``l1.py``."""
