"""What the suite for an embedder that asks a vendor works with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeAlias

import numpy as np
import pytest
import pytest_asyncio

from medha import BaseEmbedder, EmbedderPlugin
from medha.errors import EmbedderError
from medha.plugins import installed_plugins
from medha_conformance.suite.loading import make_from

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from medha.models import Vectors
    from medha_conformance.vendor import VendorServer

MakeWith: TypeAlias = Callable[..., BaseEmbedder]

TEXTS: Final = tuple(f"How many orders were there in {year}?" for year in range(2000, 2012))


class RemoteTopic:
    """The fixtures of a topic: a vendor on this machine, and embedders that ask it."""

    embedder_name: ClassVar[str]

    @pytest.fixture
    def vendor(self) -> Iterator[VendorServer]:
        """The vendor on this machine, running; an author's class yields its own."""
        raise NotImplementedError("the author's class yields a running VendorServer from its fixture vendor")

    @pytest.fixture
    def make_with(self, vendor: VendorServer, settings: Mapping[str, Any]) -> Iterator[MakeWith]:
        """Makes an embedder of the author's settings, some of them changed; waits between attempts are nothing."""
        plugin = installed_plugins().find(EmbedderPlugin, self.embedder_name)

        def make(**changed: Any) -> BaseEmbedder:
            return make_from(plugin, {"retry_wait": 0.001, **settings, **changed})

        yield make
        assert vendor.refusals == [], "the vendor's documentation does not allow a request that was sent"

    @pytest_asyncio.fixture(loop_scope="function")
    async def asked(self, make_with: MakeWith) -> AsyncIterator[BaseEmbedder]:
        """The embedder, connected, whose waits are nothing."""
        embedder = make_with()
        await embedder.connect()
        yield embedder
        await embedder.close()


async def failed(embedder: BaseEmbedder, vendor: VendorServer) -> tuple[EmbedderError, int]:
    """The error of embedding two texts, and how many requests were made."""
    before = len(vendor.requests)
    with pytest.raises(EmbedderError) as raised:
        await embedder.aembed_batch(TEXTS[:2])
    return raised.value, len(vendor.requests) - before


def vectors_of(found: Any, count: int, embedder: BaseEmbedder) -> Vectors:
    """The vectors as an array, when they are so many and of the embedder's dimension."""
    vectors = np.asarray(found, dtype=np.float32)
    assert vectors.shape == (count, embedder.dimension)
    return vectors
