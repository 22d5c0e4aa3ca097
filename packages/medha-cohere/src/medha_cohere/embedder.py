"""The embedder: Cohere's SDK behind Medha's contract."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final

from medha.remote import Answer, RemoteEmbedder, Vendor, known_model
from medha_cohere.models import MODELS, MOST_TEXTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import httpx
    from cohere import ClientV2

    from medha.errors import EmbedderError
    from medha_cohere.settings import CohereSettings

_VENDOR: Final = Vendor(name="Cohere", plugin="cohere", key_variables=("CO_API_KEY",), texts=MOST_TEXTS)


class CohereEmbedder(RemoteEmbedder):
    """Embeds stored questions as documents (``search_document``) and asked ones as queries (``search_query``).

    The SDK builds its answers number by number in Python, for a fifth of a second where they are full; so it works in
    threads, of which there are as many as requests may be under way.
    """

    asymmetric: ClassVar[bool] = True
    truncates: ClassVar[bool] = True

    def __init__(self, settings: CohereSettings) -> None:
        model = known_model(MODELS, settings.model, settings.dimension, _VENDOR)
        super().__init__(settings, _VENDOR, model)
        self._chosen = settings
        self._client: ClientV2 | None = None
        self._http: httpx.Client | None = None
        self._threads: ThreadPoolExecutor | None = None
        self._options: dict[str, Any] = {"truncate": "END" if settings.over_long == "truncate" else "NONE"}
        if settings.dimension not in {None, model.dimension}:
            self._options["output_dimension"] = settings.dimension

    @property
    def model_name(self) -> str:
        """Model and dimension, and that both sides are alike where the model could tell them apart."""
        return super().model_name + ("" if self.asymmetric else " search_query")

    def open(self) -> None:
        """Make the client, on an HTTP client of its own that can be closed."""
        import httpx
        from cohere import ClientV2

        key = self.key()
        self._threads = ThreadPoolExecutor(self._chosen.concurrency, thread_name_prefix="medha-cohere")
        self._http = httpx.Client(timeout=self._chosen.timeout, follow_redirects=True)
        self._client = ClientV2(
            api_key=key,
            base_url=self._chosen.base_url or "https://api.cohere.com",
            httpx_client=self._http,
            log_warning_experimental_features=False,
        )

    async def shut(self) -> None:
        """Close the HTTP client; the threads end when their requests have."""
        http, self._http, self._client = self._http, None, None
        threads, self._threads = self._threads, None
        if threads is not None:
            threads.shutdown(wait=False, cancel_futures=True)
        if http is not None:
            await asyncio.to_thread(http.close)

    async def send(self, texts: Sequence[str], *, is_document: bool) -> Any:
        """One request to ``/v2/embed``."""
        assert self._client is not None  # noqa: S101 - between open and shut
        request = partial(
            self._client.embed,
            model=self._chosen.model,
            input_type="search_document" if is_document and self.asymmetric else "search_query",
            texts=list(texts),
            embedding_types=["float"],
            request_options={"max_retries": 0},
            **self._options,
        )
        return await asyncio.get_running_loop().run_in_executor(self._threads, request)

    def read(self, answer: Any) -> Answer:
        """The float vectors, which come in the order of the texts, and the billed tokens."""
        import numpy as np

        billed = answer.meta and answer.meta.billed_units
        return Answer(
            vectors=np.array(answer.embeddings.float_, dtype=np.float32),
            tokens=int(billed.input_tokens) if billed and billed.input_tokens is not None else None,
        )

    def explain(self, fault: Exception) -> EmbedderError:
        """The error for what the SDK raised."""
        from medha_cohere.errors import explain

        return explain(self.vendor, fault)


class SymmetricCohereEmbedder(CohereEmbedder):
    """Embeds stored and asked questions alike, as queries."""

    asymmetric: ClassVar[bool] = False


def make_embedder(settings: CohereSettings) -> CohereEmbedder:
    """The embedder that the settings ask for."""
    return CohereEmbedder(settings) if settings.asymmetric else SymmetricCohereEmbedder(settings)
