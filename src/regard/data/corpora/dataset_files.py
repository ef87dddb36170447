"""The data files of a Hugging Face dataset on disk, in the order of its rows."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from pathlib import Path

from regard.errors import DataError

_SHARD = re.compile(r"(?P<split>.+?)-\d{5}-of-\d{5}")
_STATE = "state.json"
_SPLITS = "dataset_dict.json"
_MAX_BYTES = 1 << 20


def dataset_files(directory: Path) -> tuple[Path, ...]:
    """Finds the data files of a dataset.

    Args:
        directory: What `Dataset.save_to_disk` wrote, or a directory that contains `.parquet` or `.arrow` files.

    Returns:
        The files in order, at least one.

    Raises:
        DataError: The directory contains no dataset, or several splits.
    """
    if (directory / _SPLITS).is_file():
        splits = [name for name in _strings(directory / _SPLITS, "splits") if (directory / name).is_dir()]
        if len(splits) == 1:
            return dataset_files(directory / splits[0])
        raise _several(directory, [str(directory / split) for split in splits])
    if (directory / _STATE).is_file():
        return tuple(directory / name for name in _strings(directory / _STATE, "_data_files"))
    for suffix in (".parquet", ".arrow"):
        groups: dict[str, list[Path]] = defaultdict(list)
        for path in sorted(directory.rglob(f"*{suffix}")):
            match = _SHARD.fullmatch(path.stem)
            groups[f"{path.parent / match['split']}-*{suffix}" if match else str(path)].append(path)
        if len(groups) == 1:
            return tuple(next(iter(groups.values())))
        if groups:
            raise _several(directory, sorted(groups))
    raise DataError(
        f"{directory}: expected a directory with .parquet or .arrow files, found none of them: give the directory that "
        "Dataset.save_to_disk wrote, or a single file"
    )


def _several(directory: Path, names: list[str]) -> DataError:
    return DataError(
        f"{directory}: expected one split of a dataset, found {', '.join(names) or 'none'}: give the path of one of "
        "them"
    )


def _strings(path: Path, key: str) -> list[str]:
    """Names of files or directories beside `path` that its JSON lists, without any path to elsewhere."""
    try:
        with path.open("rb") as file:
            content = json.loads(file.read(_MAX_BYTES))
        items = [item["filename"] if isinstance(item, dict) else item for item in content[key]]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(
            f"{path}: expected a list {key} in JSON, found none ({error}): save the dataset again"
        ) from None
    if not items or not all(isinstance(item, str) and item == Path(item).name for item in items):
        raise DataError(f"{path}: expected names of files in the list {key}, found {items!r}: save the dataset again")
    return [str(item) for item in items]
