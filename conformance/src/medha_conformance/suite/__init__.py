"""The standard tests: one file a topic, put together in ``backend.py``, ``l1.py``, ``(remote_)embedder.py``."""
