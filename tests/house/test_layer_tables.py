"""The pages that show the layers show those that the tests enforce; the reference has a page per package."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from house_rules.layer_tables import check_layer_table, documented_layers
from house_rules.tree import Module, part_of
from typer.core import TyperGroup
from typer.main import get_command

from regard.cli.main import app

DOCS = Path(__file__).parents[2] / "docs"
REFERENCE = DOCS / "reference"
TABLE = "| layer | package |\n|---|---|\n| 0 | `errors`, `values` |\n| 1 | [`files`](files.md) |\n| 2 | `text` |\n"
PARTS = {"", "__main__", "errors", "values", "files", "text"}


def parts_of(package: list[Module]) -> set[str]:
    return {module.part for module in package}


@pytest.mark.parametrize("name", ["conventions.md", "reference/index.md"])
def test_the_layer_tables_are_true(package: list[Module], name: str) -> None:
    page = (DOCS / name).read_text(encoding="utf-8")
    assert len(documented_layers(page)) > 8
    assert [str(finding) for finding in check_layer_table(DOCS / name, page, parts_of(package))] == []


@pytest.mark.parametrize(
    ("old", "new", "messages"),
    [
        ("| 0 | `errors`, `values` |", "| 0 | `values` |", ["`errors` is missing from layer 0"]),
        ("| 2 | `text` |", "| 2 | `text`, `model` |", ["`model` does not belong to layer 2"]),
        ("| 1 | [", "| 2 | [", ["`files` is missing from layer 1", "`files` does not belong to layer 2"]),
        ("| 2 | `text` |", "| two | `text` |", ["`text` is missing from layer 2"]),
    ],
)
def test_an_outdated_layer_table_is_found(old: str, new: str, messages: list[str]) -> None:
    path = Path("page.md")
    assert check_layer_table(path, TABLE, PARTS) == []
    assert TABLE.count(old) == 1
    findings = check_layer_table(path, TABLE.replace(old, new), PARTS)
    assert [finding.message for finding in findings] == messages


def test_a_new_package_must_be_added_to_the_layer_table() -> None:
    [finding] = check_layer_table(Path("page.md"), TABLE, PARTS | {"model"})
    assert finding.message == "`model` is missing from layer 4"


def test_every_package_has_a_reference_page(package: list[Module]) -> None:
    pages = "\n".join(path.read_text(encoding="utf-8") for path in REFERENCE.glob("*.md"))
    documented = set(re.findall(r"^::: ([\w.]+)$", pages, re.MULTILINE))
    assert {part_of(name) for name in documented} == parts_of(package) - {"", "__main__", "cli"}
    assert documented <= {module.name for module in package}


def test_the_reference_lists_every_verb() -> None:
    page = (REFERENCE / "cli.md").read_text(encoding="utf-8")
    command = get_command(app)
    assert isinstance(command, TyperGroup)
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == list(command.commands)
