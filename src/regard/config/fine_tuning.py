"""Options of a training that starts from a model: the model's own, and learning rates that keep what it has learned."""

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
    """Options for a training that starts from a model, in place of those of a preset.

    Args:
        parent: Configuration of the model.
        new_vocabulary: Whether the training learns a new vocabulary, whose size is derived from the text.

    Returns:
        The options as nested dictionaries: architecture and search of the parent, and a schedule for fine-tuning. A
        training with a new vocabulary has the parent's schedule, since it has to learn embeddings.
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
