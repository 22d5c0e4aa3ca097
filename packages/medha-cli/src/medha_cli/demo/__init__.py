"""The demo: a music shop, questions about it, and a cache that must never serve the wrong query."""
