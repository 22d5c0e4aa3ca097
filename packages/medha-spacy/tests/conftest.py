from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
import spacy
from spacy.training import Example
from thinc.api import fix_random_seed

from medha_spacy import SpacyExtractor, SpacySettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

PLACES = ["Rome", "Paris", "Berlin", "New York", "Oslo", "Madrid", "Vienna", "new zealand"]
PEOPLE = ["Ada Lovelace", "Maria Rossi", "John Smith", "Grace Hopper"]
FRAMES = {
    "GPE": ["users from {}", "Which customers live in {}?", "flights to {} today", "orders from {} in 2024"],
    "PERSON": ["orders of {}", "Which albums did {} buy?", "the manager {} and the team"],
}


@pytest.fixture(scope="session")
def ruled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline of rules."""
    nlp = spacy.blank("en")
    ruler: Any = nlp.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "GPE", "pattern": place} for place in PLACES])
    ruler.add_patterns([{"label": "PERSON", "pattern": person} for person in PEOPLE])
    folder = tmp_path_factory.mktemp("ruled")
    nlp.to_disk(folder)
    return folder


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline whose entity recogniser has learnt from a few sentences."""
    fix_random_seed(7)
    nlp = spacy.blank("en")
    nlp.add_pipe("ner")
    examples = [
        _example(nlp, frame, name, label)
        for label, names in (("GPE", PLACES), ("PERSON", PEOPLE))
        for frame in FRAMES[label]
        for name in names
    ]
    optimizer = nlp.initialize(lambda: examples)
    shuffle = random.Random(7)
    for _ in range(12):
        shuffle.shuffle(examples)
        for first in range(0, len(examples), 8):
            nlp.update(examples[first : first + 8], sgd=optimizer, drop=0.1)
    folder = tmp_path_factory.mktemp("trained")
    nlp.to_disk(folder)
    return folder


def _example(nlp: Any, frame: str, name: str, label: str) -> Example:
    start = frame.index("{}")
    return Example.from_dict(nlp.make_doc(frame.format(name)), {"entities": [(start, start + len(name), label)]})


@pytest.fixture
async def extractor(ruled: Path) -> AsyncIterator[SpacyExtractor]:
    extractor = SpacyExtractor(SpacySettings(model=str(ruled)))
    await extractor.connect()
    yield extractor
    await extractor.close()
