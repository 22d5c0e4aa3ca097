"""A suite run on an installed plugin, by a pytest that knows nothing of the folder it is started in."""

from __future__ import annotations

import contextlib
import importlib.metadata
import io
import os
import sys
import tempfile
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import pytest

from medha import BackendPlugin, EmbedderPlugin, ExtractorPlugin, GuardPlugin, L1Plugin
from medha.plugins import installed_plugins, read_settings
from medha_conformance.runner.report import Outcome, Report
from medha_conformance.runner.versions import server_version
from medha_conformance.services import SERVICES, Servers, Service, ServiceAbsentError, register_service

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from medha import Capability, Support

Plugin: TypeAlias = BackendPlugin | EmbedderPlugin | L1Plugin | GuardPlugin | ExtractorPlugin

KINDS: Final[Mapping[str, tuple[Any, str, str]]] = {
    "backend": (BackendPlugin, "BackendSuite", "backend_name"),
    "embedder": (EmbedderPlugin, "EmbedderSuite", "embedder_name"),
    "l1": (L1Plugin, "L1Suite", "l1_name"),
    "guard": (GuardPlugin, "GuardSuite", "guard_name"),
    "extractor": (ExtractorPlugin, "ExtractorSuite", "extractor_name"),
    "reviewer": (GuardPlugin, "ReviewerSuite", "reviewer_name"),
}
FOLDER: Final = "{folder}"
"""What stands in a setting for a folder that is new for each test."""

_CONFIGURATION: Final = """\
[pytest]
asyncio_mode = strict
asyncio_default_fixture_loop_scope = function
xfail_strict = true
faulthandler_timeout = 600
junit_family = xunit2
filterwarnings =
    error::ResourceWarning
    error::pytest.PytestUnraisableExceptionWarning
"""
_TEST_FILE: Final = """\
import pytest

from medha_conformance import {suite}

VALUES = {values!r}


class TestInstalled({suite}):
    {attribute} = {name!r}
    known_failures = {known_failures!r}
{service}
    @pytest.fixture
    def settings(self, tmp_path{argument}):
        values = {{key: value.replace({folder!r}, str(tmp_path)) for key, value in VALUES.items()}}
        return values{address}
{examples}"""
_EXAMPLES: Final = """
    @pytest.fixture
    def examples(self):
        return {examples!r}
"""


class UnusableRunError(Exception):
    """The run cannot begin as it was asked for; the message says what to ask for instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What is to be run."""

    kind: str
    name: str
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    service: str | None = None
    """The server to look for; by default the one of the plugin's name, if there is one. An empty text means none."""
    service_url: str | None = None
    known_failures: Mapping[str, str] = field(default_factory=dict[str, str])
    examples: Sequence[tuple[str, str, str]] = ()
    """Of an extractor: questions, each with a label and the piece that it gives the label."""
    on_the_wire: bool = False
    """What answers at the address only speaks the server's protocol; the report says so."""


def run(asked: Run, folder: Path, *, progress: Any = sys.stderr) -> Report:
    """Run the suite, and write the report with ``junit.xml`` into the folder.

    Raises:
        UnusableRunError: a service makes no sense, or an extractor comes without examples.
        medha.errors.ConfigurationError: a setting is none of the plugin's, is wrong, or is missing.
        medha.errors.PluginError: there is no such plugin, or it does not load.
    """
    plugin = _find(asked)
    _check_examples(asked)
    service = _service(asked, plugin)
    watch = _Watch(progress)
    with tempfile.TemporaryDirectory(prefix="medha-conformance-") as place, contextlib.ExitStack() as stack:
        address = stack.enter_context(_serving(service, asked.service_url))
        declared = _declared(plugin, _values(asked, address, place))
        folder.mkdir(parents=True, exist_ok=True)
        (Path(place) / "pytest.ini").write_text(_CONFIGURATION, encoding="utf-8")
        test_file = Path(place) / "test_installed.py"
        test_file.write_text(_source(asked, service), encoding="utf-8")
        with (
            _alone({} if service is None or address is None else {service.variable: address}),
            contextlib.redirect_stdout(io.StringIO()),
        ):
            pytest.main(_arguments(Path(place), folder, test_file), plugins=[watch])
        against = "this process" if service is None else _against(asked, service, address)
    served_by = "none" if service is None else "wire" if asked.on_the_wire else "live"
    report = _report(asked, plugin, watch.tests, (against, served_by), declared)
    report.write(folder)
    return report


def _find(asked: Run) -> Plugin:
    kind, _, _ = KINDS[asked.kind]
    return cast("Any", installed_plugins()).find(kind, asked.name)


def _check_examples(asked: Run) -> None:
    if asked.kind == "extractor" and len({text for text, _, _ in asked.examples}) < 2:
        raise UnusableRunError(
            f"nobody knows what the extractor {asked.name!r} finds: give two questions or more, each with a label and "
            "the piece that gets it: --example 'users from Rome' GPE Rome"
        )
    if asked.kind != "extractor" and asked.examples:
        raise UnusableRunError(f"examples are for extractors, and {asked.name!r} is asked for as {asked.kind}")


