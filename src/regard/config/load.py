"""From TOML to a checked configuration: preset, then file, then overrides; mistakes named with their place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from regard.config.engines import unsupported
from regard.config.interactions import conflicts, flattened, has_no_effect
from regard.config.layers import USER, PRESET, START, Layer, contains, is_complete, merged, location_of
from regard.config.messages import describe
from regard.config.presets import preset_text
from regard.config.schema import Config
from regard.config.toml_text import MAX_CHARS, TOMLDecodeError, Tree, parse, write_value
from regard.errors import ConfigError
from regard.files.reading import read_text

_CURE = "give the path of a TOML configuration, saved as UTF-8, or --preset NAME"
_SHOWN, _LONGEST = 20, 1000
# Faults of a configuration that are told, and characters of each.
_DOTTED = re.compile(r"[A-Za-z_][\w-]*(\.[A-Za-z_][\w-]*)*")


def load_config(
    path: str | Path | None = None,
    *,
    preset: str | None = None,
    overrides: Sequence[str] = (),
    variant: Sequence[str] | None = None,
) -> Config:
    """Reads a configuration: overrides win over the file, the file over the preset, the preset over defaults.

    The order of the options does not matter. What is set must have an effect, unless it only says what would be so
    anyway; what a preset sets need not: where the file or an override asks for another kind of model, the preset's
    model is left out, and where they set `train.epochs`, its `train.steps` are. A file with every option, such as a
    model's `config.toml`, is a starting point in the same way.

    Args:
        path: A TOML file; None for none.
        preset: Name of a preset; the file's own `preset` when not given.
        overrides: `key=value` with a dotted key, such as `train.steps=300`. Values are TOML; what is not TOML
            is taken as text, so that strings need no quotes. Of several with one key the last counts.
        variant: Overrides of the overrides; then all others are a starting point.

    Returns:
        The checked configuration. Its `preset` is the name of the preset that was used.

    Raises:
        ConfigError: The file cannot be read, is not TOML, or has an unknown key or a wrong value, options contradict
            one another, or a value has no effect.

    >>> load_config(preset="bahdanau", overrides=["train.steps=300"]).train.steps
    300
    """
    group = USER if variant is None else START
    layers = [] if path is None else [_file_layer(Path(path))]
    layers = [replace(one, group=START if is_complete(one.tree) else group) for one in layers]
    layers += [replace(_override_layer(override), group=group) for override in overrides]
    layers += [replace(_override_layer(override), group=USER) for override in variant or ()]
    chosen = preset if preset is not None else _named_preset(layers)
    if chosen is not None:
        tree = {**parse(preset_text(chosen)), "preset": chosen}
        layers = [Layer(f"preset {chosen}", tree, group=PRESET), *layers]
        layers.append(Layer(f"--preset {chosen}", {"preset": chosen}, group=PRESET))
    config = _check(layers)
    _check_sense(config, layers)
    return config


def read_overrides(overrides: Sequence[str]) -> Config:
    """Reads what is set anew of a configuration that is kept elsewhere, as where a training goes on.

    Args:
        overrides: As for `load_config`.

    Returns:
        The defaults with these values, whose effect depends on what is kept and is not looked at.

    Raises:
        ConfigError: An unknown key or a wrong value.

    >>> read_changes(["train.guided_file=moved.align"]).train.guided_file
    'moved.align'
    """
    return _check([_override_layer(override) for override in overrides])


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
    return _check([Layer(where, _parse(text, where), text)])


def _parse(text: str, where: str) -> Tree:
    try:
        return parse(text)
    except TOMLDecodeError as error:
        raise ConfigError(f"{where}: not valid TOML: {error}") from None


def _file_layer(path: Path) -> Layer:
    text = read_text(path, max_bytes=4 * MAX_CHARS, remedy=_CURE, error=ConfigError).removeprefix("\ufeff")
    return Layer(str(path), _parse(text, str(path)), text)


def _override_layer(override: str) -> Layer:
    key, equals, value = (part.strip() for part in override.partition("="))
    if not (equals and value and _DOTTED.fullmatch(key)):
        raise ConfigError(f"--set {override}: expected key=value with a dotted key, such as --set train.steps=300")
    tree: Tree = {}
    inner = tree
    *tables, last = key.split(".")
    for table in tables:
        inner = inner.setdefault(table, {})  # type: ignore[assignment]
    inner[last] = _override_value(value)
    return Layer(f"--set {override}", tree)


def _override_value(text: str) -> object:
    try:
        tree = parse(f"value = {text}", wide=True)
    except TOMLDecodeError:
        return text
    value = tree["value"]
    # More than one key: the text went on after the value. Dates are nowhere wanted, names like them may be.
    return value if len(tree) == 1 and isinstance(value, bool | int | float | str | list | dict) else text


def _named_preset(layers: Sequence[Layer]) -> str | None:
    for layer in reversed(layers):
        if "preset" in layer.tree:
            name = layer.tree["preset"]
            if not isinstance(name, str):
                raise ConfigError(f"{layer.place(['preset'])}: preset must be the name of a preset, but is {name!r}")
            return _known_preset(name, layer)
    return None


def _known_preset(name: str, layer: Layer) -> str:
    try:
        preset_text(name)
    except ConfigError as error:
        raise ConfigError(f"{layer.place(['preset'])}: {error}") from None
    return name


def _check(layers: Sequence[Layer]) -> Config:
    tree = merged(layers)
    try:
        config = Config.model_validate(tree)
    except ValidationError as error:
        lines = []
        faults = error.errors(include_url=False)
        for one in faults[:_SHOWN]:
            path, message = describe(one["loc"], one["type"], one["msg"], one["input"], one.get("ctx", {}), tree)
            lines.append(_cut(f"{place_of(layers, path)}: {message}"))
        if len(faults) > _SHOWN:
            lines.append(f"and {len(faults) - _SHOWN:,} more")
        raise ConfigError("\n".join(dict.fromkeys(lines))) from None
    _check_export(config, layers)
    return config


def _cut(line: str) -> str:
    """Names and values may be as long as the file."""
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST // 2]} … {line[-_LONGEST // 2 :]}"


def _check_sense(config: Config, layers: Sequence[Layer]) -> None:
    """Refuses contradictions, and values of the user's that have no effect but would not be so anyway."""
    lines = [f"{place_of(layers, key.split('.'))}: {what}" for key, what in conflicts(config)]
    own = [layer for layer in layers if layer.group == USER]
    given = {
        key: why for key, why in has_no_effect(config).items() if any(contains(one.tree, key.split(".")) for one in own)
    }
    anyway = flattened(_anyway(layers, config)) if given else {}
    for key, why in given.items():
        value = flattened(config)[key]
        if value != anyway[key]:
            lines.append(f"{place_of(own, key.split('.'))}: {key} = {write_value(value)} has no effect: {why}")
    if lines:
        raise ConfigError("\n".join(lines))


def _anyway(layers: Sequence[Layer], config: Config) -> Config:
    """What a model of that kind has without the user's own values."""
    try:
        return Config.model_validate(merged([one for one in layers if one.group < USER], config.model.kind))
    except ValidationError:  # of a value that the user's own stands over
        return Config(model=type(config.model)())


def _check_export(config: Config, layers: Sequence[Layer]) -> None:
    """Refuses what the engine that the model is meant for could not run: now, rather than after training."""
    engine = config.model.export
    found = [] if engine is None else unsupported(config.model, engine)
    if found:
        lines = [f"{place_of(layers, ('model', key))}: model.{key}: {why}" for key, why in found]
        told = f"model.export = {engine!r} asks for what it cannot run; change these, or leave out model.export"
        raise ConfigError("\n".join([*lines, f"{place_of(layers, ('model', 'export'))}: {told}"]))
