"""Loads and checks configurations from preset, file and overrides; error messages name file and line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from regard.config.auto import AUTO, with_open_kind
from regard.config.engines import unsupported
from regard.config.fine_tuning import fine_tuning_tree
from regard.config.interactions import conflicts, flattened, has_no_effect
from regard.config.layers import PRESET, START, USER, Layer, contains, is_complete, location_of, merged
from regard.config.messages import describe
from regard.config.presets import preset_text
from regard.config.schema import Config
from regard.config.toml_text import MAX_CHARS, TOMLDecodeError, Tree, parse, write_value
from regard.errors import ConfigError
from regard.files.reading import read_text

_REMEDY = "give the path of a TOML configuration, saved as UTF-8, or --preset NAME"
_MAX_MESSAGES, _MAX_LENGTH = 20, 1000
# Errors that are listed, and characters of each.
_DOTTED = re.compile(r"[A-Za-z_][\w-]*(\.[A-Za-z_][\w-]*)*")


def load_config(
    path: str | Path | None = None,
    *,
    preset: str | None = None,
    overrides: Sequence[str] = (),
    variant: Sequence[str] | None = None,
    parent: tuple[str, Config] | None = None,
) -> Config:
    """Loads a configuration from a preset, a file and overrides.

    Values of the preset replace defaults, values of the file those of the preset, and overrides those of the file; the
    order of the keys does not matter. If the file or an override sets an option that has no effect because of other
    options, this is an error, unless it sets the value that would be used anyway. Values of the preset may be without
    effect. If the file or an override sets another kind of model than the preset, the preset's `[model]` section is
    dropped; if they set `train.epochs`, the preset's `train.steps` is dropped. A file that sets every option, such as
    the `config.toml` of a stored model, is treated like a preset.

    Args:
        path: Path of a TOML file; None = no file.
        preset: Name of a preset; by default, the value of `preset` in the overrides or the file.
        overrides: Items `key=value` with a dotted key, such as `train.steps=300`. Values are TOML; anything that is
            not TOML is text, so that strings need no quotes. Of several items with the same key, the last one wins.
        variant: Further items `key=value`, which replace values of `overrides`, for one of several variants of a
            configuration. If given, file and overrides are treated like a preset. None = there are no variants.
        parent: Path and configuration of the model that the training starts from, whose options are used in place of
            those of a preset; None = the training starts from random weights.

    Returns:
        The checked configuration; its `preset` is the name of the preset, or None.

    Raises:
        ConfigError: The file cannot be read or is not TOML, a key is unknown, a value is invalid or has no effect, or
            options contradict one another.

    >>> load_config(preset="bahdanau", overrides=["train.steps=300"]).train.steps
    300
    """
    group = USER if variant is None else START
    layers = [] if path is None else [_file_layer(Path(path))]
    layers = [replace(layer, group=START if is_complete(layer.tree) else group) for layer in layers]
    layers += [replace(_override_layer(override), group=group) for override in overrides]
    layers += [replace(_override_layer(override), group=USER) for override in variant or ()]
    chosen = preset if preset is not None else _named_preset(layers)
    if chosen is not None:
        tree = {**parse(preset_text(chosen)), "preset": chosen}
        layers = [Layer(f"preset {chosen}", tree, group=PRESET), *layers]
        layers.append(Layer(f"--preset {chosen}", {"preset": chosen}, group=PRESET))
    if parent is not None:
        layers = [*_parent_layers(*parent, layers), *layers]
    config = _check(layers)
    _check_interactions(config, layers)
    is_open = chosen == AUTO and not any(contains(layer.tree, ("model", "kind")) for layer in layers)
    return with_open_kind(config) if is_open else config


def _parent_layers(path: str, parent: Config, layers: Sequence[Layer]) -> list[Layer]:
    """The options of a model that the training starts from, in place of a preset."""
    if any(layer.group == PRESET for layer in layers):
        raise ConfigError(
            f"a training that starts from the model {path} has the architecture of this model: leave out the preset"
        )
    given = [layer.tree["train"] for layer in layers if isinstance(layer.tree.get("train"), dict)]
    chosen = [train["parent_vocabulary"] for train in given if isinstance(train, dict) and "parent_vocabulary" in train]
    tree = fine_tuning_tree(parent, new_vocabulary=chosen[-1:] == ["new"])
    own: Tree = {"train": {"parent": path}}
    return [Layer(f"the model {path}", tree, group=PRESET), Layer(f"the model {path}", own, group=PRESET)]


def read_overrides(overrides: Sequence[str]) -> Config:
    """Reads option values that override a stored configuration, such as that of a training to be resumed.

    Args:
        overrides: Items `key=value` with a dotted key, such as `train.steps=300`.

    Returns:
        A configuration with the given values, and defaults for all other options. It is not checked whether the options
        have an effect, which depends on the stored configuration.

    Raises:
        ConfigError: A key is unknown, or a value is invalid.

    >>> read_overrides(["train.guided_file=moved.align"]).train.guided_file
    'moved.align'
    """
    return _check([_override_layer(override) for override in overrides])


def parse_config(text: str, *, where: str) -> Config:
    """Parses a complete configuration, such as that of a stored model; the preset that it names is not applied.

    Args:
        text: TOML document.
        where: Name of the source, for messages, such as the path of the file.

    Returns:
        The checked configuration.

    Raises:
        ConfigError: The text is not TOML, a key is unknown, or a value is invalid.
    """
    return _check([Layer(where, _parse(text, where), text)])


def _parse(text: str, where: str) -> Tree:
    try:
        return parse(text)
    except TOMLDecodeError as error:
        raise ConfigError(f"{where}: not valid TOML: {error}") from None


def _file_layer(path: Path) -> Layer:
    text = read_text(path, max_bytes=4 * MAX_CHARS, remedy=_REMEDY, error=ConfigError).removeprefix("\ufeff")
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
    # More than one key: the value contained a line break. No option is a date, but names may look like one.
    return value if len(tree) == 1 and isinstance(value, bool | int | float | str | list | dict) else text


def _named_preset(layers: Sequence[Layer]) -> str | None:
    for layer in reversed(layers):
        if "preset" in layer.tree:
            name = layer.tree["preset"]
            if not isinstance(name, str):
                raise ConfigError(
                    f"{layer.location(['preset'])}: preset must be the name of a preset, such as 'bahdanau', but is "
                    f"{name!r}"
                )
            return _known_preset(name, layer)
    return None


def _known_preset(name: str, layer: Layer) -> str:
    try:
        preset_text(name)
    except ConfigError as error:
        raise ConfigError(f"{layer.location(['preset'])}: {error}") from None
    return name


def _check(layers: Sequence[Layer]) -> Config:
    tree = merged(layers)
    try:
        config = Config.model_validate(tree)
    except ValidationError as error:
        lines = []
        details = error.errors(include_url=False)
        for detail in details[:_MAX_MESSAGES]:
            context = detail.get("ctx", {})
            path, message = describe(detail["loc"], detail["type"], detail["msg"], detail["input"], context, tree)
            lines.append(_shortened(f"{location_of(layers, path)}: {message}"))
        if len(details) > _MAX_MESSAGES:
            lines.append(f"and {len(details) - _MAX_MESSAGES:,} more errors")
        raise ConfigError("\n".join(dict.fromkeys(lines))) from None
    _check_export(config, layers)
    return config


def _shortened(line: str) -> str:
    """Cuts out the middle of a long message: names and values may be as long as the file."""
    return line if len(line) <= _MAX_LENGTH else f"{line[: _MAX_LENGTH // 2]} … {line[-_MAX_LENGTH // 2 :]}"


def _check_interactions(config: Config, layers: Sequence[Layer]) -> None:
    """Refuses contradictions, and the user's values that have no effect and differ from those used anyway."""
    lines = [f"{location_of(layers, key.split('.'))}: {message}" for key, message in conflicts(config)]
    own = [layer for layer in layers if layer.group == USER]
    given = {
        key: why
        for key, why in has_no_effect(config).items()
        if any(contains(layer.tree, key.split(".")) for layer in own)
    }
    base = flattened(_without_user_values(layers, config)) if given else {}
    for key, why in given.items():
        value = flattened(config)[key]
        if value != base[key]:
            lines.append(f"{location_of(own, key.split('.'))}: {key} = {write_value(value)} has no effect: {why}")
    if lines:
        raise ConfigError("\n".join(lines))


def _without_user_values(layers: Sequence[Layer], config: Config) -> Config:
    """The configuration for this kind of model from presets and starting points alone."""
    try:
        return Config.model_validate(merged([layer for layer in layers if layer.group < USER], config.model.kind))
    except ValidationError:  # an invalid value that the user overrides
        return Config(model=type(config.model)())


def _check_export(config: Config, layers: Sequence[Layer]) -> None:
    """Refuses options that the engine in `model.export` does not support: before training, not after it."""
    engine = config.model.export
    options = [] if engine is None else unsupported(config.model, engine)
    if options and config.preset != AUTO:  # which has not chosen the model yet
        lines = [f"{location_of(layers, ('model', key))}: model.{key}: {why}" for key, why in options]
        advice = f"model.export = {engine!r} cannot run this model; change these options, or leave out model.export"
        raise ConfigError("\n".join([*lines, f"{location_of(layers, ('model', 'export'))}: {advice}"]))