def _service(asked: Run, plugin: Plugin) -> Service | None:
    """The service that the plugin needs."""
    if asked.service == "":
        return None
    known = asked.service or (asked.name if asked.name in SERVICES else None)
    if "url" in asked.settings or (known is None and asked.service_url is None):
        return None
    if known is not None and known not in SERVICES:
        raise UnusableRunError(f"no service is called {known!r}; there are {', '.join(sorted(SERVICES))}")
    name = known or asked.name
    if "url" not in plugin.settings.model_fields:
        settings = ", ".join(sorted(plugin.settings.model_fields)) or "none"
        raise UnusableRunError(
            f"the {plugin.kind} {plugin.name!r} has no setting `url` for the address of {name!r}; its settings are: "
            f"{settings}. Give the address with --setting, and --service none"
        )
    if known is None:
        register_service(Service(name, f"MEDHA_TEST_{name.upper().replace('-', '_')}_URL"))
    return SERVICES[name]


@contextlib.contextmanager
def _serving(service: Service | None, given: str | None) -> Generator[str | None]:
    """The server's address for the whole run; a started one is stopped after it."""
    if service is None or given is not None:
        yield given
        return
    with Servers() as servers:
        try:
            address = servers.find(service.name)
        except ServiceAbsentError as exc:
            raise UnusableRunError(f"{exc}. Start one, and give its address with --service-url") from exc
        yield address


def _source(asked: Run, service: Service | None) -> str:
    _, suite, attribute = KINDS[asked.kind]
    argument = address = line = ""
    if service is not None and asked.kind == "backend":
        line, argument, address = f"    service = {service.name!r}\n", ", service_url", ' | {"url": service_url}'
    elif service is not None:
        argument, address = ", find_service", f' | {{"url": find_service({service.name!r})}}'
    return _TEST_FILE.format(
        suite=suite,
        attribute=attribute,
        name=asked.name,
        values=dict(asked.settings),
        known_failures=dict(asked.known_failures),
        service=line,
        argument=argument,
        address=address,
        folder=FOLDER,
        examples=_EXAMPLES.format(examples=list(asked.examples)) if asked.examples else "",
    )


def _arguments(place: Path, folder: Path, test_file: Path) -> list[str]:
    plugins = ["pytest_asyncio.plugin", "medha_conformance.pytest_plugin", "no:cacheprovider"]
    return [
        f"--config-file={place / 'pytest.ini'}", f"--rootdir={place}", f"--confcutdir={place}",
        f"--basetemp={place / 'tmp'}", "--import-mode=importlib", "--noconftest", "--capture=sys",
        f"--junit-xml={folder / 'junit.xml'}", *(part for name in plugins for part in ("-p", name)), str(test_file),
    ]  # fmt: skip


@contextlib.contextmanager
def _alone(variables: Mapping[str, str]) -> Generator[None]:
    """With these variables, and without what the user's environment tells every other pytest."""
    before = dict(os.environ)
    for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS"):
        os.environ.pop(name, None)
    os.environ.update({"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **variables})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _against(asked: Run, service: Service, address: str | None) -> str:
    if asked.on_the_wire:
        return "wire only; not run against a live service"
    version = None if address is None else server_version(address)
    return f"{service.name} {version}" if version else f"{service.name}, which does not say its version"


def _values(asked: Run, address: str | None, place: str) -> Mapping[str, str]:
    values = {name: value.replace(FOLDER, place) for name, value in asked.settings.items()}
    return values if address is None else {**values, "url": address}


def _declared(plugin: Plugin, values: Mapping[str, str]) -> Mapping[Capability, Support]:
    """What the plugin can do with these settings; what is wrong with one is said here, and not by every test."""
    settings = read_settings(plugin.settings, **values)
    return plugin.declared_with(settings) if isinstance(plugin, BackendPlugin) else {}


def _report(
    asked: Run,
    plugin: Plugin,
    tests: Mapping[str, Outcome],
    server: tuple[str, str],
    declared: Mapping[Capability, Support],
) -> Report:
    against, served_by = server
    offered = (plugin.kind, plugin.name)
    source = next(found for found in installed_plugins().installed() if offered in found.offers)
    return Report(
        kind=asked.kind,
        name=asked.name,
        distribution=source.distribution,
        version=source.version,
        suite=importlib.metadata.version("medha-conformance"),
        ran_against=against,
        served_by=served_by,
        capabilities={str(name): support.reason or "full" for name, support in declared.items()},
        tests=dict(sorted(tests.items())),
    )


class _Watch:
    """A plugin of the run that keeps what became of each test, and tells how far it is."""

    def __init__(self, progress: Any) -> None:
        self.tests: dict[str, Outcome] = {}
        self._progress = progress
        self._total = 0

    def pytest_configure(self, config: pytest.Config) -> None:  # noqa: ARG002 - pytest gives it by name
        with warnings.catch_warnings():
            # the kit was imported by the command, before pytest could rewrite it; the topics were not
            warnings.simplefilter("ignore", pytest.PytestAssertRewriteWarning)
            pytest.register_assert_rewrite("medha_conformance.suite")

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._total = len(session.items)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.tests["collecting the tests"] = Outcome("failed", report.longreprtext)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        name = report.nodeid.rpartition("::")[2]
        if report.failed:
            self.tests[name] = Outcome("failed", report.longreprtext)
        elif hasattr(report, "wasxfail"):
            self.tests[name] = Outcome("known failure", report.wasxfail.removeprefix("reason: "))
        elif report.skipped:
            self.tests[name] = Outcome("skipped", _skip_reason(report))
        elif report.when == "call":
            self.tests.setdefault(name, Outcome("passed"))
        if report.when == "teardown" and self._progress.isatty():
            self._progress.write(f"\r\x1b[K{len(self.tests)}/{self._total} {name[:90]}")
            if len(self.tests) == self._total:
                self._progress.write("\r\x1b[K")
            self._progress.flush()


def _skip_reason(report: pytest.TestReport) -> str:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
    return reason.removeprefix("Skipped: ")
