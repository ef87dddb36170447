"""Lines of the text files of a corpus."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from regard.data.corpora.unit import MAX_TEXT, ReadOptions, ReadReport
from regard.files.compression import InputFile
from regard.files.decompressors import InputError
from regard.text.encodings import BrokenLine
from regard.text.file_type import HEAD_SIZE
from regard.text.readers import text_lines

T = TypeVar("T")


def corpus_lines(file: InputFile, options: ReadOptions) -> Iterator[str | BrokenLine]:
    """Reads the lines of an open file of a corpus.

    Args:
        file: The open file.
        options: Options of the reader, of which only `encoding` is used.

    Yields:
        Lines without line ends, and a `BrokenLine` in place of each line that is not text or longer than `MAX_TEXT`.

    Raises:
        ConfigError: The encoding in `options` is unknown.
        DataError: Reading fails, or the file is of another type or encoding.
    """
    file.head(HEAD_SIZE)  # what kind of file it is does not depend on how fast a pipe is
    yield from text_lines(file, encoding=options.encoding, can_choose=True, max_bytes=MAX_TEXT)


def until_failure(items: Iterator[T], report: ReadReport) -> Iterator[T]:
    """Passes items on until an `InputError`, which ends the reading of a file and is then reported as a fault.

    Args:
        items: Iterator over what is read from the file, such as its units.
        report: Report of the reader. If its `on_error` is `"skip"`, the fault is counted there.

    Yields:
        The items before the error.

    Raises:
        DataError: The file cannot be read further, and `on_error` of the report is `"stop"`.
    """
    try:
        yield from items
    except InputError as error:
        message = str(error)
    else:
        return
    report.fault(message)


def mean_fraction(files: list[InputFile]) -> float | None:
    """Computes the mean fraction of several files that was read, from 0 to 1.

    Args:
        files: The open files.

    Returns:
        Mean of the fractions of the files; None if there are no files, or the fraction of one is not known.
    """
    fractions = [file.fraction_read() for file in files]
    known = [fraction for fraction in fractions if fraction is not None]
    return sum(known) / len(known) if known and len(known) == len(fractions) else None
