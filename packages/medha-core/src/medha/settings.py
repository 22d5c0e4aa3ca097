"""The settings of the core: thresholds, tiers, limits. No host, no port, no vendor."""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from medha.errors import ConfigurationError

ENV_PREFIX: Final = "MEDHA_"
TEST_PREFIX: Final = "MEDHA_TEST_"

Similarity = Annotated[float, Field(ge=-1.0, le=1.0, allow_inf_nan=False)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Settings(BaseSettings):
    """What a ``Medha`` is tuned by; each setting is also the environment variable ``MEDHA_<NAME>``.

    Similarities are raw cosines. An unknown name, given here or as a ``MEDHA_`` variable, is a ``ConfigurationError``.
    """

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, frozen=True, extra="forbid", validate_default=True, case_sensitive=False
    )

    backend_type: str = "memory"
    """The backend plugin that ``from_settings`` loads."""
    embedder_type: str = "wordllama"
    """The embedder plugin that ``from_settings`` loads."""
    l1_type: str = "memory"
    """The L1 cache plugin that ``from_settings`` loads."""
    extra_guards: Annotated[tuple[str, ...], NoDecode] = ()
    """Guard and reviewer plugins to use besides the built-in guards; names with commas between them."""
    collection: str = "default"
    """The collection that ``from_settings`` opens."""

    score_threshold_exact: Similarity = 0.99
    """From this similarity on, a candidate that the guards accept is an exact match."""
    score_threshold_semantic: Similarity = 0.90
    """From this similarity on, a candidate that the guards accept is a semantic match."""
    score_threshold_fuzzy: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] = 85.0
    """Least edit-distance ratio, 0 to 100, of a fuzzy match."""
    score_threshold_template: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.85
    """Least confidence, 0 to 1, of a template match."""
    score_threshold_fuzzy_prefilter: Similarity = 0.75
    """Least similarity for an entry to be a candidate of the fuzzy tier at all."""
    score_threshold_review: Similarity = 0.75
    """Least similarity for an entry to be put before the reviewers, if there are any."""
    review_top_k: Annotated[int, Field(ge=1, le=100)] = 3
    """How many candidates of a lookup are put before the reviewers, closest first."""
    review_timeout: Seconds | None = 10.0
    """Seconds that a lookup waits for its reviewers; what is undecided by then is rejected."""
    fuzzy_prefilter_top_k: Annotated[int, Field(ge=1, le=1000)] = 10
    """How many candidates the one vector search of a lookup returns."""

    l1_cache_max_size: Annotated[int, Field(ge=0)] = 10_000
    """How many answers the built-in L1 cache keeps; 0 turns the L1 tier off."""
    embedding_cache_size: Annotated[int, Field(ge=0)] = 10_000
    """How many embeddings are kept; 0 keeps none."""
    embedding_cache_path: Path | None = None
    """A file in which the embeddings survive the process."""
    embedding_timeout: Seconds | None = 30.0
    """Seconds for one call of the embedder."""
    backend_timeout: Seconds | None = 10.0
    """Seconds for one call of the backend."""
    extraction_timeout: Seconds | None = 10.0
    """Seconds for one call of an extractor."""

    default_ttl_seconds: Seconds | None = None
    """Time to live of an entry stored without one; ``None`` keeps it for good."""
    cleanup_interval_seconds: Seconds | None = None
    """Seconds between two removals of expired entries in the background; ``None`` leaves it to ``expire()``."""

    batch_size: Annotated[int, Field(ge=1, le=100_000)] = 500
    """Entries a bulk write embeds and stores at a time."""
    batch_embed_concurrency: Annotated[int, Field(ge=1, le=256)] = 4
    """Embedder calls that a bulk write or batch lookup has under way at the same time."""
    max_question_length: Annotated[int, Field(ge=1, le=1_000_000)] = 8_192
    """Characters in a question."""

    template_file: Path | None = None
    """A JSON file of query templates."""
    allowed_file_dir: Path | None = None
    """The only folder that files are read from and written to, symlinks resolved; ``None`` allows every folder."""
    max_file_size_mb: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 100.0
    """Size of a file to read, in units of 1,000,000 bytes."""

    learned_templates: Literal["on", "off"] = "on"
    """Whether stored SQL queries also answer for other values, by what the entries themselves teach."""
    learned_templates_limit: Annotated[int, Field(ge=1, le=10_000_000)] = 50_000
    """How many entries of a collection are learnt from."""
    query_dialect: str | None = None
    """The SQL dialect of stored queries, one of sqlglot's; ``None`` reads what most dialects share."""
    values_file: Path | None = None
    """A JSON file of the values that columns hold, as ``medha values`` writes it."""

    collect_stats: bool = True
    """Whether lookups are counted and timed."""
    stats_max_latency_samples: Annotated[int, Field(ge=1, le=10_000_000)] = 10_000
    """Latest latencies kept for the percentiles, per tier."""

    listeners: Annotated[tuple[str, ...], NoDecode] = ()
    """The plugins that are told of every lookup, ``otel`` for example; in the variable separated by commas."""

    max_false_hit_rate: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] | None = None
    """Share of a tier's answers that may be wrong, 0.005 say; the strict rules hold until judged answers show less."""
    feedback_incorrect_threshold: Annotated[int, Field(ge=1)] = 3
    """After so many "incorrect" an entry is removed."""
    on_backend_error: Literal["raise", "miss"] = "raise"
    """Whether a lookup raises when the backend or embedder fails, or is a miss that carries the error."""
    require_scope: bool = False
    """Whether every entry and lookup must name a scope."""

    def __init__(self, **values: Any) -> None:
        unknown = _unknown_variables(type(self).model_fields)
        if unknown:
            raise ConfigurationError("; ".join(unknown))
        try:
            super().__init__(**values)
        except ValidationError as exc:
            from medha.plugins import explain_validation

            raise ConfigurationError(explain_validation(exc, "Settings", ENV_PREFIX, type(self))) from exc

    @field_validator("*", mode="before")
    @classmethod
    def _no_bool_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, bool) and info.field_name and cls.model_fields[info.field_name].annotation is not bool:
            raise ValueError(f"{value} is neither a number nor a text")
        return value

    @field_validator("extra_guards", "listeners", mode="before")
    @classmethod
    def _names(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(name.strip() for name in value.split(",") if name.strip())
        return value

    @model_validator(mode="after")
    def _ordered(self) -> Settings:
        if self.score_threshold_semantic > self.score_threshold_exact:
            raise ValueError(
                f"score_threshold_semantic {self.score_threshold_semantic} is above "
                f"score_threshold_exact {self.score_threshold_exact}"
            )
        return self


def _unknown_variables(fields: Any) -> list[str]:
    """One sentence for each ``MEDHA_`` variable that neither core nor an installed plugin knows."""
    given = [name.upper() for name in os.environ if name.upper().startswith(ENV_PREFIX)]
    known = {ENV_PREFIX + field.upper() for field in fields}
    suspects = [name for name in given if name not in known and not name.startswith(TEST_PREFIX)]
    if not suspects:
        return []
    from medha.plugins import installed_plugins

    prefixes = tuple(installed_plugins().prefixes())
    sentences: list[str] = []
    for name in suspects:
        if not name.startswith(prefixes):
            close = difflib.get_close_matches(name, sorted(known), n=1)
            hint = f"did you mean {close[0]}?" if close else "no installed plugin has such a setting"
            sentences.append(f"the environment variable {name} is not a setting of Medha: {hint}")
    return sentences
