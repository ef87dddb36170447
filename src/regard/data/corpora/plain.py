"""Reader of two text files, in which line n of one is the translation of line n of the other."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

from regard.data.corpora.language_choice import language_code
from regard.data.corpora.lines import corpus_lines, mean_fraction, until_failure
from regard.data.corpora.unit import ReadOptions, ReadReport, Unit
from regard.files.compression import InputFile, open_input, source_name, without_compression_suffix
from regard.text.encodings import BrokenLine


class PlainReader:
    """Reader of two text files with one sentence per line.

    Args:
        src: File of source sentences, or an open input; None = standard input.
        tgt: File of target sentences, or an open input; None = standard input.
        options: Options of the reader, of which `encoding` and `on_error` are used, and `langs` only to warn if the
            suffixes of the files name these languages the other way round.

    Attributes:
        name: Both files, for messages and reports.
        format: Name of the format.
        report: What was left out so far.
    """

    format = "plain"

    def __init__(self, src: Path | InputFile | None, tgt: Path | InputFile | None, options: ReadOptions) -> None:
        self.name = f"{source_name(src)} and {source_name(tgt)}"
        self.report = ReadReport(options.on_error, warnings=_swapped_names(src, tgt, options.langs))
        self._sources = src, tgt
        self._options = options
        self._files: list[InputFile] = []

    def units(self) -> Iterator[Unit]:
        """Reads both files line by line, and pairs lines of the same number. See `UnitReader.units`."""
        src, tgt = self._sources
        with open_input(src) as src_file, open_input(tgt) as tgt_file:
            self._files = [src_file, tgt_file]
            yield from until_failure(self._read(src_file, tgt_file), self.report)

    def fraction_read(self) -> float | None:
        """Fraction of the two files read so far, 0 to 1; None if not known. See `UnitReader.fraction_read`."""
        return mean_fraction(self._files)

    def utf8_paths(self) -> tuple[Path, Path] | None:
        """Paths of both files; None if a file was given as an open input, or `encoding` is not UTF-8."""
        src, tgt = self._sources
        is_utf8 = self._options.encoding in (None, "utf-8")
        return (src, tgt) if is_utf8 and isinstance(src, Path) and isinstance(tgt, Path) else None

    def _read(self, src_file: InputFile, tgt_file: InputFile) -> Iterator[Unit]:
        src_lines, tgt_lines = corpus_lines(src_file, self._options), corpus_lines(tgt_file, self._options)
        for number, (src, tgt) in enumerate(zip_longest(src_lines, tgt_lines), start=1):
            if src.__class__ is str and tgt.__class__ is str:  # faster than isinstance
                yield Unit(src, tgt, number)
            elif src is None or tgt is None:
                num_more = number + sum(1 for _ in (src_lines if tgt is None else tgt_lines))
                num_src, num_tgt = (number - 1, num_more) if src is None else (num_more, number - 1)
                self.report.fault(
                    f"{src_file} has {num_src} lines but {tgt_file} has {num_tgt}: line n of one file must translate "
                    "line n of the other, so the counts must be equal"
                )
                return
            else:
                messages = [line.message for line in (src, tgt) if isinstance(line, BrokenLine)]
                self.report.fault(messages[0])


def _swapped_names(
    src: Path | InputFile | None, tgt: Path | InputFile | None, langs: tuple[str, str] | None
) -> list[str]:
    """A warning if the suffix of the source file is the target language, and that of the target file the source's."""
    suffixes = [Path(without_compression_suffix(source_name(source))).suffix[1:] for source in (src, tgt)]
    if langs is None or tuple(map(language_code, suffixes)) != (langs[1], langs[0]):
        return []
    warning = (
        f"expected the source in {langs[0]} and the target in {langs[1]}, as --langs says, found files whose names say "
        f"the reverse: exchange the files, or write --langs {langs[1]}-{langs[0]}"
    )
    return [warning]
