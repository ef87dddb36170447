"""TMX and XLIFF files that translate-toolkit writes from real catalogs are read as polib reads the catalogs.

The toolkit is under the GPL: it runs as a program in an environment of its own, and is never imported.
"""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import polib
import pytest
from lxml import etree

from regard.data.corpora.tmx import TmxReader
from regard.data.corpora.unit import ReadOptions
from regard.data.corpora.xliff import XliffReader

Once = Callable[[str, Callable[[Path], object]], Path]
LANGUAGES = ("fr", "ja", "ru")
CATALOG = "django/conf/locale/{}/LC_MESSAGES/django.po"


@pytest.fixture(scope="module")
def converted(made_once: Once) -> Path:
    """A directory with Django's catalogs, and a TMX and an XLIFF file of each; skips without the packages."""
    directory = made_once("translate-toolkit", _convert)
    if (directory / "missing").exists():
        pytest.skip((directory / "missing").read_text())
    return directory


def _convert(directory: Path) -> None:
    """Fills the directory; writes a reason into the file `missing` if a package cannot be had."""
    try:
        programs = _install_toolkit(directory)
        _run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(directory), "django<6"])
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        (directory / "missing").write_text(f"needs translate-toolkit and Django's catalogs from PyPI: {error}")
        return
    wheel = next(directory.glob("*.whl"))
    for lang in LANGUAGES:
        with zipfile.ZipFile(wheel) as archive:
            archive.extract(CATALOG.format(lang), directory)
        catalog = directory / CATALOG.format(lang)
        _run([str(programs / "po2tmx"), "-l", lang, "--progress=none", str(catalog), str(directory / f"{lang}.tmx")])
        _run([str(programs / "po2xliff"), "--progress=none", str(catalog), str(directory / f"{lang}.xlf")])


def _install_toolkit(directory: Path) -> Path:
    """The directory of the toolkit's programs: that of REGARD_TRANSLATE_TOOLKIT, or a new environment."""
    if "REGARD_TRANSLATE_TOOLKIT" in os.environ:
        return Path(os.environ["REGARD_TRANSLATE_TOOLKIT"])
    environment = directory / "environment"
    _run([sys.executable, "-m", "venv", str(environment)])
    programs = environment / ("Scripts" if os.name == "nt" else "bin")
    _run([str(programs / "python"), "-m", "pip", "install", "-q", "translate-toolkit"])
    return programs


def _run(command: list[str]) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run(command, check=True, timeout=300, env=environment, capture_output=True)


def _expected(catalog: Path) -> Counter[tuple[str, str]]:
    """Pairs of a catalog as the toolkit converts them: each plural form is a unit, the first with the singular."""
    pairs: Counter[tuple[str, str]] = Counter()
    for entry in polib.pofile(str(catalog)):
        if entry.obsolete or entry.fuzzy:
            continue
        if entry.msgid_plural:
            for form, text in entry.msgstr_plural.items():
                pairs[entry.msgid if int(form) == 0 else entry.msgid_plural, text] += 1
        else:
            pairs[entry.msgid, entry.msgstr] += 1
    return Counter({pair: count for pair, count in pairs.items() if pair[1]})


@pytest.mark.parametrize("lang", LANGUAGES)
def test_tmx_of_a_catalog(converted: Path, lang: str) -> None:
    reader = TmxReader(converted / f"{lang}.tmx", ReadOptions(langs=("en", lang)))
    found = [(unit.src, unit.tgt) for unit in reader.units()]
    assert Counter(found) == _expected(converted / CATALOG.format(lang))
    assert len(found) > 300
    assert not reader.report.left_out
    tree = etree.parse(converted / f"{lang}.tmx").getroot()
    assert found == [tuple("".join(seg.itertext()) for seg in unit.iter("seg")) for unit in tree.iter("tu")]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_xliff_of_a_catalog(converted: Path, lang: str) -> None:
    reader = XliffReader(converted / f"{lang}.xlf", ReadOptions(langs=("en", lang)))
    found = [(unit.src, unit.tgt) for unit in reader.units()]
    # In Japanese, which has one form, the toolkit adds a second unit to each plural, with an empty target.
    assert Counter(pair for pair in found if pair[1]) == _expected(converted / CATALOG.format(lang))
    assert reader.report.left_out == {"header of a PO file": 1}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_languages_of_the_file_are_those_of_the_catalog(converted: Path, lang: str) -> None:
    for reader in (
        TmxReader(converted / f"{lang}.tmx", ReadOptions()),
        XliffReader(converted / f"{lang}.xlf", ReadOptions()),
    ):
        assert sum(1 for _ in reader.units()) > 300
        assert lang in reader.report.languages
