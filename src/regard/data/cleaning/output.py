"""The format and the files of a corpus that is written."""

from __future__ import annotations

from pathlib import Path

from regard.data.corpora.formats import FORMATS
from regard.data.corpora.writers import OUTPUT_FORMATS, output_format
from regard.files.compression import without_compression_suffix


def format_of_output(path: Path, to: str | None) -> str:
    """Chooses the format of an output file.

    Args:
        path: Path of the file.
        to: Name of the format; None = by the suffix of the path, and two plain files for a path without suffix.

    Returns:
        Name of the format.

    Raises:
        ConfigError: There is no such format, or the suffix names none.
    """
    has_suffix = Path(without_compression_suffix(path.name)).suffix
    return output_format(path, to) if to is not None or has_suffix else "plain"


def part_path(directory: Path, name: str, format: str) -> Path:
    """Path of one output of a corpus that is split, such as `train`, with the suffix of its format.

    A format of two files has no suffix: the writer adds the languages, as in `train.en` and `train.fr`.

    Args:
        directory: The directory.
        name: Name of the output without suffix: `train`, `val` or `test`.
        format: Name of the format.

    Returns:
        Path to pass to `regard.data.corpora.writers.open_writer`.

    >>> part_path(Path("parts"), "train", "tsv").name, part_path(Path("parts"), "train", "plain").name
    ('train.tsv', 'train')
    """
    return (
        directory / name if OUTPUT_FORMATS[format].num_files == 2 else directory / (name + FORMATS[format].suffixes[0])
    )
