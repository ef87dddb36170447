"""Migrations of models in older formats: one function per former format version.

To change the format: store a model of the current version in `tests/unit/store/fixtures`, raise `FORMAT_VERSION` in
`regard.store.manifest`, and add a function here that migrates the former version. Raise the version that a model is
written in only if the model needs it, so that older versions of regard can read the others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from regard.errors import CheckpointError
from regard.store.manifest import FORMAT_VERSION, REMEDY


@dataclass(frozen=True, slots=True)
class Description:
    """Manifest and configuration of a stored model, in any format version.

    Attributes:
        manifest: JSON object of `manifest.json`.
        config: Text of `config.toml`, whose hash has been checked.
        tensor_names: Tensors that an older version of regard stored with another name: maps each name in the weights
            file to the name that this version uses.
    """

    manifest: dict[str, object]
    config: str
    tensor_names: dict[str, str]


Migration = Callable[[Description], Description]
"""Function that converts a description from one format version to the next."""


_RENAMED_KEY = re.compile(r"^normaliser(?=\s*=)", re.MULTILINE)


def rename_keys(config: str) -> str:
    """Renames keys that older versions of regard spelled differently in `config.toml`.

    >>> rename_keys('normaliser = "softmax"')
    'normalizer = "softmax"'
    """
    return _RENAMED_KEY.sub("normalizer", config)


def _from_1(description: Description) -> Description:
    """Format 2 spells the key `normalizer`; the manifest still names the version that is stored."""
    return replace(description, config=rename_keys(description.config))


def _from_2(description: Description) -> Description:
    """Format 3 may have quantized weights, and links read by `hmm`; other models are the same in both formats."""
    return description


MIGRATIONS: Mapping[int, Migration] = {1: _from_1, 2: _from_2}
"""Migration functions by the format version that they convert from."""


def format_version(manifest: dict[str, object], *, where: Path) -> int:
    """Reads and checks the format version of a manifest.

    Args:
        manifest: JSON object of the manifest.
        where: Path of the manifest, for messages.

    Returns:
        The format version, which this version of regard can read.

    Raises:
        CheckpointError: The version is too new or not a version number.
    """
    version = manifest.get("format_version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise CheckpointError(
            f"{where}: format_version should be an integer of at least 1, but is {version!r}: {REMEDY}"
        )
    if version > FORMAT_VERSION:
        raise CheckpointError(
            f"{where}: this model has format version {version}, but this version of regard reads format versions up to "
            f"{FORMAT_VERSION}: install a newer version of regard (pip install --upgrade regard)"
        )
    return version


def migrate(
    description: Description,
    version: int,
    *,
    target: int = FORMAT_VERSION,
    migrations: Mapping[int, Migration] = MIGRATIONS,
) -> Description:
    """Migrates the description of a stored model to the current format, version by version.

    Args:
        description: Description as stored.
        version: Format version of `description`.
        target: Format version of the result.
        migrations: Migration functions by the format version that they convert from.

    Returns:
        The description in format version `target`.
    """
    for number in range(version, target):
        description = migrations[number](description)
    return description
