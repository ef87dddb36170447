"""Options that have no effect given the others, and options that contradict one another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from regard.config.schema import (
    AttentionConfig,
    Config,
    DataConfig,
    RNNConfig,
    SearchConfig,
    Section,
    TrainConfig,
    TransformerConfig,
)
from regard.config.toml_text import Tree

Finding = tuple[str, str]
"""A dotted key, and a sentence that says what is wrong and what to do."""

_ALIASES = {
    "model.attention.score": ("concat", "additive"),
    "model.cross_score": ("concat", "additive"),
    "train.schedule": ("noam", "inverse-sqrt"),
}
"""By option: a value, and the value that it is another name for."""


def has_no_effect(config: Config) -> dict[str, str]:
    """Finds options that have no effect, whichever value they have, because of the values of other options.

    For example, `model.max_positions` has no effect if `model.position` is not `learned`.

    Args:
        config: The configuration; options that are derived from the corpus may still be None.

    Returns:
        For each such option, by its dotted key: why it has no effect, and what the user can do.

    >>> from regard.config.schema import TransformerConfig
    >>> has_no_effect(Config(model=TransformerConfig()))["model.max_positions"]
    "model.position = 'sinusoidal' has no length limit: leave it out, or set model.position = 'learned'"
    """
    model = config.model
    rules = _recurrent(model) if isinstance(model, RNNConfig) else _transformer(model)
    return (
        {f"data.{key}": why for key, why in _data(config.data)}
        | {f"model.{key}": why for key, why in rules}
        | {f"train.{key}": why for key, why in (*_training(config.train), *_regularization(config))}
    )


def without_effect(config: Config) -> list[str]:
    """Makes warnings about options that are not at their defaults, but have no effect because of other options.

    Args:
        config: The configuration; options that are derived from the corpus may still be None.

    Returns:
        One warning per option.
    """
    values, default = flattened(config), flattened(Config(model=type(config.model)()))
    return [
        f"{key} = {values[key]!r} has no effect: {why}"
        for key, why in has_no_effect(config).items()
        if values[key] != default[key]
    ]


def conflicts(config: Config) -> list[Finding]:
    """Finds options that contradict one another: training would fail later, or ignore one of the options.

    Args:
        config: The configuration; options that are derived from the corpus may still be None.

    Returns:
        Per contradiction, the dotted key of an option, and a message that says what is wrong and what to do.

    >>> from regard.config.schema import DataConfig
    >>> conflicts(Config(data=DataConfig(src="a", tgt="b", val_tgt="c")))[0][0]
    'data.val_tgt'
    """
    return [*_data_conflicts(config), *_other_conflicts(config)]


def default_search(configs: Sequence[Config]) -> SearchConfig:
    """Search options that a model or an ensemble uses if the user gives none.

    Args:
        configs: Configurations of all models of the ensemble, or of the only model.

    Returns:
        The `[search]` section of the first model. The coverage penalty is set to 0 if no model has attention, because
        older versions of regard stored a penalty also for such models.
    """
    search = configs[0].search
    if any(config.model.has_attention for config in configs):
        return search
    return search.model_copy(update={"coverage_penalty": 0.0})


def canonical(config: Config) -> Config:
    """Converts a configuration to a canonical form, to compare configurations.

    If the canonical forms of two configurations are equal, both train the same model.

    Args:
        config: The configuration; options that are derived from the corpus may still be None.

    Returns:
        A configuration in which options without effect have their defaults, alternative names of values, such as
        `noam`, are replaced, the warm-up has at most `train.steps` steps, and `preset` is None.
    """
    default = flattened(Config(model=type(config.model)()))
    changes: dict[str, object] = {key: default[key] for key in has_no_effect(config)}
    changes |= aliases(config)
    steps = config.train.steps
    if steps is not None:
        changes["train.warmup"] = min(config.train.warmup, steps)
    return _changed(config.model_copy(update={"preset": None}), changes)


def aliases(config: Config) -> dict[str, str]:
    """Finds options whose value is an alternative name of another value, such as `noam` for `inverse-sqrt`.

    Args:
        config: The configuration; options that are derived from the corpus may still be None.

    Returns:
        The name that regard uses for the value, by dotted key of the option.

    >>> from regard.config.schema import TrainConfig
    >>> aliases(Config(train=TrainConfig(schedule="noam")))
    {'train.schedule': 'inverse-sqrt'}
    """
    values = flattened(config)
    return {key: name for key, (alias, name) in _ALIASES.items() if values.get(key) == alias}


def flattened(section: Section, name: str = "") -> dict[str, object]:
    """Converts a configuration to a flat dictionary of its options.

    Args:
        section: The whole configuration, or one of its sections.
        name: Dotted name of the section, as the prefix of all keys; empty for the whole configuration.

    Returns:
        Values of all options by dotted key, such as `{"train.seed": 1}`.
    """
    values: dict[str, object] = {}
    for key in type(section).model_fields:
        value, path = getattr(section, key), f"{name}.{key}" if name else key
        values |= flattened(value, path) if isinstance(value, Section) else {path: value}
    return values


def _changed(config: Config, changes: dict[str, object]) -> Config:
    """A copy with some values changed, without validation."""
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


def _data(options: DataConfig) -> Iterator[Finding]:
    if len(options.corpora) < 2:
        why = f"it weights two or more corpora, but data.corpora has {len(options.corpora)}: leave it out, or add some"
        yield "temperature", why
    texts = [(options.src, options.tgt), (options.val_src, options.val_tgt)]
    texts += [(entry.src, entry.tgt) for entry in options.corpora]
    if all(tgt is not None for src, tgt in texts if src is not None) and any(src is not None for src, _ in texts):
        why = "each text is two plain files, to which it does not apply: leave it out"
        yield from ((key, why) for key in ("columns", "include_fuzzy", "accelerators"))


def _recurrent(model: RNNConfig) -> Iterator[Finding]:
    if model.decoder == "plain":
        why = "model.decoder = 'plain' has no attention: leave it out, or choose another decoder"
        yield from ((f"attention.{key}", why) for key in AttentionConfig.model_fields)
    else:
        yield from ((f"attention.{key}", why) for key, why in _attention(model.attention))
    for key, owner in (("input_feeding", "luong"), ("combine", "luong"), ("deep_output", "bahdanau")):
        if model.decoder != owner:
            yield (
                key,
                f"model.decoder = {model.decoder!r} does not use it, only {owner!r} does: leave it out, or set that",
            )
    if model.encoder_layers == model.decoder_layers == 1:
        why = "the residual connection starts at the second layer, but encoder and decoder have one layer each"
        yield "residual", f"{why}: leave it out, or set more layers"


def _attention(options: AttentionConfig) -> Iterator[Finding]:
    score = f"model.attention.score = {options.score!r}"
    if options.score not in ("additive", "concat"):
        yield "size", f"{score} has no hidden layer: leave it out, or set the score to 'additive'"
    if options.score != "location":
        yield "max_source", f"{score} covers sources of any length: leave it out, or set the score to 'location'"
    if options.window == "global":
        yield "window_size", "model.attention.window = 'global' is unlimited: leave it out, or set another window"
    if not options.location_filters:
        yield (
            "location_reach",
            "model.attention.location_filters = 0 means no filters: leave it out, or set a number of filters",
        )


def _transformer(model: TransformerConfig) -> Iterator[Finding]:
    if model.position != "learned":
        position = f"model.position = {model.position!r}"
        yield "max_positions", f"{position} has no length limit: leave it out, or set model.position = 'learned'"


def _training(options: TrainConfig) -> Iterator[Finding]:
    if options.steps is not None:
        yield "epochs", f"train.steps = {options.steps} already sets the length of training: leave out one of the two"
    if not options.guided_weight:
        why = "train.guided_weight = 0 turns guided alignment off: leave it out, or set a weight"
        keys = ["guided_layer", "guided_head", "guided_shift"]
        yield from ((key, why) for key in (keys if options.terms else ["guided_file", *keys]))
    if options.schedule == "constant":
        why = "train.schedule = 'constant' never lowers the rate after the warm-up"
        yield "min_learning_rate", f"{why}: leave it out, or choose another schedule"
    if not options.lora_rank:
        yield "lora_alpha", "train.lora_rank = 0 trains all weights: leave it out, or set a rank"
    if options.parent is None:
        for key in ("parent_vocabulary", "parent_share"):
            yield key, "the training starts from random weights: leave it out, or set train.parent"


def _has(names: list[str]) -> str:
    return "has" if len(names) == 1 else "have"


def _regularization(config: Config) -> Iterator[Finding]:
    model = config.model
    attention = model.attention_dropout if isinstance(model, TransformerConfig) else model.attention.dropout
    if not (model.dropout or attention or config.train.word_dropout):
        yield "r_drop", "without dropout, both predictions are equal: leave it out, or set model.dropout"


def _data_conflicts(config: Config) -> Iterator[Finding]:
    data, model = config.data, config.model
    if data.corpora and (data.src is not None or data.tgt is not None):
        message = (
            f"data.corpora and data.{'src' if data.src else 'tgt'} are both set: leave one of them out; the text of "
            "data.src can be an entry of data.corpora"
        )
        yield "data.corpora", message
    weighted = [f"data.corpora[{i}]" for i, entry in enumerate(data.corpora, start=1) if entry.weight is not None]
    if data.temperature is not None and weighted:
        message = (
            f"data.temperature = {data.temperature:g} weights the corpora by their sizes, but {', '.join(weighted)} "
            f"{_has(weighted)} a weight: leave out one of the two"
        )
        yield "data.temperature", message
    unnamed = [f"data.corpora[{i}]" for i, entry in enumerate(data.corpora, start=1) if not (entry.langs or data.langs)]
    if data.has_target_tags and unnamed:
        yield (
            "data.corpora",
            (
                f"the corpora have several target languages, but {', '.join(unnamed)} {_has(unnamed)} no langs: name "
                'the languages of each corpus, such as langs = "en-fr"'
            ),
        )
    if data.val_tgt is not None and data.val_src is None:
        message = (
            "data.val_tgt is set, but data.val_src is not: give both (--val-src and --val-tgt), or neither, and some "
            "training pairs are held out"
        )
        yield "data.val_tgt", message
    limit = model.num_positions
    if data.max_len >= limit:
        message = (
            f"model.max_positions = {limit} learned positions hold {limit - 1} subwords and eos, but data.max_len = "
            f"{data.max_len} allows longer training sentences: set data.max_len to {limit - 1} or less, or "
            f"model.max_positions to {data.max_len + 1} or more"
        )
        yield "model.max_positions", message


def _other_conflicts(config: Config) -> Iterator[Finding]:
    model, train = config.model, config.train
    if train.min_learning_rate > train.learning_rate:
        message = (
            f"train.min_learning_rate = {train.min_learning_rate:g} must be at most train.learning_rate = "
            f"{train.learning_rate:g}, the peak of the schedule: lower the former, or raise the latter"
        )
        yield "train.min_learning_rate", message
    if train.lora_rank and train.freeze:
        message = (
            "train.lora_rank trains updates of all linear maps and nothing else: leave out train.freeze or the rank"
        )
        yield "train.freeze", message
    if train.lora_rank and train.parent is not None and train.parent_vocabulary == "new":
        message = "train.lora_rank does not train embeddings, which a new vocabulary needs: leave out one of the two"
        yield "train.parent_vocabulary", message
    if train.parent_share and train.parent is not None and train.parent_vocabulary == "new":
        message = "weights for a new vocabulary cannot be averaged with the parent's: leave out one of the two"
        yield "train.parent_share", message
    if config.search.coverage_penalty and not model.has_attention:
        message = (
            f"search.coverage_penalty = {config.search.coverage_penalty:g} penalizes source words without attention, "
            "but model.decoder = 'plain' has no attention: set it to 0, or choose another decoder"
        )
        yield "search.coverage_penalty", message
