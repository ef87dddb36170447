"""The word links that a training is guided by: what the configuration asks for, checked against model and text."""

from __future__ import annotations

from regard.config.schema import Config, ModelConfig, RNNConfig, TrainConfig
from regard.data.corpus import Corpus
from regard.data.guidance import Guidance, read_guidance
from regard.errors import ConfigError
from regard.text.readers import read_lines
from regard.text.subword import Subword


def read_guiding_links(
    config: Config, corpus: Corpus, src_subword: Subword, tgt_subword: Subword
) -> tuple[Guidance | None, list[str]]:
    """The links of the training pairs, where attention is to be guided.

    Args:
        config: Complete.
        corpus: The training pairs, with their text.
        src_subword: The source's vocabulary.
        tgt_subword: The target's vocabulary.

    Returns:
        The links, None where attention is not guided; and what was left out of them, a sentence each.

    Raises:
        ConfigError: No file of links is named, the model has no such layer or head, or its weights can be zero.
        DataError: The file cannot be read or belongs to another text.
    """
    train, data = config.train, config.data
    if not train.guided_weight:
        return None, []
    if train.guided_file is None or data.src is None:
        raise ConfigError(
            f"train.guided_weight = {train.guided_weight:g} needs word links of the training text: name a Pharaoh file "
            "with train.guided_file, such as `regard align` writes"
        )
    _check_place(train, config.model)
    _check_normaliser(config.model)
    return read_guidance(
        train.guided_file,
        corpus.pairs,
        num_lines=sum(1 for _ in read_lines(data.src)),
        src_subword=src_subword,
        tgt_subword=tgt_subword,
    )


def _check_place(train: TrainConfig, model: ModelConfig) -> None:
    if isinstance(model, RNNConfig) and model.decoder == "plain":
        raise ConfigError(
            'train.guided_weight: model.decoder = "plain" has no attention to guide: choose another decoder, or set '
            "the weight to 0"
        )
    layers, heads = (1, model.attention.heads) if isinstance(model, RNNConfig) else (model.decoder_layers, model.heads)
    for name, number, count in (
        ("guided_layer", train.guided_layer or 0, layers),
        ("guided_head", train.guided_head, heads),
    ):
        if number >= count:
            raise ConfigError(
                f"train.{name}: expected 0 to {count - 1}, since the model looks at the source with {layers} layers of "
                f"{heads} heads, got {number}"
            )


def _check_normaliser(model: ModelConfig) -> None:
    where, section = ("attention.", model.attention) if isinstance(model, RNNConfig) else ("", model)
    if section.normaliser in ("sparsemax", "entmax15"):
        raise ConfigError(
            f"train.guided_weight: links pull at weights, and a weight that model.{where}normaliser = "
            f"{section.normaliser!r} has made zero feels no pull: choose 'softmax' or 'smooth', or set the weight to 0"
        )
