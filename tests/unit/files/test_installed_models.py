"""Names of installed models: found without running code of their packages; directories take precedence."""

from __future__ import annotations

from pathlib import Path

import pytest
from model_packages import install

from regard.files.installed_models import find_model, installed_models, is_name, name_hint


@pytest.fixture
def model(tmp_path: Path) -> Path:
    directory = tmp_path / "source"
    directory.mkdir()
    (directory / "manifest.json").write_text("{}", encoding="utf-8")
    return directory


def test_an_installed_model_is_found_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert "xx-yy" not in installed_models()
    assert find_model("xx-yy") == Path("xx-yy")
    directory = install(tmp_path / "site", monkeypatch, model)
    assert installed_models()["xx-yy"] == directory
    assert find_model("xx-yy") == find_model(Path("xx-yy")) == directory
    assert "xx-yy" in name_hint()
    for other in ("./xx-yy/", "xx-yy/model", "yy-xx", "/xx-yy"):
        assert find_model(other) == Path(other)


def test_a_directory_of_the_name_takes_precedence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: Path) -> None:
    install(tmp_path / "site", monkeypatch, model)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "xx-yy").mkdir()
    assert find_model("xx-yy") == Path("xx-yy")


def test_packages_without_a_model_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path / "empty", monkeypatch, None)
    install(tmp_path / "dotted", monkeypatch, None, name="dotted-name", value="regard_xx_zz")
    entry_points = tmp_path / "dotted" / "regard_xx_zz-1.0.dist-info" / "entry_points.txt"
    entry_points.write_text("[regard.models]\ndotted-name = regard_xx_zz.inner\nabsent-name = regard_absent\n")
    (tmp_path / "dotted" / "regard_xx_zz" / "inner" / "model").mkdir(parents=True)
    assert {"xx-yy", "dotted-name", "absent-name"} & set(installed_models()) == set()


def test_the_first_of_several_packages_on_the_import_path_gives_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: Path
) -> None:
    install(tmp_path / "second", monkeypatch, model, value="regard_xx_yy_old")
    directory = install(tmp_path / "first", monkeypatch, model)
    assert installed_models()["xx-yy"] == directory


def test_the_hint_says_how_to_install_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regard.files.installed_models.entry_points", lambda group: ())
    assert name_hint() == (
        "the name of an installed model (none is installed; pip install 'regard[en-fr]' installs one)"
    )


@pytest.mark.parametrize(
    ("path", "expected"), [("en-fr", True), ("model", True), ("", False), ("a/b", False), ("./a", False), (".", False)]
)
def test_names_have_no_directory(path: str, expected: bool) -> None:
    assert is_name(path) is expected
