from medha import FULL, PLUGIN_API, BackendPlugin, Capability, hookimpl, impossible
from medha_shelf.settings import ShelfSettings

CAPABILITIES = {
    Capability.METADATA_FILTER: FULL,
    Capability.EXACT_SEARCH: FULL,
    Capability.DURABLE: FULL,
    Capability.SHARED: impossible("one process holds the whole collection"),
    Capability.ONE_ROUND_TRIP: impossible("the files are read in this process"),
}


def _make(settings: ShelfSettings):
    from medha_shelf.backend import ShelfBackend  # only now: finding plugins stays cheap

    return ShelfBackend(settings)


@hookimpl
def medha_register_backends():
    return [
        BackendPlugin(
            name="shelf", factory=_make, settings=ShelfSettings, capabilities=CAPABILITIES, api_version=PLUGIN_API
        )
    ]
