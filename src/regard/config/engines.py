"""Which models other inference engines can run; checked before training and again on export."""

from __future__ import annotations

from collections.abc import Iterator

from regard.config.schema import EngineName, ModelConfig, RNNConfig, TransformerConfig

UnsupportedOption = tuple[str, str]
"""A key of the `[model]` section, and why the engine does not support its value."""

_NAMES = {"ctranslate2": "CTranslate2", "marian": "MarianMT", "onnx": "ONNX Runtime"}


def engine_name(engine: EngineName) -> str:
    """Name of an inference engine for messages, such as `ONNX Runtime` for `onnx`."""
    return _NAMES[engine]


def unsupported(model: ModelConfig, engine: EngineName) -> list[UnsupportedOption]:
    """Lists the options of a model that another inference engine does not support.

    Args:
        model: The `[model]` section of the configuration.
        engine: `ctranslate2`, `onnx` for ONNX Runtime, or `marian` for Hugging Face's MarianMT.

    Returns:
        Per unsupported option, its key in the `[model]` section and the reason; empty if the engine can run the model.

    >>> from regard.config.schema import TransformerConfig
    >>> unsupported(TransformerConfig(position="learned", norm="post"), "marian")
    [('position', "MarianMT has sinusoidal positions only, not 'learned'")]
    """
    if engine == "onnx":  # the exporter writes graphs for every part of every model
        return []
    name = _NAMES[engine]
    if isinstance(model, RNNConfig):
        return [("kind", f"{name} runs Transformers only, and this model is recurrent")]
    reasons = list(_marian(model)) if engine == "marian" else []
    if model.cross_score != "scaled-dot":
        reasons.append(("cross_score", f"{name} has scaled-dot attention only, not {model.cross_score!r}"))
    if model.normalizer != "softmax":
        reasons.append(("normalizer", f"{name} normalizes scores by softmax only, not by {model.normalizer!r}"))
    return reasons


def _marian(model: TransformerConfig) -> Iterator[UnsupportedOption]:
    if model.norm != "post":
        yield "norm", f"MarianMT normalizes after each sublayer ('post'), not {model.norm!r}"
    if model.position != "sinusoidal":
        yield "position", f"MarianMT has sinusoidal positions only, not {model.position!r}"
    if model.activation == "swiglu":
        yield "activation", "MarianMT has relu, gelu and silu, not 'swiglu'"
    if not model.tie_embeddings:
        yield "tie_embeddings", "MarianMT's output layer has the weights of its target embedding, not separate weights"
