"""The standard tests: one file a topic, put together in ``backend.py``, or one file a kind of plugin."""
