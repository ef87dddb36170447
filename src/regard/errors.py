"""Errors that a user can cause and fix, all subclasses of `RegardError`.

A message says what was expected, what came instead, where (a file and line, a configuration key, a sentence number)
and what to do. The command line prints the message and exits with status 2.
"""

from __future__ import annotations


class RegardError(Exception):
    """Base class of all errors that a user of the library can cause and fix."""


class ConfigError(RegardError):
    """Error in a configuration: it cannot be read, or has an unknown key or an impossible value."""


class DataError(RegardError):
    """Error in text data that cannot be read or used: a missing file, unequal line counts, invalid UTF-8."""


class ShapeError(RegardError):
    """Error in shapes of tensors or in numbers, such as sizes: they do not fit together, or are out of range."""


class CheckpointError(RegardError):
    """Error in a model or training state on disk: it is missing, damaged, in another format, or cannot be written."""


class SearchError(RegardError):
    """Error in a search for translations: impossible options, or a model whose outputs are not finite."""


class WorkerError(RegardError):
    """Error in training by several worker processes: another worker has ended or does not answer.

    Attributes:
        reported: Whether another worker prints the message; if True, this worker does not print it.
    """

    def __init__(self, message: str, *, reported: bool = False) -> None:
        """Makes the error.

        Args:
            message: What happened, and what to do.
            reported: Whether another worker prints the message; if True, this worker does not print it.
        """
        super().__init__(message)
        self.reported = reported
