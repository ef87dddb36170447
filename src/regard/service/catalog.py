"""The models of the service: which direction each translates, and which of them are in memory."""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from regard.errors import ConfigError
from regard.files.installed_models import find_model, is_name, name_hint
from regard.service.errors import ServiceError
from regard.text.languages import closest, english_name, parse_direction
from regard.translation.loading import stored_directions
from regard.translation.translator import Translator

_LOG = logging.getLogger("regard.service")
COPIES = 2
"""Memory of a model as a multiple of its files: the weights, and their copy packed for the search."""


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A model, or an ensemble, that the service may load, for one translation direction.

    Attributes:
        source: Canonical code of the source language.
        target: Canonical code of the target language.
        paths: Directory of the model, or of a model exported for another engine; several for an ensemble.
    """

    source: str
    target: str
    paths: tuple[Path, ...]

    @property
    def name(self) -> str:
        """The direction, such as `en-fr`."""
        return f"{self.source}-{self.target}"

    @property
    def memory_bytes(self) -> int:
        """Estimated memory of the loaded model, in bytes, from the size of its files."""
        try:
            sizes = [file.stat().st_size for path in self.paths for file in path.iterdir() if file.is_file()]
        except OSError:  # the directory was removed, or is being replaced
            return 0
        return COPIES * sum(sizes)


@dataclass(frozen=True, slots=True)
class Language:
    """A language of the service, and the languages that it can be translated to.

    Attributes:
        code: Canonical code.
        name: English name.
        targets: Codes of the languages that it can be translated to, directly or through a third language.
    """

    code: str
    name: str
    targets: tuple[str, ...]


@dataclass
class _Loaded:
    """A model in memory.

    Attributes:
        translator: The opened model.
        entry: The model, in one of its directions.
        used: Time at which the model was last used, by the monotonic clock.
        users: Number of requests that use the model now.
    """

    translator: Translator
    entry: ModelEntry
    used: float = field(default_factory=time.monotonic)
    users: int = 0


def parse_model(text: str) -> tuple[ModelEntry, ...]:
    """Parses a model argument of the command line.

    Args:
        text: `DIR`, or `SOURCE-TARGET=DIR` for a model that was trained without the option `--langs`; several
            directories joined by `+` form an ensemble. The name of an installed model stands for its directory.

    Returns:
        An entry per pair of languages that the model was trained on, with its directories.

    Raises:
        ConfigError: The languages are neither given nor stored with the model, or a directory does not exist.
    """
    languages, separator, rest = text.partition("=")
    names = rest if separator and "/" not in languages else text
    paths = tuple(map(find_model, names.split("+") if not Path(names).exists() else [names]))
    for path in paths:
        if not path.is_dir():
            named = f", or {name_hint()}" if is_name(path) else ""
            raise ConfigError(
                f"{path}: expected the directory of a model or of what `regard export` wrote{named}, found none: "
                "check the path"
            )
    if names is rest and separator:
        return (ModelEntry(*parse_direction(languages), paths),)
    directions = stored_directions(paths[0])
    if not directions:
        raise ConfigError(
            f"{paths[0]}: the model does not know its languages: name them, as in --model en-fr={names} (a model "
            "trained with --langs en-fr knows them)"
        )
    return tuple(ModelEntry(source, target, paths) for source, target in directions)


class Catalog:
    """The models of the service by translation direction, loaded when they are first needed.

    All methods are called from the event loop of the service.

    Args:
        entries: The models; of several for the same direction, the first is used.
        load: Opens the model of an entry; called in a thread.
        memory_limit: Bytes that loaded models may take, by the sizes of their files; the least recently used are
            unloaded when another is needed. None = no limit.
    """

    def __init__(
        self,
        entries: Sequence[ModelEntry],
        load: Callable[[ModelEntry], Translator],
        *,
        memory_limit: int | None = None,
    ) -> None:
        self._entries: dict[tuple[str, str], ModelEntry] = {}
        for entry in entries:
            self._entries.setdefault((entry.source, entry.target), entry)
        self._load, self._memory_limit = load, memory_limit
        self._loaded: dict[tuple[Path, ...], _Loaded] = {}  # one for all languages of a model
        self._loading: dict[tuple[Path, ...], asyncio.Lock] = {}
        self._reloading = asyncio.Lock()
        self._languages: list[Language] | None = None

    def add(self, entry: ModelEntry) -> None:
        """Adds a model to the catalog.

        Args:
            entry: The model; it replaces a model of the same direction.
        """
        self._entries[entry.source, entry.target] = entry

    @property
    def entries(self) -> tuple[ModelEntry, ...]:
        """All models, in the order given."""
        return tuple(self._entries.values())

    @property
    def num_loaded(self) -> int:
        """Number of models in memory."""
        return len(self._loaded)

    @property
    def sources(self) -> tuple[str, ...]:
        """Codes of all source languages."""
        return tuple(dict.fromkeys(source for source, _ in self._entries))

    @property
    def targets(self) -> tuple[str, ...]:
        """Codes of all target languages."""
        return tuple(dict.fromkeys(target for _, target in self._entries))

    def languages(self) -> list[Language]:
        """All languages of the models, each with the languages that it can be translated to.

        Returns:
            The languages, sorted by name. A language that no model has as its source has no targets.
        """
        if self._languages is None:
            codes = dict.fromkeys((*self.sources, *self.targets))
            languages = [
                Language(code, english_name(code), tuple(sorted(target for target in codes if self.path(code, target))))
                for code in codes
            ]
            self._languages = sorted(languages, key=lambda language: language.name)
        return self._languages

    def path(self, source: str, target: str) -> tuple[ModelEntry, ...]:
        """The models that translate from one language to another, directly or through a third language.

        Args:
            source: Canonical code of the source language.
            target: Canonical code of the target language.

        Returns:
            One model; two, of which the second translates the output of the first, if no model was trained to translate
            directly; one model of several languages that was never trained on this pair; empty if there is no way.
        """
        direct = self._entries.get((source, target))
        if direct is not None:
            return (direct,)
        if source == target:
            return ()
        for (first, between), entry in self._entries.items():
            if first == source and (between, target) in self._entries:
                return entry, self._entries[between, target]
        return self._untrained(source, target)

    def _untrained(self, source: str, target: str) -> tuple[ModelEntry, ...]:
        """A model that knows both languages, but was never trained on this pair; none if there is no such model."""
        to_target = {entry.paths for entry in self._entries.values() if entry.target == target}
        for entry in self._entries.values():
            if entry.source == source and entry.paths in to_target:
                return (replace(entry, target=target),)
        return ()

    def find_language(self, code: str, *, source: bool) -> str | None:
        """Finds the language of this service that best matches a language code.

        Args:
            code: Language code in any spelling that `canonical` accepts, such as `PT_br`.
            source: Whether to search the source languages (True) or the target languages of the models.

        Returns:
            Canonical code of the language; None if the service has no such language.
        """
        try:
            return closest(code, self.sources if source else self.targets)
        except ConfigError:
            return None

    def is_loaded(self, entry: ModelEntry) -> bool:
        """Whether a model is in memory.

        Args:
            entry: One of `entries`.

        Returns:
            Whether the model is loaded.
        """
        return entry.paths in self._loaded

    def loaded(self, entry: ModelEntry) -> Translator | None:
        """The translator of a model, if it is in memory.

        Args:
            entry: One of `entries`.

        Returns:
            The translator; None if the model is not loaded.
        """
        loaded = self._loaded.get(entry.paths)
        return None if loaded is None else loaded.translator

    @asynccontextmanager
    async def using(self, entry: ModelEntry) -> AsyncIterator[Translator]:
        """Opens a model for a request, loading it if necessary, and keeps it in memory until the request ends.

        Args:
            entry: One of `entries`.

        Yields:
            The translator.

        Raises:
            ServiceError: The model cannot be loaded.
        """
        async with self._loading.setdefault(entry.paths, asyncio.Lock()):
            loaded = self._loaded.get(entry.paths)
            if loaded is None:
                self._make_room(entry)
                loaded = self._loaded[entry.paths] = _Loaded(await self._open(entry), entry)
        loaded.users += 1
        try:
            yield loaded.translator
        finally:
            loaded.users -= 1
            loaded.used = time.monotonic()

    async def reload(self) -> None:
        """Opens all loaded models again from their files; running requests keep the old models.

        A model that cannot be opened is kept as it is, and the error is logged.
        """
        async with self._reloading:
            for entry in [loaded.entry for loaded in self._loaded.values()]:
                try:
                    translator = await self._open(entry)
                except ServiceError as error:
                    _LOG.error("model not reloaded", extra={"model": entry.name, "reason": str(error)})
                    continue
                if entry.paths in self._loaded:  # otherwise it was unloaded by now
                    self._loaded[entry.paths] = _Loaded(translator, entry)
                    _LOG.info("model reloaded", extra={"model": entry.name})

    async def _open(self, entry: ModelEntry) -> Translator:
        start = time.monotonic()
        try:
            translator = await asyncio.get_running_loop().run_in_executor(None, self._load, entry)
        except Exception as error:
            _LOG.error("model not loaded", extra={"model": entry.name, "reason": str(error)})
            raise ServiceError(
                f"the model {entry.name} cannot be loaded; the log of the service has the reason",
                status=503,
                code="model_unavailable",
                retry_after=60,
            ) from error
        _LOG.info("model loaded", extra={"model": entry.name, "seconds": round(time.monotonic() - start, 2)})
        return translator

    def _make_room(self, entry: ModelEntry) -> None:
        """Unloads models that no request uses, the least recently used first, until another one fits."""
        if self._memory_limit is None:
            return
        idle = sorted((other for other in self._loaded.values() if not other.users), key=lambda other: other.used)
        total = sum(other.entry.memory_bytes for other in self._loaded.values()) + entry.memory_bytes
        for other in idle:
            if total <= self._memory_limit:
                break
            total -= other.entry.memory_bytes
            del self._loaded[other.entry.paths]
            _LOG.info("model unloaded", extra={"model": other.entry.name})
        gc.collect()
