"""Every exception of Medha. Catch the widest one that you can do something about.

MedhaError
├── ConfigurationError (also ValueError)     settings that cannot be used
│   └── TemplateError                        a template, or a file of them, that cannot be used
├── PluginError                              a plugin, looked up by name
│   ├── PluginNotFoundError                  no such name is installed
│   ├── PluginLoadError                      installed, but it failed to import or register
│   ├── PluginVersionError                   speaks another plugin API
│   └── DuplicatePluginError                 two distributions claim one name
├── LifecycleError                           used before start or after close
├── InvalidInputError (also ValueError)      refused before anything was stored
│   ├── InvalidQuestionError
│   ├── InvalidQueryError
│   ├── InvalidMetadataError                 metadata or filters
│   ├── InvalidTTLError
│   ├── InvalidVectorError
│   ├── InvalidEntryError                    one of many entries; ``index`` says which
│   └── ScopeRequiredError                   ``require_scope`` is on and no scope was given
├── FileError                                a file to warm from, export to, or load templates from
│   ├── FileNotAllowedError                  outside ``allowed_file_dir``
│   ├── FileTooLargeError
│   └── FileFormatError                      not JSON, JSONL or CSV of the documented shape
├── MissingDependencyError                   an optional library is not installed
├── BackendError                             the backend
│   ├── BackendUnavailableError              down, refused, locked, connection dropped
│   │   └── BackendTimeoutError              no answer within ``backend_timeout``
│   ├── BackendWriteError                    full disk, read-only, quota
│   ├── CollectionMismatchError              opened with another model or dimension than it was made with
│   ├── CollectionNotFoundError              not initialised
│   ├── CorruptEntryError                    stored bytes that cannot be an entry
│   └── UnsupportedError                     a capability that the backend declares it lacks
├── EmbedderError                            the embedder
│   ├── EmbedderUnavailableError
│   ├── EmbedderTimeoutError                 no vector within ``embedding_timeout``
│   ├── EmbedderInputError                   a text that the model does not take: too long, refused
│   └── EmbedderOutputError                  vectors of the wrong number, shape or values
├── ExtractorError                           an extractor, asked by a template
│   ├── ExtractorUnavailableError
│   ├── ExtractorTimeoutError                no spans within ``extraction_timeout``
│   └── ExtractorOutputError                 spans that do not lie in the text, or of labels not asked for
├── L1Error                                  the L1 cache
├── PartialWriteError                        a bulk write stopped midway; ``stored`` says how many are in
├── ListenerError                            a listener failed; counted, never raised
├── MigrationError                           refused, since it would mix two collections; or the copy is not the source
└── GenerationError                          ``generate`` returned something that is not a query
"""

from __future__ import annotations


class MedhaError(Exception):
    """The root: catches everything that Medha raises on purpose."""


class ConfigurationError(MedhaError, ValueError):
    """Settings that cannot be used."""


class TemplateError(ConfigurationError):
    """A query template, or a file of them, that cannot be used."""


class PluginError(MedhaError):
    """A plugin could not be had by its name."""


class PluginNotFoundError(PluginError):
    """No plugin of that name and kind is installed."""


class PluginLoadError(PluginError):
    """The plugin is installed, but importing or registering it failed."""


class PluginVersionError(PluginError):
    """The plugin speaks another version of the plugin API."""


class DuplicatePluginError(PluginError):
    """Two distributions offer the same plugin name."""


class LifecycleError(MedhaError):
    """Used before start, after close, or from a place that would deadlock."""


class InvalidInputError(MedhaError, ValueError):
    """An argument was refused; nothing was stored."""


class InvalidQuestionError(InvalidInputError):
    """The question is not a usable text."""


class InvalidQueryError(InvalidInputError):
    """The generated query is not a usable text."""


class InvalidMetadataError(InvalidInputError):
    """Metadata or filters are not flat str, int, float and bool values."""


class InvalidTTLError(InvalidInputError):
    """A time to live is not a positive, finite number of seconds."""


class InvalidVectorError(InvalidInputError):
    """A vector has NaN, infinity, zero length or the wrong dimension."""


class InvalidEntryError(InvalidInputError):
    """One of many entries was refused, and nothing of the call was stored.

    ``index`` counts from 0 in the order the entries were given.
    """

    def __init__(self, message: str, *, index: int) -> None:
        super().__init__(message)
        self.index = index


class ScopeRequiredError(InvalidInputError):
    """``require_scope`` is on, and the call names no scope."""


class FileError(MedhaError):
    """A file could not be read or written."""


class FileNotAllowedError(FileError):
    """The file lies outside ``allowed_file_dir``, symlinks resolved."""


class FileTooLargeError(FileError):
    """The file is larger than ``max_file_size_mb``."""


class FileFormatError(FileError):
    """The file is not of the documented format."""


class MissingDependencyError(MedhaError):
    """An optional library that this call needs is not installed."""


class BackendError(MedhaError):
    """The backend failed."""


class BackendUnavailableError(BackendError):
    """The backend is down, refused the connection, is locked, or dropped it."""


class BackendTimeoutError(BackendUnavailableError):
    """The backend did not answer in time."""


class BackendWriteError(BackendError):
    """The backend could not keep what it was given: full, read-only or over quota."""


class CollectionMismatchError(BackendError):
    """The collection was made with another embedding model or dimension."""


class CollectionNotFoundError(BackendError):
    """The collection was never initialised, or was dropped."""


class CorruptEntryError(BackendError):
    """Stored bytes that cannot be an entry; never reported as a miss."""


class UnsupportedError(BackendError):
    """The backend declares that it lacks this capability."""


class EmbedderError(MedhaError):
    """The embedder failed."""


class EmbedderUnavailableError(EmbedderError):
    """The embedder could not be loaded or reached.

    ``transient``: the same call may succeed later; after ``retry_after`` seconds, where the other side said so.
    """

    def __init__(self, message: str, *, transient: bool = False, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.transient = transient
        self.retry_after = retry_after


class EmbedderTimeoutError(EmbedderError):
    """The embedder gave no vector in time."""


class EmbedderInputError(EmbedderError):
    """The embedder does not take a text: it is too long for the model, or was refused."""


class EmbedderOutputError(EmbedderError):
    """The embedder returned vectors of the wrong number, shape or values."""


class ExtractorError(MedhaError):
    """An extractor failed; the templates that ask it answer nothing."""


class ExtractorUnavailableError(ExtractorError):
    """The extractor's model could not be loaded."""


class ExtractorTimeoutError(ExtractorError):
    """The extractor gave no spans in time."""


class ExtractorOutputError(ExtractorError):
    """The extractor returned what cannot be spans of the text."""


class L1Error(MedhaError):
    """The L1 cache failed."""


class PartialWriteError(MedhaError):
    """A bulk write stopped midway; the cause is chained.

    ``stored`` entries, the first ones in the given order, are stored and stay stored.
    """

    def __init__(self, message: str, *, stored: int) -> None:
        super().__init__(message)
        self.stored = stored


class ListenerError(MedhaError):
    """A listener failed on a decision; it is counted and logged, and no lookup raises it."""


class MigrationError(MedhaError):
    """A migration was refused before anything was written, or its copy is not what the source holds."""


class GenerationError(MedhaError):
    """``generate`` returned something that is not a query."""
