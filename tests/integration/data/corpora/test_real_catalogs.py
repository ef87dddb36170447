"""Real catalogs of gettext, from packages of the registry: the same pairs as polib and Python's gettext find."""

from __future__ import annotations

import gettext
import subprocess
import sys
from collections import Counter
from pathlib import Path
from zipfile import ZipFile

import polib
import pytest

from regard.data.corpora.mo import MoReader
from regard.data.corpora.po import PoReader, parse_po
from regard.data.corpora.unit import ReadOptions

PACKAGES = ("django", "sphinx", "jupyterlab-language-pack-fr-FR")
SECONDS = 120


@pytest.fixture(scope="module")
def catalogs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Directory with the catalogs of three packages; skipped where the package registry does not answer."""
    directory = tmp_path_factory.mktemp("packages")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", *PACKAGES]
    try:
        done = subprocess.run(command, cwd=directory, capture_output=True, check=False, timeout=SECONDS, text=True)
    except subprocess.TimeoutExpired:
        pytest.skip(f"the package registry sent no packages within {SECONDS} seconds")
    if done.returncode:
        pytest.skip(f"the package registry did not send {', '.join(PACKAGES)}: {done.stderr.strip()[-200:]}")
    for wheel in directory.glob("*.whl"):
        with ZipFile(wheel) as archive:
            archive.extractall(directory, [name for name in archive.namelist() if name.endswith((".po", ".mo"))])
    return directory


def test_polib_finds_the_same_pairs(catalogs: Path) -> None:
    """The pairing of plural forms is ours: each pair with a plural form has a source and a form of the same entry."""
    paths = sorted(catalogs.rglob("*.po"))
    assert len(paths) > 1000
    for path in paths[::3]:  # all of them take a minute
        reader = PoReader(path, ReadOptions())
        found = Counter((unit.src, unit.tgt) for unit in reader.units())
        singles: Counter[tuple[str, str]] = Counter()
        plurals: Counter[tuple[str, str]] = Counter()
        left_out: Counter[str] = Counter()
        for entry in polib.pofile(str(path)):
            forms = list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]
            if entry.obsolete or not any(forms) or entry.fuzzy:
                left_out["obsolete" if entry.obsolete else "fuzzy" if any(forms) else "untranslated"] += 1
            elif entry.msgid_plural:
                plurals.update((src, form) for src in (entry.msgid, entry.msgid_plural) for form in forms)
            else:
                singles[entry.msgid, entry.msgstr] += 1
        assert singles - found == Counter(), path
        assert found - singles - plurals == Counter(), path
        assert {reason: reader.report.left_out[reason] for reason in left_out} == dict(left_out), path


def test_every_byte_is_kept_and_every_string_can_be_replaced(catalogs: Path) -> None:
    for path in sorted(catalogs.rglob("*.po"))[::7]:
        data = path.read_bytes()
        catalog = parse_po(data, str(path))
        assert catalog.replace([]) == data
        strings = [string for entry in catalog.entries for string in entry.msgstr.values()]
        again = parse_po(catalog.replace((string, f"<{string.text}>") for string in strings), str(path))
        assert [f"<{string.text}>" for string in strings] == [
            string.text for entry in again.entries for string in entry.msgstr.values()
        ]


def test_gettext_finds_the_same_pairs_in_compiled_catalogs(catalogs: Path) -> None:
    paths = sorted(catalogs.rglob("*.mo"))
    assert len(paths) > 1000
    for path in paths:
        found = Counter((unit.src, unit.tgt) for unit in MoReader(path, ReadOptions()).units())
        with path.open("rb") as file:
            messages = vars(gettext.GNUTranslations(file))["_catalog"]
        singles = Counter(
            (key.rpartition("\x04")[2], text) for key, text in messages.items() if isinstance(key, str) and key
        )
        forms = {text for key, text in messages.items() if isinstance(key, tuple)}
        assert singles - found == Counter(), path
        assert all(tgt in forms for _, tgt in found - singles), path
