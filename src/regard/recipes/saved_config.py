"""The saved configuration of a training: a TOML file that ends with a hash of its content."""

from __future__ import annotations

import hashlib
from pathlib import Path

from regard.config.dump import dump_config
from regard.config.load import parse_config
from regard.config.schema import Config
from regard.errors import CheckpointError
from regard.files.atomic import write_text
from regard.files.reading import read_text
from regard.store.migrations import rename_keys
from regard.store.training_directory import SETTINGS

_HASH_LINE = "\n# sha256 of the lines above: "
_REMEDY = "restore it, or start the training again with --overwrite"
_MAX_BYTES = 1 << 20


def save_config(config: Config, directory: Path) -> None:
    """Saves the configuration of a training; its file also marks the training as one that can be resumed.

    Args:
        config: Complete configuration.
        directory: Directory of the training.

    Raises:
        CheckpointError: The file cannot be written; the old configuration is unchanged.
    """
    path, text = directory / SETTINGS, _with_hash(dump_config(config))
    if not path.is_file() or path.read_bytes() != text.encode("utf-8"):
        write_text(path, text)


def load_config(directory: Path) -> Config:
    """Loads the saved configuration of a training.

    Args:
        directory: Directory of the training.

    Returns:
        The configuration, as it was saved last.

    Raises:
        CheckpointError: The file is missing or damaged.
    """
    path = directory / SETTINGS
    text = read_text(path, max_bytes=_MAX_BYTES, remedy=_REMEDY)
    settings, hash_line, _ = text.partition(_HASH_LINE)
    if hash_line and text != _with_hash(settings):
        raise CheckpointError(
            f"{path}: changed since it was written: its content does not match its hash; set options on the command "
            f"line, not in this file: {_REMEDY}"
        )
    return parse_config(rename_keys(text), where=str(path))


def _with_hash(settings: str) -> str:
    """A configuration followed by its own hash, as a TOML comment."""
    return f"{settings}{_HASH_LINE}{hashlib.sha256(settings.encode()).hexdigest()}\n"
