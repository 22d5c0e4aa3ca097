"""The embedder: Cohere's SDK behind Medha's contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from medha.remote import Answer, RemoteEmbedder, Vendor, collected_vectors, known_model
from medha_cohere.models import MODELS, MOST_TEXTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import httpx
    from cohere import AsyncClientV2

    from medha.errors import EmbedderError
    from medha_cohere.settings import CohereSettings

_VENDOR: Final = Vendor(name="Cohere", plugin="cohere", key_variables=("CO_API_KEY",), texts=MOST_TEXTS)


class CohereEmbedder(RemoteEmbedder):
    """Embeds stored questions as documents (``search_document``) and asked ones as queries (``search_query``)."""

    asymmetric: ClassVar[bool] = True
    truncates: ClassVar[bool] = True

    def __init__(self, settings: CohereSettings) -> None:
        model = known_model(MODELS, settings.model, settings.dimension, _VENDOR)
        super().__init__(settings, _VENDOR, model)
        self._chosen = settings
        self._client: AsyncClientV2 | None = None
        self._http: httpx.AsyncClient | None = None
        self._options: dict[str, Any] = {"truncate": "END" if settings.over_long == "truncate" else "NONE"}
        if settings.dimension not in {None, model.dimension}:
            self._options["output_dimension"] = settings.dimension

    @property
    def model_name(self) -> str:
        """Model and dimension, and that both sides are alike where the model could tell them apart."""
        return super().model_name + ("" if self.asymmetric else " search_query")

    def open(self) -> None:
        """Make the client, on an HTTP client of its own that can be closed."""
        from cohere import AsyncClientV2

        from medha_cohere.http import SettingAside

        key = self.key()
        self._http = SettingAside(timeout=self._chosen.timeout, follow_redirects=True)
        self._client = AsyncClientV2(
            api_key=key,
            base_url=self._chosen.base_url or "https://api.cohere.com",
            httpx_client=self._http,
            log_warning_experimental_features=False,
        )

    async def shut(self) -> None:
        """Close the HTTP client."""
        http, self._http, self._client = self._http, None, None
        if http is not None:
            await http.aclose()

    async def send(self, texts: Sequence[str], *, is_document: bool) -> Any:
        """One request to ``/v2/embed``."""
        assert self._client is not None  # noqa: S101 - between open and shut
        with collected_vectors() as vectors:
            answer = await self._client.embed(
                model=self._chosen.model,
                input_type="search_document" if is_document and self.asymmetric else "search_query",
                texts=list(texts),
                embedding_types=["float"],
                request_options={"max_retries": 0},
                **self._options,
            )
        return answer, vectors

    def read(self, answer: Any) -> Answer:
        """The float vectors, which come in the order of the texts, and the billed tokens."""
        import numpy as np

        said, vectors = answer
        if len(vectors) != len(said.embeddings.float_):
            raise ValueError("an embedding is no vector")
        billed = said.meta and said.meta.billed_units
        return Answer(
            vectors=np.array(vectors),
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
