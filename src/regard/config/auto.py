"""The preset `auto`, which chooses model, vocabulary and training options by the number of sentence pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from regard.config.engines import unsupported
from regard.config.interactions import conflicts
from regard.config.schema import Config, ModelSection
from regard.config.toml_text import Tree, write_value
from regard.errors import ConfigError

AUTO = "auto"
"""Name of the preset."""


@dataclass(frozen=True)
class Rule:
    """Option values of the preset `auto` for corpora of up to `max_pairs` sentence pairs.

    Attributes:
        max_pairs: Largest number of sentence pairs for which these values are used; None = no limit.
        options: Option values, as nested dictionaries. `model.kind` is set, and all options fit this kind of model.
        reason: Why these values were chosen, and in which experiments, for a message to the user.
    """

    max_pairs: int | None
    options: Tree
    reason: str


def _transformer(width: int, layers: int, dropout: float) -> Tree:
    """Options of a Transformer whose feed-forward networks are twice as wide as its states."""
    return {
        "kind": "transformer", "width": width, "ff_size": 2 * width, "heads": 4, "encoder_layers": layers,
        "decoder_layers": layers, "dropout": dropout,
    }  # fmt: skip


def _training(learning_rate: float, batch_tokens: int, warmup: int = 400) -> Tree:
    return {"learning_rate": learning_rate, "warmup": warmup, "schedule": "cosine", "batch_tokens": batch_tokens}


RULES = (
    Rule(
        5_000,
        {"subword": {"vocab_size": 1_000}, "model": _transformer(128, 4, 0.15), "train": _training(4e-3, 2_048)},
        "in trainings of 3 minutes with 3,000 pairs, a small Transformer was better than recurrent models",
    ),
    Rule(
        20_000,
        {"subword": {"vocab_size": 2_000}, "model": _transformer(128, 4, 0.15), "train": _training(4e-3, 2_048)},
        "in trainings of 5 minutes with 10,000 pairs, a small Transformer was better than recurrent models, and than "
        "with fewer subwords and more dropout",
    ),
    Rule(
        50_000,
        {"subword": {"vocab_size": 4_000}, "model": _transformer(128, 4, 0.15), "train": _training(4e-3, 4_096)},
        "as for fewer pairs, with more subwords; not compared with other models for so many pairs in equal time yet",
    ),
    Rule(
        200_000,
        {"subword": {"vocab_size": 8_000}, "model": _transformer(128, 4, 0.15), "train": _training(4e-3, 4_096)},
        "as for fewer pairs, with more subwords; not compared with other models for so many pairs yet",
    ),
    Rule(
        None,
        {"subword": {"vocab_size": 16_000}, "model": _transformer(256, 3, 0.1), "train": _training(2e-3, 4_096, 1_000)},
        "a Transformer that a machine without a GPU can train, not compared with others for so many pairs yet",
    ),
)
"""By number of pairs, the smallest first; docs/small-languages.md has the experiments."""


def with_open_kind(config: Config) -> Config:
    """Copies a configuration and marks `model.kind` as not set by the user, so that the preset `auto` may choose it."""
    given = config.model.model_fields_set - {"kind"}
    model = type(config.model).model_construct(_fields_set=given, **dict(config.model))
    return config.model_copy(update={"model": model})


def rule_for(num_pairs: int) -> Rule:
    """Finds the option values that the preset `auto` uses for a corpus of `num_pairs` sentence pairs."""
    return next(rule for rule in RULES if rule.max_pairs is None or num_pairs <= rule.max_pairs)


def apply_rules(config: Config, num_pairs: int) -> tuple[Config, list[str]]:
    """Sets options that the user did not set to the values of the preset `auto`.

    A configuration with another preset stays the same. If the user chose a kind of model (`rnn` or `transformer`) that
    the preset's values are not for, or set options of such a model, only the preset's vocabulary options are used.

    Args:
        config: Configuration from `regard.config.load.load_config`, which records what the user has set.
        num_pairs: Number of training pairs.

    Returns:
        The configuration, whose `preset` is now None; and a list with one note for the user on the chosen values (empty
        with another preset).

    Raises:
        ConfigError: The user's options contradict those of the preset.
    """
    if config.preset != AUTO:
        return config, []
    rule, given = rule_for(num_pairs), config.model_dump(exclude_unset=True)
    options = rule.options
    if not _fits(config, Config.model_validate(options).model):
        options = {"subword": options["subword"], "model": {"kind": config.model.kind}}
    complete = Config.model_validate({**_merged(options, given), "preset": None})
    messages = [message for _, message in conflicts(complete)]
    engine = complete.model.export
    if engine is not None:
        why = f"model.export = {engine!r} cannot run this model"
        messages += [f"{why}: model.{key}: {reason}" for key, reason in unsupported(complete.model, engine)]
    if messages:
        raise ConfigError("\n".join([*messages, f"these options are used: {_listed(options, given)} (preset auto)"]))
    limit = "more" if rule.max_pairs is None else f"up to {rule.max_pairs:,}"
    chosen = _listed(options, given) or "your options replace all of the preset's"
    return complete, [f"preset auto, {num_pairs:,} sentence pairs (rule for {limit}): {chosen}; {rule.reason}"]


def _fits(config: Config, model: ModelSection) -> bool:
    """Whether the user's options about the model belong to the rule's kind of model, too."""
    given = config.model.model_fields_set
    is_same_kind = "kind" not in given or isinstance(model, type(config.model))
    return is_same_kind and given <= set(type(model).model_fields)


def _merged(below: Mapping[str, object], above: Mapping[str, object]) -> Tree:
    """Option values of both trees; those of `above` win."""
    tree = dict(below)
    for key, value in above.items():
        inner = tree.get(key)
        tree[key] = _merged(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return tree


def _listed(options: Mapping[str, object], given: Mapping[str, object], prefix: str = "") -> str:
    """The options that the user did not set, as `key = value, ...`."""
    parts = []
    for key, value in options.items():
        own = given.get(key)
        if isinstance(value, dict):
            parts.append(_listed(value, own if isinstance(own, dict) else {}, f"{prefix}{key}."))
        elif own is None:
            parts.append(f"{prefix}{key} = {write_value(value)}")
    return ", ".join(part for part in parts if part)
