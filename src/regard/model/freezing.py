"""Freezes parts of a model, such as the encoder, so that training leaves them unchanged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from torch import nn

from regard.config.schema import PartName
from regard.errors import ConfigError
from regard.model.seq2seq import Seq2Seq

_CROSS_ATTENTION = ("cross_attention", "around_cross", "attention")
# Names of modules of decoders: the Transformer's attention to the source with its normalization, and that of an RNN.


def freeze(model: Seq2Seq, parts: Iterable[PartName]) -> None:
    """Excludes parts of a model from training: their parameters get no gradients.

    Args:
        model: The model, which is changed.
        parts: Names of the parts, keys of `parameters_of_parts`. `embeddings` includes the weights of the output layer
            if it shares them with the target embedding.

    Raises:
        ConfigError: No parameter would be left to train, or the model has no parameters in a named part.
    """
    by_part = parameters_of_parts(model)
    for part in parts:
        if not by_part[part]:
            raise ConfigError(
                f"train.freeze: this model has no parameters of its own in the part {part!r}: remove it from the list"
            )
        for parameter in by_part[part]:
            parameter.requires_grad_(False)
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise ConfigError("train.freeze: all parts of the model are frozen, so nothing is left to train: name fewer")


def parameters_of_parts(model: Seq2Seq) -> dict[PartName, list[nn.Parameter]]:
    """Divides the parameters of a model into parts.

    Args:
        model: The model.

    Returns:
        Parameters by name of the part: `embeddings`, `encoder`, `cross-attention`, `decoder` and `output`. Each
        parameter belongs to a single part; if embeddings share it with another part, to the embeddings.
    """
    embeddings = {
        id(parameter)
        for module in model.modules()
        if isinstance(module, nn.Embedding)
        for parameter in module.parameters()
    }
    parts: dict[PartName, list[nn.Parameter]] = {
        "embeddings": [], "encoder": [], "cross-attention": [], "decoder": [], "output": [],
    }  # fmt: skip
    for name, parameter in model.named_parameters():
        parts["embeddings" if id(parameter) in embeddings else _part(name.split("."))].append(parameter)
    return parts


def _part(name: Sequence[str]) -> PartName:
    if name[0] == "encoder":
        return "encoder"
    if name[0] != "decoder":
        return "output"
    return "cross-attention" if any(module in _CROSS_ATTENTION for module in name) else "decoder"
