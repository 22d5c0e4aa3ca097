"""The embedder: OpenAI's SDK behind Medha's contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from medha.remote import Answer, RemoteEmbedder, Vendor, known_model, loads, to_vector
from medha_openai.models import MODELS, MOST_TEXTS, MOST_TOKENS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from openai import AsyncOpenAI

    from medha.errors import EmbedderError
    from medha_openai.settings import OpenAISettings


class OpenAIEmbedder(RemoteEmbedder):
    """Embeds with OpenAI, an Azure OpenAI deployment, or a server that speaks the same API.

    A ``client`` that is given, say one that signs in with a token provider, is used as it is, on the event loop of its
    owner, and not closed; its own retries are not used.
    """

    def __init__(self, settings: OpenAISettings, client: AsyncOpenAI | None = None) -> None:
        vendor = _vendor(settings)
        model = known_model(MODELS, settings.model, settings.dimension, vendor)
        super().__init__(settings, vendor, model)
        self._chosen = settings
        self._given = client
        self.apart = client is None
        self._client: AsyncOpenAI | None = None
        # a model that cannot shorten its vectors refuses even its own dimension
        self._options: dict[str, Any] = {"encoding_format": settings.encoding_format}
        if settings.dimension not in {None, model.dimension}:
            self._options["dimensions"] = settings.dimension

    @property
    def model_name(self) -> str:
        """Model, dimension and prefixes."""
        prefixes = {"query": self._chosen.query_prefix, "document": self._chosen.document_prefix}
        return " ".join([super().model_name, *(f"{side} {said!r}" for side, said in prefixes.items() if said)])

    def prefix(self, *, is_document: bool) -> str:
        """The prefix of the side."""
        return self._chosen.document_prefix if is_document else self._chosen.query_prefix

    def open(self) -> None:
        """Take the client that was given, or make one."""
        self._client = self._made() if self._given is None else self._given.with_options(max_retries=0)

    async def shut(self) -> None:
        """Close the client, unless it was given."""
        client, self._client = self._client, None
        if client is not None and self._given is None:
            await client.close()

    async def send(self, texts: Sequence[str], *, is_document: bool) -> Any:  # noqa: ARG002
        """One request to ``/embeddings``."""
        assert self._client is not None  # noqa: S101 - between open and shut
        # as it came: the SDK's models take half a second of the loop for a large answer
        answer = await self._client.embeddings.with_raw_response.create(
            model=self._chosen.model, input=list(texts), **self._options
        )
        return answer.content

    def read(self, answer: Any) -> Answer:
        """The vectors by their index, which need not be the order in which they were sent."""
        import numpy as np

        body = loads(answer, "embedding", _numbers)
        data = sorted(body["data"], key=lambda item: item["index"])
        if [item["index"] for item in data] != list(range(len(data))):
            raise ValueError("the indices of the vectors are not those of the texts")
        usage = body.get("usage")
        return Answer(
            vectors=np.array([item["embedding"] for item in data], dtype=np.float32),
            tokens=None if usage is None else usage["total_tokens"],
        )

    def explain(self, fault: Exception) -> EmbedderError:
        """The error for what the SDK raised."""
        from medha_openai.errors import explain

        return explain(self.vendor, fault)

    def _made(self) -> AsyncOpenAI:
        from openai import AsyncAzureOpenAI, AsyncOpenAI

        chosen = self._chosen
        if chosen.azure_endpoint is not None:
            return AsyncAzureOpenAI(
                azure_endpoint=chosen.azure_endpoint,
                azure_deployment=chosen.azure_deployment or chosen.model,
                api_version=chosen.azure_api_version,
                api_key=self.key(),
                timeout=chosen.timeout,
                max_retries=0,
            )
        # a server of one's own often has no key, and the SDK wants some text
        key = "no-key" if chosen.base_url is not None and chosen.api_key is None else self.key()
        url = chosen.base_url or "https://api.openai.com/v1"
        return AsyncOpenAI(base_url=url, api_key=key, timeout=chosen.timeout, max_retries=0)


class AsymmetricOpenAIEmbedder(OpenAIEmbedder):
    """Puts other words in front of stored questions than of asked ones."""

    asymmetric: ClassVar[bool] = True


def make_embedder(settings: OpenAISettings) -> OpenAIEmbedder:
    """The embedder that the settings ask for."""
    alike = settings.query_prefix == settings.document_prefix
    return OpenAIEmbedder(settings) if alike else AsymmetricOpenAIEmbedder(settings)


def _vendor(settings: OpenAISettings) -> Vendor:
    if settings.azure_endpoint is not None:
        name, variables = "Azure OpenAI", ("AZURE_OPENAI_API_KEY",)
    elif settings.base_url is not None:
        name, variables = f"the server at {settings.base_url}", ()
    else:
        name, variables = "OpenAI", ("OPENAI_API_KEY",)
    return Vendor(name=name, plugin="openai", key_variables=variables, texts=MOST_TEXTS, tokens=MOST_TOKENS)


def _numbers(embedding: Any) -> Any:
    """A vector as it came: base64 of little-endian floats, or a list from a server that knows only those."""
    import base64

    import numpy as np

    if isinstance(embedding, str):
        return np.frombuffer(base64.b64decode(embedding, validate=True), dtype="<f4")
    return to_vector(embedding)
