"""From TOML to a checked configuration: preset, then file, then overrides; mistakes named with their place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from regard.config.complaints import complaint
from regard.config.engines import obstacles
from regard.config.presets import preset_text
from regard.config.schema import Config
from regard.config.toml_text import TOMLDecodeError, Tree, line_of, parse
from regard.errors import ConfigError

_DOTTED = re.compile(r"[A-Za-z_][\w-]*(\.[A-Za-z_][\w-]*)*")


@dataclass(frozen=True, slots=True)
class _Layer:
    """Values from one place; later layers win."""

    where: str
    tree: Tree
    text: str = ""

    def place(self, path: Sequence[str]) -> str:
        """The place of a key, with its line where that can be told."""
        line = line_of(self.text, path)
        return f"{self.where}:{line}" if line else self.where


def load_config(path: str | Path | None = None, *, preset: str | None = None, overrides: Sequence[str] = ()) -> Config:
    """Reads a configuration: overrides win over the file, the file over the preset, the preset over defaults.

    Args:
        path: A TOML file; None for none.
        preset: Name of a preset; the file's own `preset` when not given.
        overrides: `key=value` with a dotted key, such as `train.steps=300`. Values are TOML; what is not TOML
            is taken as text, so that strings need no quotes.

    Returns:
        The checked configuration. Its `preset` is the name of the preset that was used.

    Raises:
        ConfigError: The file cannot be read, is not TOML, or has an unknown key or a wrong value.

    >>> load_config(preset="bahdanau", overrides=["train.steps=300"]).train.steps
    300
    """
    layers = [] if path is None else [_file_layer(Path(path))]
    layers += [_override_layer(override) for override in overrides]
    chosen = preset if preset is not None else _named_preset(layers)
    if chosen is not None:
        tree = {**parse(preset_text(chosen)), "preset": chosen}
        layers = [_Layer(f"preset {chosen}", tree), *layers]
        layers.append(_Layer(f"--preset {chosen}", {"preset": chosen}))
    return _check(layers)


def parse_config(text: str, *, where: str) -> Config:
    """Reads a complete configuration, such as a model's, without applying the preset that it names.

    Args:
        text: A TOML document.
        where: What to call it in messages.

    Returns:
        The checked configuration.

    Raises:
        ConfigError: The text is not TOML, or has an unknown key or a wrong value.
    """
    return _check([_Layer(where, _parse(text, where), text)])


def _parse(text: str, where: str) -> Tree:
    try:
        return parse(text)
    except TOMLDecodeError as error:
        raise ConfigError(f"{where}: not valid TOML: {error}") from None


def _file_layer(path: Path) -> _Layer:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; give the path of a TOML configuration, or --preset NAME") from None
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path}: a configuration is TOML text in UTF-8, but byte {error.start} is not UTF-8; save it as UTF-8"
        ) from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read as a configuration file: {error.strerror}") from None
    return _Layer(str(path), _parse(text, str(path)), text)


def _override_layer(override: str) -> _Layer:
    key, equals, value = (part.strip() for part in override.partition("="))
    if not (equals and value and _DOTTED.fullmatch(key)):
        raise ConfigError(f"--set {override}: expected key=value with a dotted key, such as --set train.steps=300")
    tree: Tree = {}
    inner = tree
    *tables, last = key.split(".")
    for table in tables:
        inner = inner.setdefault(table, {})  # type: ignore[assignment]
    inner[last] = _override_value(value)
    return _Layer(f"--set {override}", tree)


def _override_value(text: str) -> object:
    try:
        tree = parse(f"value = {text}")
    except TOMLDecodeError:
        return text
    value = tree["value"]
    # More than one key: the text went on after the value. Dates are nowhere wanted, names like them may be.
    return value if len(tree) == 1 and isinstance(value, bool | int | float | str | list | dict) else text


def _named_preset(layers: Sequence[_Layer]) -> str | None:
    for layer in reversed(layers):
        if "preset" in layer.tree:
            name = layer.tree["preset"]
            if not isinstance(name, str):
                raise ConfigError(f"{layer.place(['preset'])}: preset must be the name of a preset, but is {name!r}")
            return _known_preset(name, layer)
    return None


def _known_preset(name: str, layer: _Layer) -> str:
    try:
        preset_text(name)
    except ConfigError as error:
        raise ConfigError(f"{layer.place(['preset'])}: {error}") from None
    return name


def _check(layers: Sequence[_Layer]) -> Config:
    tree: Tree = {}
    for layer in layers:
        _merge(tree, layer.tree)
    model = tree.get("model")
    if isinstance(model, dict):
        model.setdefault("kind", "rnn")  # pydantic wants to be told; the schema's default is the RNN
    try:
        config = Config.model_validate(tree)
    except ValidationError as error:
        lines = []
        for one in error.errors(include_url=False):
            path, message = complaint(one["loc"], one["type"], one["msg"], one["input"], one.get("ctx", {}), tree)
            lines.append(f"{_place(layers, path)}: {message}")
        raise ConfigError("\n".join(dict.fromkeys(lines))) from None
    _check_export(config, layers)
    return config


def _check_export(config: Config, layers: Sequence[_Layer]) -> None:
    """Refuses what the engine that the model is meant for could not run: now, rather than after training."""
    engine = config.model.export
    found = [] if engine is None else obstacles(config.model, engine)
    if found:
        lines = [f"{_place(layers, ('model', key))}: model.{key}: {why}" for key, why in found]
        told = f"{_place(layers, ('model', 'export'))}: model.export = {engine!r} asks for what it cannot run; change "
        raise ConfigError("\n".join([*lines, told + "these, or leave out model.export"]))


def _merge(below: Tree, above: Tree) -> None:
    """Puts `above` over `below`, table by table; another kind of model replaces the whole model."""
    for key, value in above.items():
        old = below.get(key)
        if isinstance(value, dict) and isinstance(old, dict) and not (key == "model" and _changes_kind(old, value)):
            _merge(old, value)
        else:
            below[key] = _copied(value)


def _changes_kind(old: Tree, new: Tree) -> bool:
    return "kind" in new and new["kind"] != old.get("kind", "rnn")


def _copied(value: object) -> object:
    return {key: _copied(inner) for key, inner in value.items()} if isinstance(value, dict) else value


def _place(layers: Sequence[_Layer], path: Sequence[str]) -> str:
    """Where the value at `path` comes from: the last layer that has it, or the nearest table around it."""
    for length in range(len(path), 0, -1):
        for layer in reversed(layers):
            if _contains(layer.tree, path[:length]):
                return layer.place(path[:length])
    return layers[-1].where


def _contains(tree: Tree, path: Sequence[str]) -> bool:
    inner: object = tree
    for part in path:
        if not isinstance(inner, dict) or part not in inner:
            return False
        inner = inner[part]
    return True
