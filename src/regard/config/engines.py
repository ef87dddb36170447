"""What other engines can run of what regard can train: asked before training, and again on export."""

from __future__ import annotations

from collections.abc import Iterator

from regard.config.schema import EngineName, ModelConfig, RNNConfig, TransformerConfig

UnsupportedOption = tuple[str, str]
"""A key of the `[model]` section, and a sentence that says why its value stands in the way."""

_NAMES = {"ctranslate2": "CTranslate2", "marian": "MarianMT", "onnx": "ONNX Runtime"}


def engine_name(engine: EngineName) -> str:
    """What an engine calls itself."""
    return _NAMES[engine]


def unsupported(model: ModelConfig, engine: EngineName) -> list[UnsupportedOption]:
    """Which options of a model keep an engine from running it.

    Args:
        model: The `[model]` section.
        engine: `ctranslate2`, `onnx` for ONNX Runtime, or `marian` for Hugging Face's MarianMT.

    Returns:
        One entry an option that stands in the way; empty where nothing does.

    >>> from regard.config.schema import TransformerConfig
    >>> obstacles(TransformerConfig(position="learned", norm="post"), "marian")
    [('position', "MarianMT has sinusoidal positions only, not 'learned'")]
    """
    if engine == "onnx":  # its graphs are drawn part by part, and there is no part without a drawing
        return []
    name = _NAMES[engine]
    if isinstance(model, RNNConfig):
        return [("kind", f"{name} runs Transformers only, and this model is recurrent")]
    found = list(_marian(model)) if engine == "marian" else []
    if model.cross_score != "scaled-dot":
        found.append(("cross_score", f"{name} has scaled-dot attention only, not {model.cross_score!r}"))
    if model.normalizer != "softmax":
        found.append(("normalizer", f"{name} makes weights of scores by a softmax only, not by {model.normalizer!r}"))
    return found


def _marian(model: TransformerConfig) -> Iterator[UnsupportedOption]:
    if model.norm != "post":
        yield "norm", f"MarianMT normalizes behind each sublayer ('post'), not {model.norm!r}"
    if model.position != "sinusoidal":
        yield "position", f"MarianMT has sinusoidal positions only, not {model.position!r}"
    if model.activation == "swiglu":
        yield "activation", "MarianMT has relu, gelu and silu, not 'swiglu'"
    if not model.tie_embeddings:
        yield "tie_embeddings", "MarianMT's output layer is its target embedding, but this model's is its own"
