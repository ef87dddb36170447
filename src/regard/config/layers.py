"""Layers of values, such as a preset, a file and options over it, and what they are together.

What the user says is one group of layers, in whose order nothing matters but which of two values of one key comes last.
Groups below are starting points: what the user says displaces what does not go with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from regard.config.dump import dump_config
from regard.config.schema import Config
from regard.config.toml_text import Tree, line_of, parse

PRESET, START, USER = 0, 1, 2
"""Groups, from the lowest: a preset, further starting points, what the user says."""


@dataclass(frozen=True, slots=True)
class Layer:
    """Values from one place; later layers win.

    Attributes:
        where: What to call it.
        tree: The values.
        text: What they were read from, where that has lines.
        group: `PRESET`, `START` or `OWN`; higher groups stand above lower ones.
    """

    where: str
    tree: Tree
    text: str = ""
    group: int = 0

    def place(self, path: Sequence[str]) -> str:
        """The place of a key.

        Args:
            path: Its parts.

        Returns:
            What this layer is called, with the line where that can be told.
        """
        line = line_of(self.text, path)
        return f"{self.where}:{line}" if line else self.where


def merged(layers: Sequence[Layer], kind: object = None) -> Tree:
    """All values, the last of each key; of starting points for another kind of model what is not the model's.

    Args:
        layers: All of them, or those of the first groups.
        kind: Of the model; what the highest group says that says so when not given.

    Returns:
        One tree, which tells the kind of its model.
    """
    kinds = _kinds(layers)
    kind = kinds[-1] if kind is None else kind
    tree: Tree = {}
    for layer in layers:
        fits = layer.group == USER or kinds[layer.group] == kind
        _merge(tree, layer.tree if fits else {key: value for key, value in layer.tree.items() if key != "model"})
    model = tree.setdefault("model", {})
    if isinstance(model, dict):
        model["kind"] = kind  # pydantic wants to be told
    _keep_one_length(tree, layers)
    return tree


def _kinds(layers: Sequence[Layer]) -> list[object]:
    """The kind of model after each group."""
    kinds: list[object] = []
    kind: object = "rnn"  # the schema's default
    for group in (PRESET, START, USER):
        for layer in layers:
            model = layer.tree.get("model")
            if layer.group == group and isinstance(model, dict):
                kind = model.get("kind", kind)
        kinds.append(kind)
    return kinds


def _keep_one_length(tree: Tree, layers: Sequence[Layer]) -> None:
    """Of steps and epochs, what the user says leaves out what a starting point says."""
    train = tree.get("train")
    for asked, other in (("steps", "epochs"), ("epochs", "steps")):
        groups = {
            key: max((layer.group for layer in layers if contains(layer.tree, ("train", key))), default=-1)
            for key in (asked, other)
        }
        if isinstance(train, dict) and groups[asked] == USER > groups[other]:
            train.pop(other, None)


def is_complete(tree: Tree) -> bool:
    """Whether a file says all that a stored configuration does.

    Args:
        tree: Of the file.

    Returns:
        Whether it leaves nothing to a preset or a default.
    """
    if not isinstance(tree.get("model"), dict):
        return False
    try:
        default = Config.model_validate({"model": {"kind": tree["model"]["kind"]}})  # type: ignore[index]
    except (KeyError, ValidationError):
        return False
    wanted = parse(dump_config(default))
    return all(
        contains(tree, (*path, key))
        for path, table in _tables(wanted)
        for key, value in table.items()
        if not isinstance(value, dict)
    )


def _tables(tree: Tree, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Tree]]:
    yield path, tree
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _tables(value, (*path, key))


def _merge(below: Tree, above: Tree) -> None:
    """Puts `above` over `below`, table by table."""
    for key, value in above.items():
        old = below.get(key)
        if isinstance(value, dict) and isinstance(old, dict):
            _merge(old, value)
        else:
            below[key] = _copied(value)


def _copied(value: object) -> object:
    return {key: _copied(inner) for key, inner in value.items()} if isinstance(value, dict) else value


def location_of(layers: Sequence[Layer], path: Sequence[str]) -> str:
    """Where a value comes from.

    Args:
        layers: All of them.
        path: The value's key, in its parts.

    Returns:
        The place in the last layer that has it, or the nearest table around it.
    """
    for length in range(len(path), 0, -1):
        for layer in reversed(layers):
            if contains(layer.tree, path[:length]):
                return layer.place(path[:length])
    return layers[-1].where


def contains(tree: Tree, path: Sequence[str]) -> bool:
    """Whether a tree has a value or a table.

    Args:
        tree: The tree.
        path: Its key, in its parts.

    Returns:
        Whether it is there.
    """
    inner: object = tree
    for part in path:
        if not isinstance(inner, dict) or part not in inner:
            return False
        inner = inner[part]
    return True
