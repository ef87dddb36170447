"""Errors that a user can cause and fix, all subclasses of `RegardError`.

A message says what was expected, what came instead, where (a file and line, a configuration key, a sentence number)
and what to do. The command line prints the message and exits with status 2.
"""

from __future__ import annotations


class RegardError(Exception):
    """Base of all errors that a user of the library can cause and fix."""


class ConfigError(RegardError):
    """A configuration that cannot be read, has an unknown key or an impossible value."""


class DataError(RegardError):
    """Text that cannot be read or used: a missing file, unequal line counts, invalid UTF-8."""


class ShapeError(RegardError):
    """Tensor shapes or sizes, such as those of weights and of the model that loads them, that do not match."""


class CheckpointError(RegardError):
    """A model or training state on disk that is missing, damaged or in another format."""


class SearchError(RegardError):
    """A search with impossible options, or a model whose outputs are not finite."""
