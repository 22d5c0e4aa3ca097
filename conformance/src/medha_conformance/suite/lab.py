"""What a standard test of a backend works with: the backend, and collections that are gone afterwards."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, ClassVar, Self, TypeAlias

import pytest
import pytest_asyncio

from medha import BackendPlugin, VectorStorageBackend
from medha.plugins import installed_plugins
from medha_conformance.corpus import SPEC
from medha_conformance.proxy import Proxy, UnproxiedError
from medha_conformance.suite.loading import AuthorSettings, make_from

if TYPE_CHECKING:
    from types import TracebackType

    from medha import CollectionSpec
    from medha_conformance.pytest_plugin import FindService

MakeBackend: TypeAlias = Callable[[], VectorStorageBackend]


class Lab:
    """One connected backend; leaving it drops every collection that was opened here, and closes.

    Names carry a token of their own, so that two runs on one server never meet.
    """

    def __init__(self, make_backend: MakeBackend) -> None:
        self.make_backend = make_backend
        self.backend = make_backend()
        self.token = uuid.uuid4().hex[:12]
        self._opened: list[str] = []
        self._others: list[VectorStorageBackend] = []

    async def __aenter__(self) -> Self:
        await self.backend.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            for other in self._others:
                await other.close()
            await self.backend.connect()
            for collection in self._opened:
                await self.backend.drop_collection(collection)
        finally:
            # also where the server refuses to drop: what is left open would be blamed on a later test
            await self.backend.close()

    def name(self, wanted: str = "conformance") -> str:
        """A collection name of this lab alone; the collection will be dropped if it was made."""
        name = f"{wanted}{self.token}{len(self._opened)}"
        self._opened.append(name)
        return name

    def names(self, *endings: str) -> list[str]:
        """Names that differ in nothing but their endings."""
        stem = self.name()
        names = [stem + ending for ending in endings]
        self._opened.extend(names)
        return names

    async def open(self, wanted: str = "conformance", spec: CollectionSpec = SPEC) -> str:
        """A new collection under such a name."""
        name = self.name(wanted)
        await self.backend.initialize(name, spec)
        return name

    async def another(self) -> VectorStorageBackend:
        """A second backend with the same settings, connected, as another process would have it."""
        other = self.make_backend()
        self._others.append(other)
        await other.connect()
        return other


class BackendTopic:
    """The fixtures that the topics of ``BackendSuite`` share."""

    backend_name: ClassVar[str]
    service: ClassVar[str | None] = None
    """The server that the backend talks to, by its name in ``medha_conformance.services``; none for an embedded one."""

    @pytest.fixture
    def settings(self) -> AuthorSettings:
        """The backend's settings; an author's class returns its own."""
        return {}

    @pytest.fixture
    def service_url(self, request: pytest.FixtureRequest, find_service: FindService) -> str:
        """The address of the server, for the ``settings`` fixture; the test is skipped where there is none.

        In the tests that break connections it leads through a proxy.
        """
        if self.service is None:
            raise TypeError(f'{type(self).__name__} asks for service_url; say which server: service = "..."')
        if "proxy" in request.fixturenames:
            return request.getfixturevalue("proxy").url
        return find_service(self.service)

    @pytest.fixture
    def proxy(self, find_service: FindService) -> Iterator[Proxy]:
        """What stands between the backend and its server in a test that asks for it."""
        if self.service is None:
            pytest.skip("the backend names no service: it has no connection that could break")
        try:
            proxy = Proxy(find_service(self.service))
        except UnproxiedError as exc:
            pytest.skip(str(exc))
        with proxy:
            yield proxy

    @pytest.fixture
    def make_backend(self, settings: AuthorSettings) -> MakeBackend:
        """Makes one more backend, not connected, through its entry point."""
        plugin = installed_plugins().find(BackendPlugin, self.backend_name)
        return lambda: make_from(plugin, settings)

    @pytest_asyncio.fixture(loop_scope="function")
    async def lab(self, make_backend: MakeBackend) -> AsyncIterator[Lab]:
        """The backend, connected, and what makes collections on it."""
        async with Lab(make_backend) as lab:
            yield lab

    @pytest.fixture
    def backend(self, lab: Lab) -> VectorStorageBackend:
        """The backend of the lab."""
        return lab.backend

    @pytest_asyncio.fixture(loop_scope="function")
    async def collection(self, lab: Lab) -> str:
        """A collection of the lab, new and empty."""
        return await lab.open()
