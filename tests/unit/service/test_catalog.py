"""Models by direction: pivots, loading once, unloading by memory, reloading, errors."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, cast

import pytest

from regard.errors import CheckpointError, ConfigError
from regard.service import catalog as catalog_module
from regard.service.catalog import Catalog, ModelEntry, parse_model
from regard.service.errors import ServiceError
from regard.translation.translator import Translator


class Loader:
    """Loads stand-ins for translators, and counts."""

    def __init__(self, *, broken: tuple[str, ...] = ()) -> None:
        self.loaded: list[str] = []
        self.broken = broken

    def __call__(self, entry: ModelEntry) -> Translator:
        self.loaded.append(entry.name)
        if entry.name in self.broken:
            raise CheckpointError("damaged")
        return cast("Translator", object())


def entries(directory: Path, *names: str, size: int = 100) -> list[ModelEntry]:
    made = []
    for name in names:
        path = directory / name
        path.mkdir()
        (path / "weights").write_bytes(bytes(size))
        source, target = name.split("-", 1)
        made.append(ModelEntry(source, target, (path,)))
    return made


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 30))


def test_paths_and_languages(tmp_path: Path) -> None:
    catalog = Catalog(entries(tmp_path, "de-en", "en-fr", "fr-en", "en-ko"), Loader())
    assert [entry.name for entry in catalog.path("en", "fr")] == ["en-fr"]
    assert [entry.name for entry in catalog.path("de", "ko")] == ["de-en", "en-ko"]
    assert catalog.path("ko", "en") == () and catalog.path("en", "en") == ()
    targets = {language.code: language.targets for language in catalog.languages()}
    assert targets == {"en": ("fr", "ko"), "fr": ("en", "ko"), "de": ("en", "fr", "ko"), "ko": ()}
    assert [language.name for language in catalog.languages()] == ["English", "French", "German", "Korean"]


def test_the_first_of_two_models_for_a_direction_counts(tmp_path: Path) -> None:
    (first,) = entries(tmp_path, "en-fr")
    second = ModelEntry("en", "fr", (tmp_path,))
    assert Catalog([first, second], Loader()).entries == (first,)


def test_a_model_is_loaded_once_when_many_need_it(tmp_path: Path) -> None:
    loader = Loader()
    catalog = Catalog(entries(tmp_path, "en-fr"), loader)

    async def use() -> int:
        async with catalog.using(catalog.entries[0]) as translator:
            await asyncio.sleep(0)
            return id(translator)

    async def work() -> None:
        assert catalog.num_loaded == 0
        assert len(set(await asyncio.gather(*(use() for _ in range(20))))) == 1
        assert catalog.num_loaded == 1

    run(work())
    assert loader.loaded == ["en-fr"]


def test_the_least_recently_used_model_is_unloaded(tmp_path: Path) -> None:
    loader = Loader()
    catalog = Catalog(entries(tmp_path, "en-fr", "en-ko", "en-de"), loader, memory_limit=450)

    async def use(number: int) -> None:
        async with catalog.using(catalog.entries[number]):
            pass

    async def work() -> None:
        for number in (0, 1, 0, 2):  # two models of 200 bytes fit
            await use(number)
        assert [catalog.is_loaded(entry) for entry in catalog.entries] == [True, False, True]
        await use(1)

    run(work())
    assert loader.loaded == ["en-fr", "en-ko", "en-de", "en-ko"]


def test_a_model_in_use_is_not_unloaded(tmp_path: Path) -> None:
    catalog = Catalog(entries(tmp_path, "en-fr", "en-ko"), Loader(), memory_limit=250)

    async def work() -> None:
        async with catalog.using(catalog.entries[0]), catalog.using(catalog.entries[1]):
            assert catalog.num_loaded == 2

    run(work())


def test_a_broken_model_is_an_error_of_its_requests_only(tmp_path: Path) -> None:
    catalog = Catalog(entries(tmp_path, "en-fr", "en-ko"), Loader(broken=("en-fr",)))

    async def work() -> None:
        with pytest.raises(ServiceError) as caught:
            async with catalog.using(catalog.entries[0]):
                pass
        assert (caught.value.status, caught.value.code) == (503, "model_unavailable")
        assert "damaged" not in str(caught.value)
        async with catalog.using(catalog.entries[1]):
            pass

    run(work())


def test_a_reload_replaces_models_while_old_ones_are_used(tmp_path: Path) -> None:
    loader = Loader()
    catalog = Catalog(entries(tmp_path, "en-fr", "en-ko"), loader)

    async def work() -> None:
        async with catalog.using(catalog.entries[0]) as old:
            await catalog.reload()
            async with catalog.using(catalog.entries[0]) as new:
                assert new is not old
            loader.broken = ("en-fr",)
            await catalog.reload()
            assert catalog.loaded(catalog.entries[0]) is new

    run(work())
    assert "en-ko" not in loader.loaded


def test_models_of_the_command_line(tmp_path: Path) -> None:
    first, second = tmp_path / "one", tmp_path / "two"
    first.mkdir()
    second.mkdir()
    assert parse_model(f"en-pt-br={first}") == (ModelEntry("en", "pt-BR", (first,)),)
    assert parse_model(f"en-fr={first}+{second}") == (ModelEntry("en", "fr", (first, second)),)
    with pytest.raises(ConfigError, match="found none"):
        parse_model(f"en-fr={tmp_path / 'three'}")
    with pytest.raises(ConfigError, match="expected a direction"):
        parse_model(f"english={first}")


def test_a_model_of_several_languages_is_one_model(tmp_path: Path) -> None:
    loader = Loader()
    pairs = [("en", "fr"), ("en", "de"), ("de", "es")]
    catalog = Catalog([ModelEntry(source, target, (tmp_path,)) for source, target in pairs], loader)
    assert [entry.name for entry in catalog.path("en", "es")] == ["en-de", "de-es"]  # both trained
    assert [entry.name for entry in catalog.path("de", "fr")] == ["de-fr"]  # never trained: the model warns
    assert catalog.path("fr", "en") == () and catalog.path("es", "fr") == ()
    targets = {language.code: language.targets for language in catalog.languages()}
    assert targets == {"en": ("de", "es", "fr"), "de": ("es", "fr"), "fr": (), "es": ()}

    async def work() -> None:
        for entry in (*catalog.entries, *catalog.path("de", "fr")):
            async with catalog.using(entry):
                assert catalog.is_loaded(entry)
        assert (catalog.num_loaded, loader.loaded) == (1, ["en-fr"])
        await catalog.reload()
        assert loader.loaded == ["en-fr", "en-fr"]

    run(work())


def test_a_model_may_know_its_languages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directions = [("en", "pt-BR"), ("en", "fr")]
    monkeypatch.setattr(catalog_module, "stored_directions", lambda path: directions if path == tmp_path else [])
    assert parse_model(str(tmp_path)) == tuple(ModelEntry(*direction, (tmp_path,)) for direction in directions)
    (tmp_path / "other").mkdir()
    with pytest.raises(ConfigError, match="the model does not know its languages: name them, as in --model en-fr="):
        parse_model(str(tmp_path / "other"))


def test_a_model_that_is_unloaded_during_a_reload_stays_unloaded(tmp_path: Path) -> None:
    loader = Loader()
    catalog = Catalog(entries(tmp_path, "en-fr"), loader)

    async def work() -> None:
        async with catalog.using(catalog.entries[0]):
            pass
        load = catalog._load

        def slow(entry: ModelEntry) -> Translator:
            catalog._loaded.clear()  # another model needed the memory
            return load(entry)

        catalog._load = slow
        await catalog.reload()
        assert catalog.num_loaded == 0

    run(work())
    assert loader.loaded == ["en-fr", "en-fr"]
