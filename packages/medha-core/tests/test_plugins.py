"""Plugins found by name, in real distributions: what loads, and what each fault says."""

from __future__ import annotations

import importlib.metadata
import re
import sys
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest

from medha import (
    BackendPlugin,
    EmbedderPlugin,
    GuardPlugin,
    L1Plugin,
    Medha,
    MedhaSync,
    Settings,
    builtin_plugins,
)
from medha.errors import (
    ConfigurationError,
    DuplicatePluginError,
    PluginLoadError,
    PluginNotFoundError,
    PluginVersionError,
)
from medha.memory import MemoryBackend
from medha.plugins import Plugins, make, read_settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Install, WordsEmbedder

CORE_VERSION = importlib.metadata.version("medha-core")
BACKEND = """
    from medha import FULL, BackendPlugin, Capability, NoSettings, hookimpl

    CAPABILITIES = dict.fromkeys(Capability, FULL)

    def make(settings):
        from medha.memory import MemoryBackend
        return MemoryBackend()

    @hookimpl
    def medha_register_backends():
        return [BackendPlugin(
            name="{name}", factory={factory}, settings={settings}, capabilities=CAPABILITIES, api_version={api}
        )]
"""


def _backend(name: str, *, factory: str = "make", settings: str = "NoSettings", api: int = 1) -> str:
    return BACKEND.format(name=name, factory=factory, settings=settings, api=api)


def test_a_plugin_is_found_and_made_by_name(install: Install, plugins: Callable[[], Plugins]) -> None:
    install("far", _backend("far"))
    found = plugins()
    plugin = found.find(BackendPlugin, "far")
    assert isinstance(make(plugin), MemoryBackend)
    assert found.find(BackendPlugin, "far") is plugin
    assert found.names(BackendPlugin) == ["far", "memory"]


def test_the_built_in_plugins_come_by_the_same_way(plugins: Callable[[], Plugins]) -> None:
    found = plugins()
    assert isinstance(make(found.find(BackendPlugin, "memory")), MemoryBackend)
    assert found.find(L1Plugin, "memory").name == "memory"
    assert found.find(GuardPlugin, "numbers").name == "numbers"


def test_only_the_plugin_that_is_asked_for_is_imported(install: Install, plugins: Callable[[], Plugins]) -> None:
    wanted = install("far", _backend("far"))
    others = [install("slow", "raise SystemExit('imported')"), install("broken", "import no_such_module_at_all")]
    found = plugins()
    found.find(BackendPlugin, "memory")
    assert wanted not in sys.modules
    found.find(BackendPlugin, "far")
    assert wanted in sys.modules
    assert not sys.modules.keys() & set(others)


async def test_a_cache_is_built_from_an_installed_plugin(install: Install, embedder: WordsEmbedder) -> None:
    install("far", _backend("far"))
    async with Medha("tests", embedder, settings=Settings(backend_type="far")) as cache:
        await cache.store("total sales", "SELECT 1")
        assert (await cache.search("total sales")).generated_query == "SELECT 1"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("fra", "no backend named 'fra'; installed: far, memory. Did you mean 'far'?"),
        ("memroy", "no backend named 'memroy'; .* Did you mean 'memory'?"),
        ("elastic", "no backend named 'elastic'; installed: far, memory. Try: pip install medha-elastic"),
        ("", "no backend named ''; installed: far, memory."),
        ("../x; rm", "no backend named '../x; rm'; installed: far, memory."),
        (7, "a plugin name is a str, not int: 7"),
    ],
)
def test_a_missing_or_misspelt_name_says_what_to_do(
    install: Install, plugins: Callable[[], Plugins], asked: Any, message: str
) -> None:
    install("far", _backend("far"))
    with pytest.raises(PluginNotFoundError, match=message) as missing:
        plugins().find(BackendPlugin, asked)
    assert ("pip install" in str(missing.value)) == (asked == "elastic")


def test_a_name_of_another_kind_says_which(install: Install, plugins: Callable[[], Plugins]) -> None:
    install("far", _backend("far"))
    with pytest.raises(PluginNotFoundError, match=r"no embedder named 'far'; .* 'far' is installed as backend"):
        plugins().find(EmbedderPlugin, "far")
    with pytest.raises(PluginNotFoundError, match="'memory' is installed as backend and L1 cache"):
        plugins().find(EmbedderPlugin, "memory")


