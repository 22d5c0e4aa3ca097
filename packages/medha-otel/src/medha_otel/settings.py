"""The settings of medha-otel."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class OtelSettings(BaseSettings):
    """What is recorded of a lookup; each setting is also the variable ``MEDHA_OTEL_<NAME>``.

    Where it goes is the business of the OpenTelemetry SDK and its own ``OTEL_`` variables.
    """

    model_config = SettingsConfigDict(env_prefix="MEDHA_OTEL_", frozen=True, extra="forbid")

    traces: bool = True
    """A span for each lookup, with one for each tier in it."""
    metrics: bool = True
    """Counters and histograms."""
    record_questions: bool = False
    """Put into spans what people asked, what was matched, and the reasons that quote both. Never into metrics."""
    record_scopes: bool = False
    """Put the values of ``filters`` into spans: tenants, users, dates. Never into metrics."""
    tokens_per_query: Annotated[int, Field(ge=1)] | None = None
    """Tokens that your model takes for one query, the schema in its input included; without it none are counted."""
    price_per_million_tokens: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    """What a million of them cost; without it no money is counted."""
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "USD"
    """Of the price: three letters of ISO 4217."""

    @model_validator(mode="after")
    def _a_price_needs_tokens(self) -> Self:
        if self.price_per_million_tokens is not None and self.tokens_per_query is None:
            raise ValueError("price_per_million_tokens needs tokens_per_query, how many tokens one query takes")
        return self

    @property
    def money_per_query(self) -> float | None:
        """What one generated query costs."""
        if self.tokens_per_query is None or self.price_per_million_tokens is None:
            return None
        return self.tokens_per_query * self.price_per_million_tokens / 1_000_000
