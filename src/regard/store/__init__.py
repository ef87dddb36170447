"""Stored models: directories of text, numbers and hashes, without executable content.

`save_model` and `load_model` are all that most callers need; `regard.store.checkpoint` stores the state of a training.
"""

from regard.store.model import StoredModel, load_model, save_model

__all__ = ["StoredModel", "load_model", "save_model"]
