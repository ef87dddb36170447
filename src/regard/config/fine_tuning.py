"""Default options of a fine-tuning: those of the parent model, with a learning rate that keeps what it has learned."""

from __future__ import annotations

from regard.config.schema import Config
from regard.config.toml_text import Tree

RATE_SHARE = 0.08
"""Peak learning rate, as a share of the one that the parent was trained with."""
PARENT_SHARE = 0.5
"""Share of the parent in the final weights."""
EPOCHS = 20.0
_WARMUP = 50


def fine_tuning_tree(parent: Config, *, new_vocabulary: bool) -> Tree:
    """Makes the default options of a training that starts from a trained model; they replace those of a preset.

    Args:
        parent: Configuration of the trained model.
        new_vocabulary: Whether the training learns a new vocabulary, whose size is derived from the text.

    Returns:
        The options as nested dictionaries: architecture and search options of the parent, and a learning-rate schedule
        for fine-tuning. With a new vocabulary, the peak learning rate is that of the parent, since new embeddings have
        to be learned; otherwise it is lower.
    """
    subword: Tree = {"kind": parent.subword.kind, "shared": parent.subword.shared}
    train: Tree = {"label_smoothing": parent.train.label_smoothing, "clip_norm": parent.train.clip_norm}
    if new_vocabulary:
        rate, schedule = parent.train.learning_rate, {"schedule": "cosine", "warmup": 200}
    else:
        rate, schedule = parent.train.learning_rate * RATE_SHARE, {"schedule": "cosine", "warmup": _WARMUP}
        train |= {"parent_share": PARENT_SHARE, "epochs": EPOCHS}
        subword["vocab_size"] = parent.subword.vocab_size
    return {
        "model": {key: value for key, value in parent.model.model_dump().items() if value is not None},
        "subword": subword,
        "search": parent.search.model_dump(),
        "train": {**train, **schedule, "learning_rate": rate},
    }