def test_a_name_that_its_plugin_does_not_offer_says_so(install: Install, plugins: Callable[[], Plugins]) -> None:
    install("near", _backend("far"))
    install("silent", "def medha_register_backends():\n    return []\n")
    for name in ("near", "silent"):
        with pytest.raises(PluginNotFoundError, match=f"medha-{name} 0.3 has an entry point of that name, but offers"):
            plugins().find(BackendPlugin, name)


@pytest.mark.parametrize(
    ("source", "message", "cause"),
    [
        ("import no_such_driver", "No module named 'no_such_driver'", ModuleNotFoundError),
        ("1 / 0", "division by zero", ZeroDivisionError),
        ("def broken(", "was never closed", SyntaxError),
        ("from medha import no_such_name", "cannot import name 'no_such_name'", ImportError),
        ("raise KeyError('TOKEN')", "TOKEN", KeyError),
    ],
)
def test_a_plugin_that_breaks_on_import_says_why_and_how_to_mend_it(
    install: Install, plugins: Callable[[], Plugins], source: str, message: str, cause: type[Exception]
) -> None:
    install("far", source)
    found = plugins()
    for _ in range(2):
        with pytest.raises(PluginLoadError, match=f"medha-far 0.3 failed to load: .*{message}") as broken:
            found.find(BackendPlugin, "far")
        assert isinstance(broken.value.__cause__, cause)
        assert str(broken.value).endswith("pip install --force-reinstall medha-far")


@pytest.mark.parametrize(("api", "upgrade"), [(2, "medha-core"), (0, "medha-far")])
def test_a_plugin_of_another_api_says_what_to_upgrade(
    install: Install, plugins: Callable[[], Plugins], api: int, upgrade: str
) -> None:
    install("far", _backend("far", api=api))
    found = plugins()
    speaks = rf"medha-far 0\.3 \(backend 'far'\) speaks plugin API {api}; this medha-core {CORE_VERSION} speaks 1"
    for _ in range(2):
        with pytest.raises(PluginVersionError, match=rf"{speaks}\. Try: pip install --upgrade {upgrade}$"):
            found.find(BackendPlugin, "far")


def test_a_name_that_two_distributions_claim_is_an_error_that_names_both(
    install: Install, plugins: Callable[[], Plugins]
) -> None:
    first = install("far", _backend("far"), distribution="medha-far")
    install("far", _backend("far"), distribution="medha-faraway", version="2.0")
    with pytest.raises(DuplicatePluginError, match=r"'far' is claimed by .*; uninstall one of them") as twice:
        plugins().find(BackendPlugin, "far")
    assert all(source in str(twice.value) for source in ("medha-far 0.3", "medha-faraway 2.0"))
    assert first not in sys.modules


def test_a_backend_that_two_distributions_offer_is_an_error_that_names_both(
    install: Install, plugins: Callable[[], Plugins]
) -> None:
    install("far", _backend("far"))
    install("further", _backend("far"))
    install("memory", _backend("memory"))
    found = plugins()
    found.find(BackendPlugin, "far")
    with pytest.raises(DuplicatePluginError, match=r"backend 'far' is offered by medha-far 0\.3 and by medha-further"):
        found.find(BackendPlugin, "further")
    with pytest.raises(DuplicatePluginError, match=r"'memory' is offered by medha-core .* and by medha-memory 0.3"):
        found.find(BackendPlugin, "memory")
    assert found.find(BackendPlugin, "far").name == "far"


