"""Merges layers of option values, such as a preset, a file and options on the command line.

Where several layers set a key, the last value is used. Values of a preset, or of another starting point, are dropped if
they contradict what the user sets, such as options of another kind of model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from regard.config.dump import dump_config
from regard.config.schema import Config
from regard.config.toml_text import Tree, line_of, parse

PRESET, START, USER = 0, 1, 2
"""Groups, lowest first: a preset, other starting points, the user's own values."""
_DEFAULT_KIND = "rnn"
"""Kind of model of the schema."""
_ALTERNATIVES = (("train", (("steps",), ("epochs",))), ("data", (("src", "tgt"), ("corpora", "temperature"))))
"""Options of a section of which only one group can be used: a list of keys for each."""


@dataclass(frozen=True, slots=True)
class Layer:
    """Option values from one source: a preset, a configuration file, or an override on the command line.

    Of several layers, the values of later ones override those of earlier ones.

    Attributes:
        where: Name of the source, for messages, such as the path of the file.
        tree: The option values, as nested dictionaries by key.
        text: TOML text from which `tree` was parsed, for line numbers in messages; empty if there is none.
        group: `PRESET`, `START` or `USER`: whether the values come from a preset, from a complete file that serves as a
            starting point, or from the user.
    """

    where: str
    tree: Tree
    text: str = ""
    group: int = 0

    def location(self, path: Sequence[str]) -> str:
        """Finds the line in which this layer's source sets a key, for messages.

        Args:
            path: Parts of the dotted key, such as `["train", "steps"]`.

        Returns:
            Name of the source, followed by a colon and the line number if it is known, such as `my.toml:7`.
        """
        line = line_of(self.text, path)
        return f"{self.where}:{line}" if line else self.where


def merged(layers: Sequence[Layer], kind: object = None) -> Tree:
    """Merges the option values of several layers.

    The `[model]` section of a preset, or of a configuration with all options, such as that of a trained model, is left
    out if it is for another kind of model (`rnn` or `transformer`) than `kind`.

    Args:
        layers: The layers to merge, lowest first: values of later layers override those of earlier ones.
        kind: Kind of the resulting model. By default, it is taken from the user's layers; if they set none, from the
            configuration with all options; without one, from the preset.

    Returns:
        The merged option values as nested dictionaries. `model.kind` is set unless no layer has a `[model]` section.
    """
    kinds = _kinds(layers)
    kind = kinds[-1] if kind is None else kind
    tree: Tree = {}
    for layer in layers:
        fits = layer.group == USER or kinds[layer.group] == kind
        _merge(tree, layer.tree if fits else {key: value for key, value in layer.tree.items() if key != "model"})
    model = tree.setdefault("model", {}) if kind != _DEFAULT_KIND else tree.get("model")
    if isinstance(model, dict):
        model["kind"] = kind  # pydantic needs it to choose the class
    for section, alternatives in _ALTERNATIVES:
        _drop_alternatives(tree, layers, section, alternatives)
    return tree


def _kinds(layers: Sequence[Layer]) -> list[object]:
    """Kind of model after merging each group."""
    kinds: list[object] = []
    kind: object = _DEFAULT_KIND
    for group in (PRESET, START, USER):
        for layer in layers:
            model = layer.tree.get("model")
            if layer.group == group and isinstance(model, dict):
                kind = model.get("kind", kind)
        kinds.append(kind)
    return kinds


def _drop_alternatives(
    tree: Tree, layers: Sequence[Layer], section: str, alternatives: Sequence[Sequence[str]]
) -> None:
    """Drops a starting point's options if the user sets those that are used in place of them."""
    table = tree.get(section)
    if not isinstance(table, dict):
        return
    groups = [
        max((layer.group for layer in layers for key in keys if contains(layer.tree, (section, key))), default=-1)
        for keys in alternatives
    ]
    for keys, group in zip(alternatives, groups, strict=True):
        if max(groups) == USER > group:
            for key in keys:
                table.pop(key, None)


def is_complete(tree: Tree) -> bool:
    """Whether a configuration file sets every option, as the `config.toml` of a stored model does.

    Args:
        tree: Content of the file, as nested dictionaries.

    Returns:
        True if every option that `dump_config` writes for this kind of model is set.
    """
    if not isinstance(tree.get("model"), dict):
        return False
    try:
        default = Config.model_validate({"model": {"kind": tree["model"]["kind"]}})  # type: ignore[index]
    except (KeyError, ValidationError):
        return False
    complete = parse(dump_config(default))
    return all(
        contains(tree, (*path, key))
        for path, table in _tables(complete)
        for key, value in table.items()
        if not isinstance(value, dict)
    )


def _tables(tree: Tree, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Tree]]:
    yield path, tree
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _tables(value, (*path, key))


def _merge(below: Tree, above: Tree) -> None:
    """Overrides values of `below` with those of `above`, table by table."""
    for key, value in above.items():
        old = below.get(key)
        if isinstance(value, dict) and isinstance(old, dict):
            _merge(old, value)
        else:
            below[key] = _copied(value)


def _copied(value: object) -> object:
    return {key: _copied(inner) for key, inner in value.items()} if isinstance(value, dict) else value


def location_of(layers: Sequence[Layer], path: Sequence[str]) -> str:
    """Finds where the value of an option was set, for messages.

    Args:
        layers: Sources of option values (preset, files, command line), the one with the lowest priority first.
        path: Parts of the dotted key, such as `["train", "steps"]`.

    Returns:
        Name and line of the last of these sources that sets the key, such as `my.toml:7`. If none sets the key, those
        of the last source that contains the nearest enclosing table.
    """
    for length in range(len(path), 0, -1):
        for layer in reversed(layers):
            if contains(layer.tree, path[:length]):
                return layer.location(path[:length])
    return layers[-1].where


def contains(tree: Tree, path: Sequence[str]) -> bool:
    """Whether option values, given as nested dictionaries, contain a key.

    Args:
        tree: The nested dictionaries.
        path: Parts of the dotted key, such as `["train", "steps"]`; the number of an entry in a list is a part, too.

    Returns:
        True if the key is set, to a value or to a table.
    """
    inner: object = tree
    for part in path:
        if isinstance(inner, list):
            inner = {str(number): entry for number, entry in enumerate(inner)}
        if not isinstance(inner, dict) or part not in inner:
            return False
        inner = inner[part]
    return True
