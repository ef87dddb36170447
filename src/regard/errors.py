"""What can go wrong, by whose hand: every mistake of a user's is a `RegardError`.

A message says what was expected, what came instead, where (a file and line, a configuration key, a
sentence number) and what to do. The command line prints it and exits with status 2.
"""

from __future__ import annotations


class RegardError(Exception):
    """Base of all errors that a user of the library can cause and mend."""


class ConfigError(RegardError):
    """A configuration that cannot be read, has an unknown key or asks for the impossible."""


class DataError(RegardError):
    """Text that cannot be read or used: missing files, unequal line counts, invalid UTF-8."""


class ShapeError(RegardError):
    """Tensors or sizes that do not fit together."""


class CheckpointError(RegardError):
    """A model or training state on disk that is missing, damaged or of another format."""


class SearchError(RegardError):
    """A search that was asked for something impossible or met numbers that are not finite."""
