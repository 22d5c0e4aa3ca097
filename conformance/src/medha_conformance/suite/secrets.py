"""Topic: passwords and keys are never seen, in no error, no log and no repr; nor are questions."""

from __future__ import annotations

import logging
import traceback
from typing import TYPE_CHECKING, Any, Final

import pytest
from pydantic import SecretStr

from medha import BackendPlugin
from medha.errors import ConfigurationError, PluginLoadError
from medha.plugins import installed_plugins, make, read_settings
from medha_conformance.addresses import with_password
from medha_conformance.corpus import make_entry
from medha_conformance.suite.lab import BackendTopic
from medha_conformance.suite.loading import AuthorSettings, as_values
from medha_conformance.suite.reading import outcome_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic_settings import BaseSettings

    from medha_conformance.proxy import Proxy
    from medha_conformance.suite.lab import Lab

MARKER: Final = "s3cr3t-marker-7e1f"
_QUESTION_MARKER: Final = "Whose salary is 4711 marker?"


class SecretTopic(BackendTopic):
    """Every ``SecretStr`` and every password in an address is replaced by a marker that must then appear nowhere."""

    async def test_no_secret_is_seen_when_the_server_is_down(
        self, settings: AuthorSettings, proxy: Proxy, caplog: pytest.LogCaptureFixture
    ) -> None:
        proxy.stop()
        await self._look_for_the_marker(settings, caplog)

    async def test_no_secret_is_seen_when_the_server_refuses_or_accepts_it(
        self, settings: AuthorSettings, caplog: pytest.LogCaptureFixture
    ) -> None:
        await self._look_for_the_marker(settings, caplog)

    async def test_no_question_is_seen_in_an_error(self, lab: Lab, proxy: Proxy) -> None:
        collection = await lab.open()
        entry = make_entry("private", question=_QUESTION_MARKER, normalized_question=_QUESTION_MARKER)
        await lab.backend.upsert(collection, [entry])
        proxy.stop()
        try:
            for call in (
                lambda: lab.backend.upsert(collection, [entry]),
                lambda: lab.backend.get(collection, [entry.id]),
            ):
                outcome = await outcome_of(call())
                assert isinstance(outcome, BaseException), "the server is stopped, and the call succeeds"
                shown = f"{outcome} {outcome!r}"
                assert _QUESTION_MARKER not in shown, f"an error shows a question: {shown}"
        finally:
            proxy.mend()

    async def _look_for_the_marker(self, settings: AuthorSettings, caplog: pytest.LogCaptureFixture) -> None:
        plugin = installed_plugins().find(BackendPlugin, self.backend_name)
        variants = list(_with_markers(plugin.settings, as_values(plugin, settings)))
        if not variants:
            pytest.skip("the settings hold no secret: no SecretStr, and no address that could have a password")
        with caplog.at_level(logging.DEBUG):
            for what, values in variants:
                shown = await _everything_shown(plugin, values)
                shown["the log"] = caplog.text
                # the places alone: their text would bring the secret into the report
                places = [place for place, text in shown.items() if MARKER in text]
                assert places == [], f"{what} is seen in {' and '.join(places)}"


def _with_markers(settings: type[BaseSettings], values: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The values with a marker as every secret; then, for each address among them, with one as its password."""
    addresses = {name: text for name, value in values.items() if "://" in (text := _text(value))}
    secret = {
        name: MARKER
        for name, field in settings.model_fields.items()
        if name not in addresses and _holds_a_secret(field.annotation)
    }
    if secret:
        yield f"a secret in the setting {' and '.join(secret)}", {**values, **secret}
    for name, address in addresses.items():
        yield f"a password in the setting {name}", {**values, name: with_password(address, MARKER)}


def _text(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def _holds_a_secret(annotation: object) -> bool:
    return annotation is SecretStr or any(map(_holds_a_secret, getattr(annotation, "__args__", ())))


async def _everything_shown(plugin: BackendPlugin, values: Mapping[str, Any]) -> dict[str, str]:
    """All that somebody could read when a backend of these values is made, connected, used and closed."""
    try:
        chosen = read_settings(plugin.settings, **values)
        backend = make(plugin, chosen)
    except (ConfigurationError, PluginLoadError) as exc:
        return {"the error of the settings": _whole(exc)}
    shown = {"the repr of the settings": f"{chosen!r} {chosen}", "the repr of the backend": f"{backend!r} {backend}"}
    for name, call in {
        "connect": backend.connect,
        "count": lambda: backend.count("never made"),
        "close": backend.close,
    }.items():
        outcome = await outcome_of(call())
        if isinstance(outcome, BaseException):
            shown[f"the error of {name}"] = _whole(outcome)
    return shown


def _whole(error: BaseException) -> str:
    """The error with all its causes, as a log shows it and as a debugger does."""
    parts = [*traceback.format_exception(error)]
    seen: BaseException | None = error
    while seen is not None:
        parts.append(f"{seen!r} {seen.args!r}")
        seen = seen.__cause__ or seen.__context__
    return "".join(parts)