def test_one_distribution_that_is_seen_twice_is_no_duplicate(install: Install, site: Path) -> None:
    install("far", _backend("far"))
    path = [str(site), str(site)]
    entry_points = [e for d in importlib.metadata.distributions(path=path) for e in d.entry_points] * 2
    assert Plugins(entry_points, builtin_plugins).find(BackendPlugin, "far").name == "far"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("medha_register_backends", "medha_register_backend", "unknown hook 'medha_register_backend'"),
        ("medha_register_backends()", "medha_register_backends(registry)", "hookimpl.*registry"),
        ("return [BackendPlugin(", "return ['far', BackendPlugin(", "returned 'far', not a plugin descriptor"),
        ("return [BackendPlugin(", "return BackendPlugin, [BackendPlugin(", "not a plugin descriptor"),
        ("return [BackendPlugin(", "return 7, [BackendPlugin(", "returned 7, not a plugin descriptor"),
        ("return [BackendPlugin(", "return 7 or [BackendPlugin(", "'int' object is not iterable"),
        ("return [BackendPlugin(", "return [BackendPlugin(colour=1)] + [BackendPlugin(", "'colour'"),
        ("return [BackendPlugin(", "1 / 0; return [BackendPlugin(", "division by zero"),
        ("return [BackendPlugin(", "return 2 * [BackendPlugin(", "'far' is offered 2 times"),
        (
            "settings=NoSettings",
            "settings=None",
            "'far' must be a class of BaseSettings .*, not None",
        ),
        ("settings=NoSettings", "settings=NoSettings()", "must be a class of BaseSettings"),
        ("settings=NoSettings", "settings=dict", "must be a class of BaseSettings .*, not <class 'dict'>"),
        ("factory=make", "factory='make'", "the factory of the backend 'far' is not callable: 'make'"),
    ],
)
def test_a_plugin_that_registers_wrongly_is_an_error_and_harms_no_other(
    install: Install, plugins: Callable[[], Plugins], old: str, new: str, message: str
) -> None:
    source = _backend("far")
    assert old in source
    install("far", source.replace(old, new))
    install("near", _backend("near"))
    found = plugins()
    for _ in range(2):
        with pytest.raises(PluginLoadError, match=rf"medha-far 0\.3 failed to register its hooks: [\s\S]*{message}"):
            found.find(BackendPlugin, "far")
    assert found.find(BackendPlugin, "near").name == "near"
    assert found.names(BackendPlugin) == ["memory", "near"]


def test_installed_shows_every_plugin_and_why_one_does_not_load(
    install: Install, plugins: Callable[[], Plugins]
) -> None:
    install("far", _backend("far"), version="1.2")
    install("broken", "import no_such_driver")
    install("newer", _backend("newer", api=2))
    install("twice", _backend("twice"))
    install("twice", _backend("twice"), distribution="medha-twice-again")
    found = plugins()
    for _ in range(2):
        shown = {(p.name, p.distribution): p for p in found.installed()}
        assert shown["far", "medha-far"].version == "1.2"
        assert shown["far", "medha-far"].offers == (("backend", "far"),)
        assert shown["far", "medha-far"].error is None
        errors = {name: type(plugin.error) for (name, _), plugin in shown.items() if plugin.error}
        assert errors == {"broken": PluginLoadError, "newer": PluginVersionError, "twice": DuplicatePluginError}
        assert shown["memory", "medha-core"].version == CORE_VERSION


def test_the_prefix_of_a_plugin_s_variables_is_its_name(install: Install, plugins: Callable[[], Plugins]) -> None:
    install("far-away", _backend("far-away"))
    assert plugins().prefixes() == ["MEDHA_FAR_AWAY_"]


WITH_SETTINGS = """
    from pydantic import SecretStr
    from pydantic_settings import BaseSettings, SettingsConfigDict

    class FarSettings(BaseSettings):
        model_config = SettingsConfigDict(env_prefix="MEDHA_FAR_", extra="forbid", frozen=True)
        url: str
        token: SecretStr
        pool_size: int = 5
        hosts: list[str] = []
"""


@pytest.fixture
def far(install: Install, plugins: Callable[[], Plugins]) -> BackendPlugin:
    install("far", dedent(WITH_SETTINGS) + dedent(_backend("far", settings="FarSettings")))
    return plugins().find(BackendPlugin, "far")


