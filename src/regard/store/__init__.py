"""A model is a directory that says what it is: text, numbers and hashes, and nothing in it is a program.

`save_model` and `load_model` are all that most readers need; `regard.store.checkpoint` keeps what training needs to
go on.
"""

from regard.store.model import StoredModel, load_model, save_model

__all__ = ["StoredModel", "load_model", "save_model"]
