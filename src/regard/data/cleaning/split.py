"""Splits a corpus into training, validation and test pairs, so that no sentence is in two of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from regard.data.cleaning.output import part_path
from regard.data.cleaning.side_keys import SideKeys
from regard.data.cleaning.source import CorpusSource, Progress, no_progress, with_reports
from regard.data.corpora.unit import ReadReport, Unit
from regard.data.corpora.writers import open_writer, output_paths
from regard.data.hashes import Keys, mixed
from regard.data.linked_groups import Ids, linked_groups
from regard.errors import ConfigError
from regard.files.atomic import make_directory
from regard.files.paths import refuse_overwriting_input

PARTS = ("train", "val", "test")
"""Names of the parts, by their numbers."""
_LEFT_OUT = 255
# Number in place of a part for pairs with an empty side.
_MAX_SHARE = 100
# A group of linked pairs larger than 1/100 of the requested number would dominate what is measured on that part.


@dataclass
class SplitReport:
    """How a corpus was split.

    Attributes:
        num_pairs: Number of pairs with text on both sides.
        num_empty: Number of pairs left out because of an empty side.
        num_groups: Number of groups of pairs that share a side directly or through other pairs.
        largest_group: Number of pairs in the largest group.
        sizes: Number of pairs written, by the names `train`, `val` and `test`.
        requested: Number of pairs that the user asked for, by the names `val` and `test`.
        reading: What the reader left out.
        lost: Number of pairs that the output format could not hold as they are, by what was lost.
    """

    num_pairs: int = 0
    num_empty: int = 0
    num_groups: int = 0
    largest_group: int = 0
    sizes: dict[str, int] = field(default_factory=dict)
    requested: dict[str, int] = field(default_factory=dict)
    reading: ReadReport = field(default_factory=ReadReport)
    lost: Counter[str] = field(default_factory=Counter)


def split(
    source: CorpusSource,
    directory: Path,
    sizes: Mapping[str, int],
    *,
    format: str,
    seed: int = 1,
    overwrite: bool = False,
    progress: Progress = no_progress,
) -> SplitReport:
    """Splits a corpus into the files `train`, `val` and `test` of a directory.

    No source and no target is in two parts, compared without regard to case, blanks and punctuation: pairs that share
    a side, directly or through other pairs, form a group, and a group is never divided. Groups are drawn at random.

    Args:
        source: The corpus.
        directory: Directory of the output, existing or new.
        sizes: Number of validation and test pairs, by the names `val` and `test`.
        format: Format of the output, one of `regard.data.corpora.writers.OUTPUT_FORMATS`.
        seed: Seed of the random draw.
        overwrite: Whether existing parts are replaced.
        progress: Function that is called with the progress; see `regard.data.cleaning.source.Progress`.

    Returns:
        Numbers of pairs and groups, and the sizes of the parts, which may differ from the requested ones.

    Raises:
        ConfigError: There are not more pairs than requested for validation and test. Or the directory contains parts in
            another format, such as `train.tsv`, which would stay beside the new `train.csv`. Or it contains the files
            to be written, and `overwrite` is false.
        DataError: The corpus cannot be read, or the output would overwrite it.
        CheckpointError: The output cannot be written.
    """
    make_directory(directory)
    outputs = [
        output
        for name in PARTS
        for output in output_paths(part_path(directory, name, format), format, source.options.langs)
    ]
    for output in outputs:
        refuse_overwriting_input(output, source.paths)
    _refuse_other_parts(directory, outputs)
    if not overwrite:
        _refuse_existing(directory, outputs)
    with TemporaryDirectory(prefix=".regard-", dir=directory) as temporary:
        keys = SideKeys()
        for _ in keys.record(source.first_units(Path(temporary) / "input", progress)):
            pass
        report = SplitReport(requested=dict(sizes))
        parts = _assign(keys, report, seed)
        reader = source.reader()
        units = with_reports(reader.units(), "writing", reader.fraction_read, progress)
        report.lost = _write(units, parts, directory, format, source)
        report.reading = reader.report
    return report


def _assign(keys: SideKeys, report: SplitReport, seed: int) -> NDArray[np.uint8]:
    """Draws the part of each pair, and fills the report."""
    src_keys, tgt_keys = keys.src.array(), keys.tgt.array()
    filled = np.flatnonzero((src_keys != 0) & (tgt_keys != 0))
    report.num_pairs, report.num_empty = len(filled), len(src_keys) - len(filled)
    if report.num_pairs <= sum(report.requested.values()):
        raise ConfigError(
            f"expected more pairs than the {sum(report.requested.values()):,} that --val and --test ask for, found "
            f"{report.num_pairs:,} with text on both sides: ask for fewer"
        )
    groups = linked_groups(src_keys[filled], tgt_keys[filled])
    counts = np.bincount(groups)
    report.num_groups, report.largest_group = len(counts), int(counts.max())
    part_of_group = _draw(counts, _random_order(src_keys[filled], groups, len(counts), seed), report.requested)
    parts = np.full(len(src_keys), _LEFT_OUT, np.uint8)
    parts[filled] = part_of_group[groups]
    report.sizes = {name: int((parts == number).sum()) for number, name in enumerate(PARTS)}
    return parts


def _random_order(src_keys: Keys, groups: Ids, num_groups: int, seed: int) -> list[int]:
    """Group numbers in an order that depends on the seed and on the texts, but not on the order of the corpus."""
    smallest = np.full(num_groups, np.iinfo(np.uint64).max, np.uint64)
    np.minimum.at(smallest, groups, src_keys)
    start = np.uint64((seed * 0x9E3779B97F4A7C15) % (1 << 64))
    order: list[int] = np.argsort(mixed(smallest + start), kind="stable").tolist()
    return order


def _draw(counts: Ids, order: list[int], requested: Mapping[str, int]) -> NDArray[np.uint8]:
    """Fills validation and test with groups in the given order; groups that are too large stay in training."""
    part_of_group = np.zeros(len(counts), np.uint8)
    sizes: list[int] = counts.tolist()
    for name, number in requested.items():
        free = number
        for largest in (max(1, number // _MAX_SHARE), number):  # larger groups only if there are no others
            for group in order if free else ():
                if sizes[group] <= min(free, largest) and part_of_group[group] == 0:
                    part_of_group[group] = PARTS.index(name)
                    free -= sizes[group]
                    if not free:
                        break
    return part_of_group


def _refuse_other_parts(directory: Path, outputs: Iterable[Path]) -> None:
    """Refuses parts in another format: their sentences may be in other parts of the new split."""
    new = {output.name for output in outputs}
    old = sorted(path.name for path in directory.iterdir() if path.name.split(".")[0] in PARTS and path.name not in new)
    if old:
        raise ConfigError(
            f"{directory}: expected no files of an earlier split, found {', '.join(old)}: they may have sentences in "
            "common with the new files; remove them, or choose another directory"
        )


def _refuse_existing(directory: Path, outputs: Iterable[Path]) -> None:
    existing = [output.name for output in outputs if output.exists()]
    if existing:
        raise ConfigError(
            f"{directory}: expected no files of an earlier split, found {', '.join(existing)}: choose another "
            "directory, or replace them with --overwrite"
        )


def _write(
    units: Iterable[Unit], parts: NDArray[np.uint8], directory: Path, format: str, source: CorpusSource
) -> Counter[str]:
    """Writes each unit to its part; returns what the format cannot hold."""
    lost: Counter[str] = Counter()
    with ExitStack() as stack:
        writers = [
            stack.enter_context(open_writer(part_path(directory, name, format), format, source.options.langs))
            for name in PARTS
        ]
        remaining = iter(parts.tobytes())
        for unit in units:
            part = next(remaining, None)
            if part is None:
                raise source.changed_error()
            if part != _LEFT_OUT:
                writers[part].write(unit)
        if next(remaining, None) is not None:
            raise source.changed_error()
    for writer in writers:
        lost.update(writer.lost)
    return lost
