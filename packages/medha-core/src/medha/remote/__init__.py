"""The base of embedders that are a vendor's API: everything that is the same for all of them.

A plugin says how its SDK is opened, asked and read, and what its errors mean. Splitting, concurrency, deadlines,
retries, counting and checks are here, so that every vendor's embedder keeps the same promises.
"""

from medha.remote.embedder import Answer, RemoteEmbedder
from medha.remote.faults import (
    Vendor,
    fault_of_status,
    not_understood,
    out_of_credit,
    too_slow,
    unexpected,
    unreachable,
)
from medha.remote.model import RemoteModel, known_model
from medha.remote.numbers import collected_vectors, loads, read_apart, to_vector
from medha.remote.settings import RemoteEmbedderSettings

__all__ = [
    "Answer",
    "RemoteEmbedder",
    "RemoteEmbedderSettings",
    "RemoteModel",
    "Vendor",
    "collected_vectors",
    "fault_of_status",
    "known_model",
    "loads",
    "not_understood",
    "out_of_credit",
    "read_apart",
    "to_vector",
    "too_slow",
    "unexpected",
    "unreachable",
]
