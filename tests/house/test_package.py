"""What importing the package loads and provides, and where its tests are."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import regard

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "numpy", "matplotlib", "sentencepiece", "pydantic", "typer", "rich", "sacrebleu", "tensorboard")


def loaded_after(statement: str) -> set[str]:
    """Top-level packages loaded after running a statement in a new Python process."""
    script = f"{statement}\nimport sys\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert loaded_after("import regard") & set(HEAVY) == set()
    assert "json" in loaded_after("import regard, json")  # the check sees what is loaded


def test_text_tools_start_without_torch() -> None:
    parts = [path for part in ("regard/config", "regard/text", "regard_phrasebook")
             for path in (ROOT / "src" / part).rglob("*.py")]  # fmt: skip
    names = sorted(".".join(path.relative_to(ROOT / "src").with_suffix("").parts) for path in parts)
    assert len(names) > 6
    imports = "; ".join(f"import {name.removesuffix('.__init__')}" for name in names)
    assert "torch" not in loaded_after(imports)


def test_plots_load_only_when_they_are_drawn() -> None:
    modules = ("translation.translator", "inspection.record", "inspection.plot")
    assert "matplotlib" not in loaded_after("; ".join(f"import regard.{name}" for name in modules))


def test_public_names_exist_and_are_documented() -> None:
    assert 5 <= len(regard.__all__) <= 30
    assert len(set(regard.__all__)) == len(regard.__all__)
    for name in regard.__all__:
        value = getattr(regard, name)
        if inspect.isclass(value) or inspect.isroutine(value):
            assert inspect.getdoc(value), name
    assert set(regard.__all__) <= set(dir(regard))


def test_unit_tests_mirror_the_package() -> None:
    """Every part that contains code has a directory or a file of unit tests."""
    units = {path.stem.removeprefix("test_") for path in (ROOT / "tests/unit").iterdir()}
    parts = {path.parent.name for path in (ROOT / "src/regard").glob("*/*.py") if path.read_text(encoding="utf-8")}
    assert sorted((parts | {"phrasebook"}) - units - {"cli"}) == []  # its tests are in tests/cli
    assert list((ROOT / "tests/cli").glob("test_*.py"))
