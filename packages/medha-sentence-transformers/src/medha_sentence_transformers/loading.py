"""Loading the model: from its folder, or downloaded first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sentence_transformers import SentenceTransformer

from medha.errors import ConfigurationError, EmbedderUnavailableError
from medha_sentence_transformers.folder import fingerprint, folder_of

if TYPE_CHECKING:
    from medha.models import Vectors
    from medha_sentence_transformers.settings import SentenceTransformersSettings


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model in memory."""

    model: Any
    dimension: int
    name: str
    """Changes whenever the vectors would."""
    query_prompt: str | None
    document_prompt: str | None

    def embed(self, texts: list[str], *, as_documents: bool) -> Vectors:
        """One vector per text; call it from one thread at a time."""
        encode = self.model.encode_document if as_documents else self.model.encode_query
        prompt = self.document_prompt if as_documents else self.query_prompt
        return encode(texts, prompt=prompt, batch_size=len(texts), show_progress_bar=False, convert_to_numpy=True)


def load(settings: SentenceTransformersSettings) -> LoadedModel:
    """The model that the settings mean.

    Raises:
        ConfigurationError: there is no such folder, or the model does not do what the settings ask.
        EmbedderUnavailableError: it cannot be downloaded, or does not load.
    """
    folder = folder_of(settings.model)
    model = _load(str(folder or settings.model), settings)
    dimension = _dimension(model)
    if settings.truncate_dim is not None and dimension != settings.truncate_dim:
        raise ConfigurationError(
            f"MEDHA_SENTENCE_TRANSFORMERS_TRUNCATE_DIM: {settings.model!r} has {dimension} components, fewer than "
            f"{settings.truncate_dim}"
        )
    _check_sides(settings, model)
    which = fingerprint(folder, settings.backend) if folder else _commit(model, settings)
    parts = [
        "local" if folder else settings.model,
        which,
        settings.backend if settings.backend != "torch" else None,
        settings.model_file,
        None if settings.truncate_dim is None else f"{dimension} components",
        None if settings.query_prompt is None else f"query {settings.query_prompt!r}",
        f"document {settings.document_prompt!r}" if settings.asymmetric else None,
    ]
    name = "sentence-transformers/" + " ".join(part for part in parts if part)
    return LoadedModel(model, dimension, name, settings.query_prompt, settings.document_prompt)


def _load(place: str, settings: SentenceTransformersSettings) -> Any:
    files = {} if settings.model_file is None else {"file_name": settings.model_file}
    try:
        return SentenceTransformer(
            place,
            device=settings.device,
            cache_folder=None if settings.cache_dir is None else str(settings.cache_dir),
            trust_remote_code=settings.trust_remote_code,
            revision=settings.revision,
            local_files_only=settings.local_files_only,
            token=None if settings.token is None else settings.token.get_secret_value(),
            truncate_dim=settings.truncate_dim,
            model_kwargs=files,
            backend=settings.backend,
        )
    except Exception as exc:
        raise EmbedderUnavailableError(
            f"sentence-transformers could not load the model {settings.model!r}: {type(exc).__name__}: {exc}. "
            "Without a network, copy its folder here and set MEDHA_SENTENCE_TRANSFORMERS_MODEL to that folder"
        ) from exc


def _dimension(model: Any) -> int:
    dimension = model.get_embedding_dimension()
    return int(dimension) if dimension is not None else len(model.encode_query("one probe", show_progress_bar=False))


def _check_sides(settings: SentenceTransformersSettings, model: Any) -> None:
    """See that a model which is to embed documents otherwise does."""
    if not settings.asymmetric:
        return
    prompts: dict[str, str] = model.prompts
    query = settings.query_prompt if settings.query_prompt is not None else prompts.get("query", "")
    own = prompts.get("document") or prompts.get("passage") or prompts.get("corpus") or ""
    document = settings.document_prompt if settings.document_prompt is not None else own
    if query == document and not any(type(module).__name__ == "Router" for module in model):
        raise ConfigurationError(
            f"MEDHA_SENTENCE_TRANSFORMERS_ASYMMETRIC: {settings.model!r} embeds queries and documents alike; leave "
            "it off, or set MEDHA_SENTENCE_TRANSFORMERS_QUERY_PROMPT and MEDHA_SENTENCE_TRANSFORMERS_DOCUMENT_PROMPT "
            "to what the model was trained with"
        )


def _commit(model: Any, settings: SentenceTransformersSettings) -> str | None:
    """The commit of a model from the hub, where its configuration tells, else the revision that was asked for."""
    config = getattr(getattr(model[0], "auto_model", None), "config", None)
    commit = getattr(config, "_commit_hash", None)
    return commit[:12] if isinstance(commit, str) else settings.revision