def test_settings_that_are_missing_or_wrong_are_named_with_their_variables(
    far: BackendPlugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDHA_FAR_POOL_SIZE", "many")
    with pytest.raises(ConfigurationError, match="FarSettings: ") as refused:
        make(far)
    for part in ("url (MEDHA_FAR_URL): Field required", "token (MEDHA_FAR_TOKEN)", "pool_size (MEDHA_FAR_POOL_SIZE)"):
        assert part in str(refused.value)
    with pytest.raises(ConfigurationError, match=r"there is no setting 'pol_size'\. Did you mean 'pool_size'"):
        read_settings(far.settings, url="x", pol_size=3)


def test_a_variable_that_is_not_what_its_setting_holds_is_named(
    far: BackendPlugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDHA_FAR_HOSTS", "a,b")
    with pytest.raises(ConfigurationError, match=r'FarSettings \(MEDHA_FAR_\.\.\.\): .*"hosts"'):
        make(far)


def test_a_text_that_is_given_is_read_as_the_variable_would_be(
    far: BackendPlugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDHA_FAR_TOKEN", "hush")
    settings = read_settings(far.settings, url="[1]", hosts='["a", "b"]')
    assert settings.model_dump(include={"url", "hosts"}) == {"url": "[1]", "hosts": ["a", "b"]}
    with pytest.raises(ConfigurationError, match=r"FarSettings: hosts \(MEDHA_FAR_HOSTS\): is not valid JSON"):
        read_settings(far.settings, url="x", hosts="a,b")


@pytest.mark.parametrize(
    ("name", "hint"), [("POL_SIZE", "did you mean MEDHA_FAR_POOL_SIZE?"), ("XYZ", "the settings are MEDHA_FAR_HOSTS, ")]
)
def test_a_variable_that_is_no_setting_of_its_plugin_is_an_error(
    far: BackendPlugin, monkeypatch: pytest.MonkeyPatch, name: str, hint: str
) -> None:
    monkeypatch.setenv(f"MEDHA_FAR_{name}", "5")
    with pytest.raises(ConfigurationError, match=re.escape(f"environment variable MEDHA_FAR_{name}: {hint}")):
        make(far)


def test_a_variable_of_a_plugin_with_a_longer_name_is_no_error(
    far: BackendPlugin, install: Install, monkeypatch: pytest.MonkeyPatch, plugins: Callable[[], Plugins]
) -> None:
    install("far-away", _backend("far-away"))
    monkeypatch.setattr("medha.plugins.installed_plugins", plugins)
    monkeypatch.setenv("MEDHA_FAR_URL", "x")
    monkeypatch.setenv("MEDHA_FAR_TOKEN", "hush")
    monkeypatch.setenv("MEDHA_FAR_AWAY_PORT", "5")
    assert isinstance(make(far), MemoryBackend)


def test_settings_come_from_the_variables(far: BackendPlugin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDHA_FAR_URL", "x")
    monkeypatch.setenv("MEDHA_FAR_TOKEN", "hush")
    settings = read_settings(far.settings)
    assert settings.model_dump()["url"] == "x"
    assert "hush" not in repr(settings)
    assert isinstance(make(far), MemoryBackend)


@pytest.mark.parametrize(
    ("body", "message", "error"),
    [
        ("import no_such_driver", "backend 'far' failed to load: No module named 'no_such_driver'", PluginLoadError),
        ("raise OSError('disk gone')", "backend 'far' could not be made: OSError: disk gone", PluginLoadError),
        ("from medha.errors import ConfigurationError; raise ConfigurationError('two urls')", "two urls", ValueError),
    ],
)
def test_a_plugin_that_fails_to_be_made_says_which(
    install: Install, plugins: Callable[[], Plugins], body: str, message: str, error: type[Exception]
) -> None:
    install("far", _backend("far").replace("from medha.memory import MemoryBackend", body))
    with pytest.raises(error, match=message):
        make(plugins().find(BackendPlugin, "far"))


async def test_a_plugin_that_makes_something_else_is_refused(install: Install, embedder: WordsEmbedder) -> None:
    install("far", _backend("far", factory="lambda settings: settings"))
    with pytest.raises(ConfigurationError, match="the backend 'far' made a NoSettings, no VectorStorageBackend"):
        await Medha("tests", embedder, "far").start()


def test_a_blocking_cache_gives_the_same_errors(install: Install, embedder: WordsEmbedder) -> None:
    install("far", "import no_such_driver")
    with pytest.raises(PluginLoadError, match=r"medha-far 0\.3 failed to load"):
        MedhaSync("tests", embedder, "far").start()
