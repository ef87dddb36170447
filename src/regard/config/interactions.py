"""Which options change nothing where the others are as they are, and which contradict one another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from regard.config.schema import (
    AttentionConfig,
    Config,
    RNNConfig,
    SearchConfig,
    Section,
    TrainConfig,
    TransformerConfig,
)
from regard.config.toml_text import Tree

Finding = tuple[str, str]
"""A dotted key, and a sentence: why, and what to do."""

_ALIASES = {
    "model.attention.score": ("concat", "additive"),
    "model.cross_score": ("concat", "additive"),
    "train.schedule": ("noam", "inverse-sqrt"),
}
"""Options of which a value is another name of a second one."""


def has_no_effect(config: Config) -> dict[str, str]:
    """Options that have no effect here, whatever their values.

    Args:
        config: Complete or not.

    Returns:
        By dotted key, why it has none, and what to do.

    >>> from regard.config.schema import TransformerConfig
    >>> idle(Config(model=TransformerConfig()))["model.max_positions"]
    "model.position = 'sinusoidal' reaches any length: leave it out, or set model.position = 'learned'"
    """
    model = config.model
    rules = _recurrent(model) if isinstance(model, RNNConfig) else _transformer(model)
    return {f"model.{key}": why for key, why in rules} | {f"train.{key}": why for key, why in _training(config.train)}


def without_effect(config: Config) -> list[str]:
    """What to tell of options that have no effect, but another value than their default.

    Args:
        config: Complete or not.

    Returns:
        A sentence an option.
    """
    set_, default = flattened(config), flattened(type(config)(model=type(config.model)()))
    return [
        f"{key} = {set_[key]!r} has no effect: {why}"
        for key, why in has_no_effect(config).items()
        if set_[key] != default[key]
    ]


def conflicts(config: Config) -> list[Finding]:
    """What cannot be meant: it would fail later, or leave out what was asked for.

    Args:
        config: Complete or not.

    Returns:
        A key, and what is wrong with it; empty where all is well.

    >>> from regard.config.schema import DataConfig
    >>> conflicts(Config(data=DataConfig(src="a", tgt="b", val_tgt="c")))[0][0]
    'data.val_tgt'
    """
    return [*_data_conflicts(config), *_other_conflicts(config)]


def default_search(configs: Sequence[Config]) -> SearchConfig:
    """How a model, or an ensemble, searches by default.

    Args:
        configs: Of all its models.

    Returns:
        The first one's way, without a penalty for what attention left out where none of them attends: it was once
        accepted for such models.
    """
    search = configs[0].search
    blind = all(isinstance(one.model, RNNConfig) and one.model.decoder == "plain" for one in configs)
    return search.model_copy(update={"coverage_penalty": 0.0}) if blind else search


def canonical(config: Config) -> Config:
    """The same training in one spelling: two configurations are one where these are equal.

    Args:
        config: Complete or not.

    Returns:
        A configuration whose options without effect have their defaults, and whose values have one name each.
    """
    default = flattened(type(config)(model=type(config.model)()))
    changes: dict[str, object] = {key: default[key] for key in has_no_effect(config)}
    changes |= aliases(config)
    steps = config.train.steps
    if steps is not None:
        changes["train.warmup"] = min(config.train.warmup, steps)
    return _changed(config.model_copy(update={"preset": None}), changes)


def aliases(config: Config) -> dict[str, str]:
    """Options whose value is another name.

    Args:
        config: Complete or not.

    Returns:
        By dotted key, the name under which regard knows it.

    >>> from regard.config.schema import TrainConfig
    >>> aliases(Config(train=TrainConfig(schedule="noam")))
    {'train.schedule': 'inverse-sqrt'}
    """
    set_ = flattened(config)
    return {key: name for key, (alias, name) in _ALIASES.items() if set_.get(key) == alias}


def flattened(section: Section, name: str = "") -> dict[str, object]:
    """Every option by its dotted key.

    Args:
        section: The configuration, or a part of it.
        name: Of that part.

    Returns:
        Key to value.
    """
    found: dict[str, object] = {}
    for key in type(section).model_fields:
        value, path = getattr(section, key), f"{name}.{key}" if name else key
        found |= flattened(value, path) if isinstance(value, Section) else {path: value}
    return found


def _changed(config: Config, changes: dict[str, object]) -> Config:
    """A copy with other values; they are not checked again."""
    tree: Tree = {}
    for key, value in changes.items():
        inner = tree
        *tables, last = key.split(".")
        for table in tables:
            inner = inner.setdefault(table, {})  # type: ignore[assignment]
        inner[last] = value
    return _copied(config, tree)


def _copied(section: Config, tree: Tree) -> Config:
    update = {
        key: _copied(getattr(section, key), value) if isinstance(value, dict) else value for key, value in tree.items()
    }
    return section.model_copy(update=update)


def _recurrent(model: RNNConfig) -> Iterator[Finding]:
    if model.decoder == "plain":
        blind = "model.decoder = 'plain' has no attention: leave it out, or choose another decoder"
        yield from ((f"attention.{key}", blind) for key in AttentionConfig.model_fields)
    else:
        yield from ((f"attention.{key}", why) for key, why in _attention(model.attention))
    for key, owner in (("input_feeding", "luong"), ("combine", "luong"), ("deep_output", "bahdanau")):
        if model.decoder != owner:
            yield (
                key,
                f"it belongs to model.decoder = {owner!r}, and this is {model.decoder!r}: leave it out, or set that",
            )
    if model.encoder_layers == model.decoder_layers == 1:
        yield "residual", "it begins at the second layer, and there is one: leave it out, or ask for more layers"


def _attention(options: AttentionConfig) -> Iterator[Finding]:
    score = f"model.attention.score = {options.score!r}"
    if options.score not in ("additive", "concat"):
        yield "size", f"{score} has no hidden layer: leave it out, or set 'additive'"
    if options.score != "location":
        yield "max_source", f"{score} reaches any length: leave it out, or set 'location'"
    if options.window == "global":
        yield "window_size", "model.attention.window = 'global' has no bounds: leave it out, or set another window"
    if not options.location_filters:
        yield (
            "location_reach",
            "model.attention.location_filters = 0 has nothing that reaches: leave it out, or set some",
        )


def _transformer(model: TransformerConfig) -> Iterator[Finding]:
    if model.position != "learned":
        position = f"model.position = {model.position!r}"
        yield "max_positions", f"{position} reaches any length: leave it out, or set model.position = 'learned'"


def _training(options: TrainConfig) -> Iterator[Finding]:
    if options.steps is not None:
        yield "epochs", f"train.steps = {options.steps} says how long to train: leave out one of the two"
    if not options.guided_weight:
        for key in ("guided_file", "guided_layer", "guided_head", "guided_shift"):
            yield key, "train.guided_weight = 0, so that no links guide attention: leave it out, or set a weight"
    if options.schedule == "constant":
        never = "train.schedule = 'constant' never falls after the warm-up"
        yield "min_learning_rate", f"{never}: leave it out, or choose another schedule"


def _data_conflicts(config: Config) -> Iterator[Finding]:
    data, model = config.data, config.model
    if data.val_tgt is not None and data.val_src is None:
        told = (
            "data.val_tgt names translations to validate with, but data.val_src names no sources: give both (--val-src "
            "and --val-tgt), or neither, and some training pairs are held out"
        )
        yield "data.val_tgt", told
    if isinstance(model, TransformerConfig) and model.position == "learned" and data.max_len >= model.max_positions:
        told = (
            f"model.max_positions = {model.max_positions} learned positions hold {model.max_positions - 1} subwords "
            f"and the end of a sentence, but data.max_len = {data.max_len} lets longer ones be trained on: set "
            f"data.max_len to {model.max_positions - 1} or less, or model.max_positions to {data.max_len + 1} or more"
        )
        yield "model.max_positions", told


def _other_conflicts(config: Config) -> Iterator[Finding]:
    model, train = config.model, config.train
    if train.min_learning_rate > train.learning_rate:
        told = (
            f"train.min_learning_rate = {train.min_learning_rate:g} must be at most train.learning_rate = "
            f"{train.learning_rate:g}, the largest rate there is: lower the one, or raise the other"
        )
        yield "train.min_learning_rate", told
    if config.search.coverage_penalty and isinstance(model, RNNConfig) and model.decoder == "plain":
        told = (
            f"search.coverage_penalty = {config.search.coverage_penalty:g} counts what attention left out, but "
            "model.decoder = 'plain' has no attention: set it to 0, or choose another decoder"
        )
        yield "search.coverage_penalty", told
