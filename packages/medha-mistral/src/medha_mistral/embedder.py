"""The embedder: Mistral's SDK behind Medha's contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from medha.remote import Answer, RemoteEmbedder, Vendor, collected_vectors, known_model
from medha_mistral.models import MODELS, MOST_TEXTS, MOST_TOKENS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import httpx2
    from mistralai.client import Mistral

    from medha.errors import EmbedderError
    from medha_mistral.settings import MistralSettings

_VENDOR: Final = Vendor(
    name="Mistral", plugin="mistral", key_variables=("MISTRAL_API_KEY",), texts=MOST_TEXTS, tokens=MOST_TOKENS
)


class MistralEmbedder(RemoteEmbedder):
    """Embeds with a Mistral model; stored and asked questions alike."""

    def __init__(self, settings: MistralSettings) -> None:
        model = known_model(MODELS, settings.model, settings.dimension, _VENDOR)
        super().__init__(settings, _VENDOR, model)
        self._chosen = settings
        self._client: Mistral | None = None
        self._http: httpx2.AsyncClient | None = None
        shortened = settings.dimension not in {None, model.dimension}
        self._options: dict[str, Any] = {"output_dimension": settings.dimension} if shortened else {}

    def open(self) -> None:
        """Make the client, on an HTTP client of its own that can be closed."""
        from mistralai.client import Mistral

        from medha_mistral.http import SettingAside

        key = self.key()
        self._http = SettingAside(timeout=self._chosen.timeout, follow_redirects=True)
        self._client = Mistral(
            api_key=key,
            server_url=self._chosen.base_url or "https://api.mistral.ai",
            async_client=self._http,
            timeout_ms=round(self._chosen.timeout * 1000),
        )

    async def shut(self) -> None:
        """Close the HTTP client."""
        http, self._http, self._client = self._http, None, None
        if http is not None:
            await http.aclose()

    async def send(self, texts: Sequence[str], *, is_document: bool) -> Any:  # noqa: ARG002
        """One request to ``/v1/embeddings``."""
        assert self._client is not None  # noqa: S101 - between open and shut
        # without a retry configuration the SDK asks once
        with collected_vectors() as vectors:
            answer = await self._client.embeddings.create_async(
                model=self._chosen.model, inputs=list(texts), **self._options
            )
        return answer, vectors

    def read(self, answer: Any) -> Answer:
        """The vectors by their index."""
        import numpy as np

        said, vectors = answer
        places = [item.index for item in said.data]
        if sorted(places) != list(range(len(vectors))):
            raise ValueError("the indices of the vectors are not those of the texts")
        return Answer(vectors=np.array(vectors)[np.argsort(places)], tokens=said.usage.total_tokens)

    def explain(self, fault: Exception) -> EmbedderError:
        """The error for what the SDK raised."""
        from medha_mistral.errors import explain

        return explain(self.vendor, fault)
