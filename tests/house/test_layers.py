"""Imports point down the layers, without cycles; the checks find planted violations."""

from __future__ import annotations

from pathlib import Path

import pytest
from house_rules.layers import check_cycles, check_layers, imports
from house_rules.tree import Module, read_package


def planted(tmp_path: Path, files: dict[str, str]) -> list[Module]:
    root = tmp_path / "regard"
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        (path.parent / "__init__.py").touch()
    (root / "__init__.py").touch()
    return read_package(root)


def test_the_package_keeps_its_layers(package: list[Module]) -> None:
    assert len(package) > 20
    assert [str(finding) for finding in check_layers(package)] == []


def test_the_package_has_no_cycles(package: list[Module]) -> None:
    assert [str(finding) for finding in check_cycles(package)] == []


@pytest.mark.parametrize(
    "statement",
    [
        "from regard.model.build import build_model",
        "from regard.model import build",
        "import regard.model.build",
        "from ..model.build import build_model",
        "from ..model import build",
        "def late():\n    from regard.model.build import build_model",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from regard.model.build import build_model",
        "from regard import model",
    ],
)
def test_an_import_upwards_is_found(tmp_path: Path, statement: str) -> None:
    modules = planted(tmp_path, {"text/words.py": statement, "model/build.py": ""})
    [found] = check_layers(modules)
    assert "regard.text.words (layer 2) imports regard.model" in found.message


def test_an_import_downwards_is_not_found(tmp_path: Path) -> None:
    files = {"model/build.py": "from regard.text.words import word_spans", "text/words.py": "import regard.errors"}
    assert check_layers(planted(tmp_path, files | {"errors.py": ""})) == []


def test_a_part_without_a_layer_is_found(tmp_path: Path) -> None:
    [found, *_] = check_layers(planted(tmp_path, {"extras/thing.py": ""}))
    assert "`extras` has no layer" in found.message


def test_a_cycle_of_modules_is_found(tmp_path: Path) -> None:
    files = {
        "text/a.py": "from regard.text.b import x",
        "text/b.py": "def late():\n    from . import c",
        "text/c.py": "import regard.text.a",
    }
    [found] = check_cycles(planted(tmp_path, files))
    assert found.message == "regard.text.a -> regard.text.b -> regard.text.c -> regard.text.a"


def test_a_package_that_reexports_a_module_importing_it_is_a_cycle(tmp_path: Path) -> None:
    files = {"text/__init__.py": "from regard.text.a import x", "text/a.py": "from regard.text import y"}
    assert len(check_cycles(planted(tmp_path, files))) == 1


def test_a_cycle_of_parts_without_a_cycle_of_modules_is_found(tmp_path: Path) -> None:
    files = {
        "search/a.py": "import regard.train.b",
        "train/b.py": "",
        "train/c.py": "import regard.search.d",
        "search/d.py": "",
    }
    [found] = check_cycles(planted(tmp_path, files))
    assert found.message == "search -> train -> search"


def test_imports_for_typing_make_no_cycle(tmp_path: Path) -> None:
    guarded = "import typing\nif typing.TYPE_CHECKING:\n    from regard.text.b import x"
    modules = planted(tmp_path, {"text/a.py": guarded, "text/b.py": "from regard.text.a import y"})
    assert check_cycles(modules) == []
    names = frozenset(module.name for module in modules)
    assert [imported.typing_only for module in modules for imported in imports(module, names)] == [True, False]
