"""The base class of the embedders that ask a vendor."""

from __future__ import annotations

import asyncio
import os
import traceback
from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from pydantic import SecretStr

from medha.embedder import BaseEmbedder, EmbeddingUsage
from medha.errors import (
    ConfigurationError,
    EmbedderError,
    EmbedderInputError,
    EmbedderOutputError,
    EmbedderUnavailableError,
    LifecycleError,
)
from medha.loop_thread import LoopEndedError, LoopThread
from medha.remote.batching import cut, size_of, split
from medha.remote.faults import not_understood, too_slow
from medha.remote.retrying import with_retries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medha.embedder import VectorsLike
    from medha.models import Vectors
    from medha.remote.faults import Vendor
    from medha.remote.model import RemoteModel
    from medha.remote.settings import RemoteEmbedderSettings

_PROBE: Final = "How many components has a vector of this model?"
_AT_ONCE: Final = 4
"""Vectors that are read in less than a millisecond; more are read in a thread."""
_MISREAD: Final = (AttributeError, IndexError, KeyError, TypeError, ValueError)
"""What reading an answer of another shape raises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one request gave: a vector for each text, in their order, and the tokens that are billed, if told."""

    vectors: VectorsLike
    tokens: int | None


class RemoteEmbedder(BaseEmbedder):
    """Asks a vendor in requests of a size that it takes, a few at a time, and again when it could not answer.

    A plugin writes ``open``, ``shut``, ``send``, ``read`` and ``explain``, and leaves retries to this class. Errors
    show neither the key nor a text: where the vendor's words repeat one, it is taken out.
    """

    remote: ClassVar[bool] = True
    truncates: ClassVar[bool] = False
    """True where the vendor cuts a text that is too long, when told so; else it is cut here."""
    refuses: ClassVar[bool] = True
    """True where the vendor refuses a text that is too long; else what may be too long is refused here."""
    apart: bool = True
    """False where the client belongs to the caller's event loop; else the SDK runs on one of its own, in a thread, for
    building a request and reading an answer take it up to half a second."""

    def __init__(self, settings: RemoteEmbedderSettings, vendor: Vendor, model: RemoteModel) -> None:
        self.vendor = vendor
        self._settings = settings
        self._model = model
        self._dimension = settings.dimension or model.dimension
        self._cost = model.cost if settings.cost_per_million_tokens is None else settings.cost_per_million_tokens
        self._secret = settings.api_key if settings.api_key or settings.base_url else _key_of_the_vendor(vendor)
        self._connecting = asyncio.Lock()
        self._slots: asyncio.Semaphore | None = None
        self._thread: LoopThread | None = None
        self._requests = self._texts = self._tokens = 0

    @abstractmethod
    def open(self) -> None:
        """Import the SDK and make its client, without its own retries; called in a thread."""

    @abstractmethod
    async def shut(self) -> None:
        """Close the client that ``open`` made."""

    @abstractmethod
    async def send(self, texts: Sequence[str], *, is_document: bool) -> Any:
        """One request through the SDK, on its own event loop; what it raises goes to ``explain``."""

    @abstractmethod
    def read(self, answer: Any) -> Answer:
        """The vectors in what ``send`` returned; may fail in any way on what is no answer, and runs in any thread."""

    @abstractmethod
    def explain(self, fault: Exception) -> EmbedderError:
        """The error for what the SDK raised."""

    def key(self) -> str:
        """The key for the client.

        Raises:
            ConfigurationError: there is none; the vendor's own variable is not read for another address than its own.
        """
        if self._secret is not None:
            return self._secret.get_secret_value()
        own = f"{self.vendor.prefix}API_KEY"
        others = "" if self._settings.base_url else "".join(f" or {name}" for name in self.vendor.key_variables)
        raise ConfigurationError(f"there is no key for {self.vendor.name}; set {own}{others}")

    def prefix(self, *, is_document: bool) -> str:  # noqa: ARG002
        """What is put in front of every text of that side."""
        return ""

    @property
    def dimension(self) -> int:
        """The number of components; known once connected."""
        if self._dimension is None:
            raise LifecycleError(f"the embedder of {self.vendor.name} knows its dimension once connect() has returned")
        return self._dimension

    @property
    def model_name(self) -> str:
        """The vendor, its model, and the dimension where it is not the model's own."""
        parts = [f"{self.vendor.plugin}/{self._settings.model}"]
        if self._settings.dimension not in {None, self._model.dimension}:
            parts.append(str(self._settings.dimension))
        return " ".join(parts)

    @property
    def usage(self) -> EmbeddingUsage:
        """What the vendor was asked for since this embedder was made, probes and requests without use included."""
        tokens = self._tokens or None
        cost = None if tokens is None or self._cost is None else tokens * self._cost / 1e6
        return EmbeddingUsage(
            requests=self._requests,
            texts=self._texts,
            tokens=tokens,
            cost_per_million_tokens=self._cost,
            cost=cost,
        )

    async def connect(self) -> None:
        """Make the client; a model that is not in the table is asked once for the dimension of its vectors.

        Raises:
            ConfigurationError: there is no key.
            EmbedderError: the model is not in the table, and the vendor could not be asked.
        """
        async with self._connecting:
            if self._slots is not None:
                return
            await asyncio.to_thread(self.open)
            self._thread = LoopThread() if self.apart else None
            self._slots = asyncio.Semaphore(self._settings.concurrency)
            if self._dimension is None:
                try:
                    self._dimension = (await self._request(self._slots, [_PROBE], is_document=False)).shape[1]
                except BaseException:
                    await self.close()
                    raise

    async def close(self) -> None:
        """Close the client; a request under way then fails with an ``EmbedderError``."""
        slots, self._slots = self._slots, None
        if slots is None:
            return
        thread, self._thread = self._thread, None
        if thread is None:
            await self.shut()
            return
        try:
            await thread.awaited(self.shut)
        finally:
            await asyncio.to_thread(thread.stop)

    async def aembed_batch(self, texts: Sequence[str], *, is_document: bool = False) -> Vectors:
        """One vector per text, in as few requests as the vendor's limits allow, ``concurrency`` of them at a time.

        Raises:
            EmbedderInputError: a text is too long, or cannot be sent; nothing was sent then, or the vendor refused it.
            EmbedderUnavailableError: the vendor cannot be reached, throttles, or refuses the key.
            EmbedderTimeoutError: it did not answer within ``timeout``, as often as it was asked.
            EmbedderOutputError: what it sent are not the vectors of these texts.
        """
        import numpy as np

        slots = self._slots
        if slots is None:
            raise LifecycleError(f"the embedder of {self.vendor.name} embeds between connect() and close(); connect it")
        ready, sizes = self._prepared(texts, self.prefix(is_document=is_document))
        most = self._settings.texts_per_request or self.vendor.texts
        parts = list(split(sizes, texts=min(most, self.vendor.texts), tokens=self.vendor.tokens))
        if len(parts) == 1:
            return await self._request(slots, ready, is_document=is_document)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self._request(slots, ready[part], is_document=is_document)) for part in parts
                ]
        except ExceptionGroup as errors:
            first = errors.exceptions[0]
            raise first from first.__cause__
        return np.concatenate([np.empty((0, self.dimension), np.float32), *(task.result() for task in tasks)])

    def _prepared(self, texts: Sequence[str], prefix: str) -> tuple[list[str], list[int]]:
        """The texts as they can be sent, and the most tokens that each can be."""
        ready, most = [prefix + text for text in texts], self._model.tokens
        sizes = [size_of(text, place, self.vendor) for place, text in enumerate(ready)]
        if most is None:
            return ready, sizes
        for place, size in enumerate(sizes):
            if size <= most:
                continue
            if self._settings.over_long == "truncate":
                if not self.truncates:
                    ready[place] = cut(ready[place], most)
                # a vendor that cuts reads no more than this of it
                sizes[place] = most
            elif not self.refuses:
                raise EmbedderInputError(
                    f"text {place} has {size:,} bytes, and {self.vendor.name} reads {most:,} tokens and leaves out the "
                    f"rest without a word; shorten it to {most:,} bytes, or set {self.vendor.prefix}OVER_LONG=truncate"
                )
        return ready, sizes

    async def _request(self, slots: asyncio.Semaphore, texts: Sequence[str], *, is_document: bool) -> Vectors:
        async with slots:
            return await with_retries(lambda: self._attempt(texts, is_document=is_document), self._settings)

    async def _attempt(self, texts: Sequence[str], *, is_document: bool) -> Vectors:
        self._requests += 1
        try:
            async with asyncio.timeout(self._settings.timeout):
                sent = await self._sent(texts, is_document=is_document)
        except Exception as exc:  # noqa: BLE001 - each becomes an EmbedderError, in or outside of the plugin's table
            fault: EmbedderError = self._explained(exc)
            fault.__cause__ = exc
        else:
            self._texts += len(texts)
            return await self._checked(sent, len(texts))
        raise self._without_secrets(fault, texts, self.prefix(is_document=is_document))

    async def _sent(self, texts: Sequence[str], *, is_document: bool) -> Any:
        thread = self._thread
        if thread is None:
            return await self.send(texts, is_document=is_document)
        return await thread.awaited(lambda: self.send(texts, is_document=is_document))

    async def _checked(self, sent: Any, count: int) -> Vectors:
        try:
            if count > _AT_ONCE:
                vectors, tokens = await asyncio.to_thread(self._read, sent)
            else:
                vectors, tokens = self._read(sent)
        except _MISREAD as exc:
            raise not_understood(self.vendor, type(exc).__name__) from exc
        self._tokens += tokens or 0
        if vectors.ndim != 2 or len(vectors) != count:
            raise EmbedderOutputError(
                f"{self.vendor.name} sent {len(vectors)} vectors for {count} texts; none of them is used, since which "
                "text is whose cannot be told"
            )
        if self._dimension is not None and vectors.shape[1] != self._dimension:
            raise EmbedderOutputError(
                f"{self.vendor.name}'s {self._settings.model!r} sent vectors of {vectors.shape[1]} components, not of "
                f"{self._dimension}; see {self.vendor.prefix}DIMENSION and what answers at {self.vendor.prefix}BASE_URL"
            )
        return vectors

    def _read(self, sent: Any) -> tuple[Vectors, int | None]:
        import numpy as np

        answer = self.read(sent)
        return np.asarray(answer.vectors, dtype=np.float32), answer.tokens

    def _explained(self, fault: Exception) -> EmbedderError:
        if isinstance(fault, TimeoutError):
            return too_slow(self.vendor, f"{self._settings.timeout:g} s")
        if isinstance(fault, LoopEndedError):
            return EmbedderUnavailableError(f"the embedder of {self.vendor.name} was closed during a request")
        return self.explain(fault)

    def _without_secrets(self, fault: EmbedderError, texts: Sequence[str], prefix: str) -> EmbedderError:
        """The fault, its message without what the vendor repeated, and without its cause where that shows the key."""
        message = str(fault)
        for text in texts:
            for said in (text, text.removeprefix(prefix)):
                if len(said) > 3:
                    message = message.replace(said, "(the text)").replace(repr(said)[1:-1], "(the text)")
        secret = "" if self._secret is None else self._secret.get_secret_value()
        # what is shorter is a placeholder, and part of common words
        if len(secret) > 5:
            message = message.replace(secret, "(the key)")
            if fault.__cause__ is not None and secret in "".join(traceback.format_exception(fault.__cause__)):
                fault.__cause__ = None
        fault.args = (message,)
        return fault


def _key_of_the_vendor(vendor: Vendor) -> SecretStr | None:
    keys = (os.environ.get(variable, "").strip() for variable in vendor.key_variables)
    return next((SecretStr(key) for key in keys if key), None)
