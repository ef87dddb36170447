"""The package with the English-French model: its recipe, its card, and the wheel that is built from it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest

from regard.files.installed_models import installed_models
from regard.store import load_model
from regard.store.model import open_model

ROOT = Path(__file__).parents[2]
RECIPE = ROOT / "benchmarks" / "regard_en_fr"
PACKAGE = ROOT / "packages" / "regard-en-fr"
MODEL = PACKAGE / "src" / "regard_en_fr" / "model"
LARGEST = 12_000_000


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script `benchmarks/regard_en_fr/build.py` and, through it, the others."""
    monkeypatch.syspath_prepend(RECIPE)
    import build  # a script beside those that it imports

    return build


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The package without a model."""
    ignored = shutil.ignore_patterns("model", "build", "*.egg-info", "__pycache__")
    return Path(shutil.copytree(PACKAGE, tmp_path / "package", ignore=ignored))


def build_wheel(package: Path, out: Path) -> subprocess.CompletedProcess[str]:
    # Imported here, it would add libraries of its own to the path, which other tests would find.
    setuptools = next(iter(metadata.Distribution.discover(name="setuptools")), None)
    if setuptools is None or int(setuptools.version.split(".")[0]) < 77:
        pytest.skip("needs setuptools 77 or newer")
    command = f"from setuptools import build_meta; print(build_meta.build_wheel({str(out)!r}))"
    return subprocess.run([sys.executable, "-c", command], cwd=package, capture_output=True, text=True)


def test_only_freely_licensed_text_is_selected(recipe: ModuleType, tmp_path: Path) -> None:
    mix = tmp_path / "mix-en-fr"
    mix.mkdir()
    origins = ["tatoeba", "git-manpages", "php-manual", "wesnoth", "libreoffice-help", "python-docs", "europarl20k"]
    (mix / "train.origin").write_text("".join(f"{name}\n" for name in origins), encoding="utf-8")
    for code in ("en", "fr"):
        text = "".join(f"{code} {number}\u2028\n" for number in range(len(origins)))  # only LF ends a line
        (mix / f"train.{code}").write_text(text, encoding="utf-8")
    recipe.select(tmp_path, tmp_path)
    assert (tmp_path / "free.en").read_text(encoding="utf-8") == "en 0\u2028\nen 2\u2028\nen 5\u2028\n"
    assert (tmp_path / "free.fr").read_text(encoding="utf-8") == "fr 0\u2028\nfr 2\u2028\nfr 5\u2028\n"
    assert (tmp_path / "free.origin").read_text(encoding="utf-8") == "tatoeba\nphp-manual\npython-docs\n"
    (tmp_path / "free.en").write_text("kept\n", encoding="utf-8")
    recipe.select(tmp_path, tmp_path)
    assert (tmp_path / "free.en").read_text(encoding="utf-8") == "kept\n"  # what is finished is not done again


def test_dropped_pairs_are_counted_by_source(recipe: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "free.origin").write_text("tatoeba\nphp-manual\ntatoeba\n", encoding="utf-8")
    (tmp_path / "clean.tsv").write_text("a\tb\n", encoding="utf-8")
    (tmp_path / "clean.tsv.rejects.tsv").write_text("file\tline\nfree.en\t2\nfree.en\t3\n", encoding="utf-8")
    recipe.clean(tmp_path, tmp_path)
    counts = json.loads((tmp_path / "counts.json").read_text(encoding="utf-8"))
    assert counts["tatoeba"] == {"selected": 2, "used": 1}
    assert counts["php-manual"] == {"selected": 1, "used": 0}


def test_a_packed_model_is_in_8_bits_and_names_no_path(recipe: ModuleType, workshop: Path, tmp_path: Path) -> None:
    assert str(workshop) in (workshop / "model" / "config.toml").read_text(encoding="utf-8")
    for _ in range(2):  # the second replaces the first
        recipe.pack(workshop / "model", tmp_path / "packed")
    stored = load_model(tmp_path / "packed")
    assert stored.manifest.quantization == "int8"
    assert stored.config.data.val_src == "val.en"
    text = "".join(
        (tmp_path / "packed" / name).read_text(encoding="utf-8") for name in ("config.toml", "manifest.json")
    )
    assert str(workshop) not in text
    assert stored.config.model == load_model(workshop / "model").config.model


def test_the_baseline_translates_word_by_word(recipe: ModuleType) -> None:
    from word_by_word import WordTable  # beside `build`, on the path of the fixture

    table = WordTable([
        ("The cat sleeps.", "Le chat dort.", "0-0 1-1 2-2"),
        ("a cat", "un chat", "0-0 1-1"),
        ("the cat!", "la chatte !", "0-0 1-1"),
    ])  # fmt: skip
    assert table.translate("Cat, the “cat” SLEEPS: unknown") == "Chat, le “chat” Dort: unknown"
    assert table.translate("- the") == "- le"


def test_scores_have_intervals(recipe: ModuleType) -> None:
    from measure import score  # beside `build`

    references = ["le chat dort sur le tapis", "la maison est grande et rouge", "il pleut beaucoup ce matin"] * 4
    same = score(references, references)
    assert same == {"BLEU": (100.0, 0.0), "chrF": (100.0, 0.0)}
    other = score(["le chat dort sur un tapis", *references[1:]], references)
    assert 90 < other["BLEU"][0] < 100
    assert 0 < other["BLEU"][1] < 20


def test_the_card_shows_data_licenses_scores_and_faults(recipe: ModuleType, tmp_path: Path) -> None:
    from card import write_card  # beside `build`
    from sources import SOURCES

    scores = {
        "word by word": {"BLEU": (7.4, 0.5), "chrF": (42.3, 0.6)},
        "beam 5": {"BLEU": (20.0, 1.0), "chrF": (50.0, 0.7)},
    }
    measured = {
        "signature": "regard:0|model:x", "parameters": 7_300_000, "versions": {"regard": "0.1.0"}, "bytes": 7_600_000,
        "details": {"minutes": 122.4}, "speed": {"beam 5": 31.2, "first translation": 1.94},
        "tests": {"flores200/dev": {"sentences": 997, "scores": scores}},
        "faults": [{"kind": "Name", "source": "a | b", "translation": "c", "word by word": "d"}],
    }  # fmt: skip
    write_card(tmp_path / "README.md", {name: {"selected": 2000, "used": 1234} for name in SOURCES}, measured)
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "{" not in text
    assert "| FLORES-200 dev (997) | word by word | 7.4 ± 0.5 | 42.3 ± 0.6 |" in text
    assert "| [Tatoeba](https://tatoeba.org) | 1,234 | CC BY 2.0 FR |" in text
    assert "6,170 sentence pairs" in text
    assert "| Name | a ∣ b | c |" in text
    assert "1.9 s after the command starts" in text


def test_every_source_is_attributed(recipe: ModuleType) -> None:
    from sources import SOURCES  # beside `build`

    notice = (PACKAGE / "LICENSE.md").read_text(encoding="utf-8")
    for source in SOURCES.values():
        assert source.title in notice
        assert source.address in notice
        assert not {"GPL", "NC", "SA"} & set(source.license.replace("-", " ").split())


def test_without_its_model_the_package_is_not_built(copy: Path, tmp_path: Path) -> None:
    done = build_wheel(copy, tmp_path)
    assert done.returncode != 0
    assert "lacks config.toml, manifest.json, subword.model, weights.safetensors" in done.stderr
    assert "run benchmarks/regard_en_fr/build.py" in done.stderr
    assert list(tmp_path.glob("*.whl")) == []


def test_a_wheel_with_a_model_installs_the_name(
    recipe: ModuleType, copy: Path, workshop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe.pack(workshop / "model", copy / "src" / "regard_en_fr" / "model")
    (copy / "README.md").touch()
    done = build_wheel(copy, tmp_path)
    assert done.returncode == 0, done.stderr
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    monkeypatch.syspath_prepend(tmp_path / "site")
    directory = installed_models()["en-fr"]
    assert directory == tmp_path / "site" / "regard_en_fr" / "model"
    assert open_model("en-fr").manifest == open_model(copy / "src" / "regard_en_fr" / "model").manifest
    assert list((tmp_path / "site").glob("*.dist-info/licenses/LICENSE.md"))


@pytest.mark.skipif(not MODEL.exists(), reason="this checkout has no model")
def test_the_model_of_this_checkout_is_small_and_described() -> None:
    opened = open_model(MODEL)
    assert opened.manifest.quantization == "int8"
    assert sum(file.stat().st_size for file in MODEL.iterdir()) <= LARGEST
    assert opened.manifest.signature in (PACKAGE / "README.md").read_text(encoding="utf-8")
    assert opened.config.data.langs == "en-fr"
