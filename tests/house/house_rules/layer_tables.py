"""Layer tables on documentation pages agree with the layers that the tests enforce."""

from __future__ import annotations

import re
from pathlib import Path

from house_rules.layers import LAYERS
from house_rules.tree import Finding

_ROW = re.compile(r"^\| *(\d+) *\|([^|]*)\|", re.MULTILINE)
_NAME = re.compile(r"`(\w+)`")


def documented_layers(page: str) -> dict[int, frozenset[str]]:
    """Layers in the tables of a page: rows whose first cell is a number and whose second cell names packages.

    Args:
        page: Markdown text. Several rows may describe one layer.

    Returns:
        Package names per layer number.
    """
    layers: dict[int, frozenset[str]] = {}
    for number, cell in _ROW.findall(page):
        layers[int(number)] = layers.get(int(number), frozenset()) | frozenset(_NAME.findall(cell))
    return layers


def enforced_layers(parts: set[str]) -> dict[int, frozenset[str]]:
    """Layers of `house_rules.layers`, without parts that are reserved for later or that only pass names on.

    Args:
        parts: Names of the parts that exist in the source.

    Returns:
        Part names per layer number; layers without parts are absent.
    """
    existing = parts - {"", "__main__"}
    layers = {number: existing.intersection(names) for number, names in enumerate(LAYERS)}
    return {number: frozenset(names) for number, names in layers.items() if names}


def check_layer_table(path: Path, page: str, parts: set[str]) -> list[Finding]:
    """The layer table of a page lists each existing part in its own layer, and nothing else.

    Args:
        path: Path of the page, for messages.
        page: Its text.
        parts: Names of the parts that exist in the source.

    Returns:
        One finding per part that is missing, unknown or in the wrong layer.
    """
    documented = {(number, name) for number, names in documented_layers(page).items() for name in names}
    enforced = {(number, name) for number, names in enforced_layers(parts).items() for name in names}
    missing = [f"`{name}` is missing from layer {number}" for number, name in sorted(enforced - documented)]
    wrong = [f"`{name}` does not belong to layer {number}" for number, name in sorted(documented - enforced)]
    return [Finding(str(path), 0, message) for message in missing + wrong]
