"""Conversion of a corpus from one format into another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from regard.data.corpora.unit import ReadReport, UnitReader
from regard.data.corpora.writers import OUTPUT_FORMATS, Langs, open_writer, output_format, output_paths
from regard.errors import DataError
from regard.files.printable import counted

_PAIRS_PER_REPORT = 1000


@dataclass(frozen=True)
class Conversion:
    """The result of a conversion.

    Attributes:
        num_written: Number of pairs written.
        paths: The files written; empty for standard output.
        format: Format of the output.
        read: What the reader left out.
        lost: Number of pairs that the format could not hold as they are, by what is lost.
        not_held: What the format cannot store for any pair, such as the languages; empty = it stores everything.
    """

    num_written: int
    paths: tuple[Path, ...]
    format: str
    read: ReadReport
    lost: Counter[str]
    not_held: str

    def summary(self, name: str) -> str:
        """Describes the result for people.

        Args:
            name: Name of the input.

        Returns:
            Several lines of text.
        """
        where = " and ".join(map(str, self.paths)) or "standard output"
        lines = [f"{name}: {counted(self.num_written, 'pair')} written to {where} ({self.format})"]
        lines += _counted("left out", self.read.left_out)
        lines += [f"  warning: {warning}" for warning in self.read.direction_warnings()]
        if self.read.num_faults:
            lines.append(f"  faulty units skipped: {self.read.num_faults:,}, such as")
            lines += [f"    {message}" for message in self.read.faults]
        lines += _counted(f"pairs that {self.format} cannot hold as they are", self.lost)
        if self.not_held:
            lines.append(f"  {self.format} has no place for {self.not_held}")
        return "\n".join(lines)


def convert(
    reader: UnitReader,
    out: Path | None,
    *,
    format: str | None = None,  # the name of the option
    langs: Langs = None,
    progress: Callable[[int, float | None], None] | None = None,
) -> Conversion:
    """Converts a corpus; only the text of both sides is kept.

    Args:
        reader: Reader of the corpus.
        out: Path of the output; see `open_writer`. None = standard output.
        format: Format of the output; None = by its suffix.
        langs: Canonical codes of source and target language; None = unknown.
        progress: Function that receives the number of pairs written and the fraction of the input read, from time to
            time.

    Returns:
        What was written, left out and lost.

    Raises:
        ConfigError: The format does not exist, or needs languages or a path that are not given.
        DataError: The input cannot be read, or has no pairs; nothing is written.
        CheckpointError: The output cannot be written.
    """
    format = output_format(out, format)
    with open_writer(out, format, langs) as writer:
        for unit in reader.units():
            writer.write(unit)
            if progress is not None and writer.num_written % _PAIRS_PER_REPORT == 0:
                progress(writer.num_written, reader.fraction_read())
        if not writer.num_written:
            reasons = _counted("left out", reader.report.left_out) + reader.report.faults[:1]
            found = "; ".join(line.strip() for line in reasons)
            raise DataError(
                f"{reader.name}: expected sentence pairs, found none{' (' + found + ')' if found else ''}: check that "
                "this is the right file, and that --langs names its languages"
            )
    has_langs = langs is not None or bool(reader.report.languages)
    not_held = OUTPUT_FORMATS[format].not_held if has_langs else ""
    paths = output_paths(out, format, langs)
    return Conversion(writer.num_written, paths, format, reader.report, writer.lost, not_held)


def _counted(title: str, counts: Counter[str]) -> list[str]:
    """One line with all counts, the largest first; none if there are no counts."""
    shown = ", ".join(f"{reason} ({count:,})" for reason, count in counts.most_common())
    return [f"  {title}: {shown}"] if shown else []
