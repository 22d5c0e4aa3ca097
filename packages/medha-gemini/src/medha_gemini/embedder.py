"""The embedder: Google's SDK behind Medha's contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from medha.remote import Answer, RemoteEmbedder, Vendor, collected_vectors, known_model
from medha_gemini.models import MODELS, MOST_TEXTS, WORDS_OF_TASKS, is_told_in_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    import httpx2
    from google.genai import Client

    from medha.errors import EmbedderError
    from medha_gemini.settings import GeminiSettings

_VENDOR: Final = Vendor(
    name="Gemini", plugin="gemini", key_variables=("GEMINI_API_KEY", "GOOGLE_API_KEY"), texts=MOST_TEXTS
)
_DEFAULT_TASKS: Final = ("RETRIEVAL_QUERY", "RETRIEVAL_DOCUMENT")


class GeminiEmbedder(RemoteEmbedder):
    """Embeds with the Gemini API: asked questions for one task, stored ones for another."""

    asymmetric: ClassVar[bool] = True
    truncates: ClassVar[bool] = True
    refuses: ClassVar[bool] = False

    def __init__(self, settings: GeminiSettings) -> None:
        model = known_model(MODELS, settings.model.removeprefix("models/"), settings.dimension, _VENDOR)
        super().__init__(settings, _VENDOR, model)
        self._chosen = settings
        self._client: Client | None = None
        self._http: httpx2.AsyncClient | None = None
        self._in_words = is_told_in_words(settings.model)
        shortened = settings.dimension not in {None, model.dimension}
        self._options: dict[str, Any] = {"output_dimensionality": settings.dimension} if shortened else {}

    @property
    def model_name(self) -> str:
        """Model and dimension, and the tasks where they are not the usual ones."""
        tasks = (self._task(is_document=False), self._task(is_document=True))
        return " ".join([super().model_name, *(() if tasks == _DEFAULT_TASKS else tasks)])

    def prefix(self, *, is_document: bool) -> str:
        """The task in words, for a model that is told so."""
        return WORDS_OF_TASKS[self._task(is_document=is_document)] if self._in_words else ""

    def open(self) -> None:
        """Make the client, on an HTTP client of its own that can be closed."""
        from google.genai import Client
        from google.genai.types import HttpOptions

        from medha_gemini.http import SettingAside

        key = self.key()
        self._http = SettingAside(timeout=self._chosen.timeout, follow_redirects=True)
        options = HttpOptions(
            base_url=self._chosen.base_url or "https://generativelanguage.googleapis.com",
            # the SDK's own default has changed between versions, and follows a variable of the environment
            api_version="v1beta",
            timeout=round(self._chosen.timeout * 1000),
            httpx_async_client=self._http,
        )
        # without retry options the SDK asks once
        self._client = Client(api_key=key, vertexai=False, http_options=options)

    async def shut(self) -> None:
        """Close both of the SDK's HTTP clients."""
        client, self._client = self._client, None
        http, self._http = self._http, None
        if client is not None:
            client.close()
        if http is not None:
            await http.aclose()

    async def send(self, texts: Sequence[str], *, is_document: bool) -> Any:
        """One request to ``:batchEmbedContents``."""
        from google.genai.types import Content, EmbedContentConfig, Part

        assert self._client is not None  # noqa: S101 - between open and shut
        options = dict(self._options)
        if not self._in_words:
            options["task_type"] = self._task(is_document=is_document)
        with collected_vectors() as vectors:
            answer = await self._client.aio.models.embed_content(
                model=self._chosen.model,
                # bare strings would become the parts of one content, and get one vector together
                contents=[Content(parts=[Part(text=text)]) for text in texts],
                config=EmbedContentConfig(**options),
            )
        return answer, vectors

    def read(self, answer: Any) -> Answer:
        """The vectors, which come in the order of the texts, and the tokens where they are told."""
        import numpy as np

        said, vectors = answer
        if len(vectors) != len(said.embeddings):
            raise ValueError("an embedding has no vector")
        usage = getattr(said, "usage_metadata", None)
        return Answer(vectors=np.array(vectors), tokens=None if usage is None else usage.prompt_token_count)

    def explain(self, fault: Exception) -> EmbedderError:
        """The error for what the SDK raised."""
        from medha_gemini.errors import explain

        return explain(self.vendor, fault)

    def _task(self, *, is_document: bool) -> str:
        return self._chosen.document_task if is_document else self._chosen.query_task


class SymmetricGeminiEmbedder(GeminiEmbedder):
    """Embeds stored and asked questions for the same task."""

    asymmetric: ClassVar[bool] = False


def make_embedder(settings: GeminiSettings) -> GeminiEmbedder:
    """The embedder that the settings ask for."""
    alike = settings.query_task == settings.document_task
    return SymmetricGeminiEmbedder(settings) if alike else GeminiEmbedder(settings)
