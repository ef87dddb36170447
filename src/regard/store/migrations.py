"""Older models stay readable: one function for each format version that was left behind.

To change the format: raise `FORMAT_VERSION` in `regard.store.manifest`, add here the function that brings the version
before it up to date, and store a model of that version in `tests/unit/store/fixtures` first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from regard.errors import CheckpointError
from regard.store.manifest import FORMAT_VERSION


@dataclass(frozen=True, slots=True)
class Description:
    """What a model says about itself, in any format version; files are checked against their hashes before.

    Attributes:
        manifest: The JSON object of `manifest.json`.
        config: The text of `config.toml`.
        tensor_names: Present name by stored name, for tensors that were renamed.
    """

    manifest: dict[str, object]
    config: str
    tensor_names: dict[str, str]


Migration = Callable[[Description], Description]
"""Brings a description from one format version to the next."""


_RENAMED_KEY = re.compile(r"^normaliser(?=\s*=)", re.MULTILINE)


def rename_keys(config: str) -> str:
    """The text of a `config.toml` that an older regard wrote, with the present names of its keys.

    >>> rename_keys('normaliser = "softmax"')
    'normalizer = "softmax"'
    """
    return _RENAMED_KEY.sub("normalizer", config)


def _from_1(description: Description) -> Description:
    """Format 2 spells the key `normalizer`; the manifest still names the version that is stored."""
    return replace(description, config=rename_keys(description.config))


MIGRATIONS: Mapping[int, Migration] = {1: _from_1}
"""By the version that it starts from."""


def format_version(manifest: dict[str, object], *, where: Path) -> int:
    """The format version that a manifest names.

    Args:
        manifest: Its JSON object.
        where: The file, for messages.

    Returns:
        A version that this regard can read.

    Raises:
        CheckpointError: The version is newer than this regard, or none at all.
    """
    found = manifest.get("format_version")
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise CheckpointError(f"{where}: format_version should be a number from 1 on, but is {found!r}")
    if found > FORMAT_VERSION:
        raise CheckpointError(
            f"{where}: this model has format version {found}, and this regard reads versions up to {FORMAT_VERSION}: "
            "install a newer regard (pip install --upgrade regard)"
        )
    return found


def migrate(
    description: Description,
    found: int,
    *,
    target: int = FORMAT_VERSION,
    migrations: Mapping[int, Migration] = MIGRATIONS,
) -> Description:
    """Brings a description up to date, one version after another.

    Args:
        description: As it was stored.
        found: Its format version.
        target: The version wanted.
        migrations: Functions by the version that they start from.

    Returns:
        The description in the wanted version.
    """
    for number in range(found, target):
        description = migrations[number](description)
    return description
