"""The suite that a backend must pass."""

from __future__ import annotations

from typing import ClassVar

from medha_conformance.suite.capability import CapabilityTopic
from medha_conformance.suite.collection import CollectionTopic
from medha_conformance.suite.concurrency import ConcurrencyTopic
from medha_conformance.suite.corruption import CorruptionTopic
from medha_conformance.suite.deletion import DeletionTopic
from medha_conformance.suite.expiry import ExpiryTopic
from medha_conformance.suite.faults import FaultTopic
from medha_conformance.suite.feedback import FeedbackTopic
from medha_conformance.suite.isolation import IsolationTopic
from medha_conformance.suite.lifecycle import LifecycleTopic
from medha_conformance.suite.machine import MachineTopic
from medha_conformance.suite.scroll import ScrollTopic
from medha_conformance.suite.search import SearchTopic
from medha_conformance.suite.secrets import SecretTopic
from medha_conformance.suite.standard import StandardSuite
from medha_conformance.suite.storage import StorageTopic
from medha_conformance.suite.where import WhereTopic


class BackendSuite(
    LifecycleTopic,
    CollectionTopic,
    StorageTopic,
    SearchTopic,
    WhereTopic,
    IsolationTopic,
    ExpiryTopic,
    ScrollTopic,
    DeletionTopic,
    FeedbackTopic,
    ConcurrencyTopic,
    FaultTopic,
    CorruptionTopic,
    SecretTopic,
    MachineTopic,
    CapabilityTopic,
    StandardSuite,
):
    """Every clause of ``VectorStorageBackend``, tested on the installed plugin that ``backend_name`` names.

    A subclass sets ``backend_name`` and, where the plugin has settings, returns them from a ``settings`` fixture.
    """

    plugin_name: ClassVar[str] = "backend_name"
