"""Writers of corpora with one sentence pair per line: plain text, Moses, TSV, CSV and JSON lines."""

from __future__ import annotations

import json
import re
from typing import BinaryIO, ClassVar

from regard.data.corpora.columns import find_names
from regard.data.corpora.stream_writer import LINE_BREAKS, MARK_AT_START, NULS, SURROGATES, TABS, StreamWriter, Unfit
from regard.errors import DataError
from regard.text.languages import english_name

Langs = tuple[str, str] | None
_MARK = "\ufeff"
_NEEDS_QUOTES = re.compile('[",;\\t\r\n]|^\\s|\\s$')
_MOSES = str.maketrans(
    {
        "&": "&amp;",
        "|": "&#124;",
        "<": "&lt;",
        ">": "&gt;",
        "'": "&apos;",
        '"': "&quot;",
        "[": "&#91;",
        "]": "&#93;",
    }
)


class PlainWriter(StreamWriter):
    """Writer of two text files with one sentence per line.

    Args:
        src_file: File of source sentences.
        tgt_file: File of target sentences.
    """

    unfit: ClassVar[tuple[Unfit, ...]] = (SURROGATES, NULS, LINE_BREAKS)

    def __init__(self, src_file: BinaryIO, tgt_file: BinaryIO) -> None:
        super().__init__()
        self._src_file = src_file
        self._tgt_file = tgt_file

    def _put(self, src: str, tgt: str) -> None:
        if not self.num_written:
            src, tgt = self._without_mark(src), self._without_mark(tgt)
        self._src_file.write(f"{src}\n".encode())
        self._tgt_file.write(f"{tgt}\n".encode())

    def _without_mark(self, text: str) -> str:
        """Removes what readers take for a byte order mark, from the first line of a file."""
        if text.startswith(_MARK):
            self.lost[MARK_AT_START] += 1
        return text.lstrip(_MARK)


class MosesWriter(PlainWriter):
    """Writer of two text files with the characters escaped that are special to Moses; text is not tokenized."""

    unfit = (*PlainWriter.unfit, Unfit("@-@", "-", "literal @-@ (read as a hyphen)"))

    def _put(self, src: str, tgt: str) -> None:
        super()._put(src.translate(_MOSES), tgt.translate(_MOSES))


class TsvWriter(StreamWriter):
    """Writer of lines with source, tab and target, without quotation marks.

    A header is written only if readers would otherwise take the first pair for a header.

    Args:
        file: The output file.
        langs: The languages; None = unknown. The format has no place for them.
    """

    unfit = (SURROGATES, NULS, LINE_BREAKS, TABS)

    def __init__(self, file: BinaryIO, langs: Langs) -> None:
        super().__init__()
        self._file = file
        self._langs = langs

    def _put(self, src: str, tgt: str) -> None:
        if not self.num_written and src.startswith(_MARK):
            self.lost[MARK_AT_START] += 1
            src = src.lstrip(_MARK)
        if not self.num_written and self._is_like_header(src, tgt):
            self._file.write(b"source\ttarget\n")
        self._file.write(f"{src}\t{tgt}\n".encode())

    def _is_like_header(self, src: str, tgt: str) -> bool:
        try:
            return find_names((src, tgt), self._langs, where="", codes=True) is not None
        except DataError:  # several languages that are meant equally
            return True


class CsvWriter(StreamWriter):
    """Writer of a CSV table with a header, commas, and quotation marks where a text needs them.

    Args:
        file: The output file.
        langs: The languages, which name the columns; None = `source` and `target`.
    """

    unfit = (SURROGATES, NULS, Unfit("\r\n", "\n", "line breaks of CRLF (replaced by LF)"))

    def __init__(self, file: BinaryIO, langs: Langs) -> None:
        super().__init__()
        self._file = file
        self._put(*column_names(langs, ("source", "target")))

    def _put(self, src: str, tgt: str) -> None:
        self._file.write(f"{_quoted(src)},{_quoted(tgt)}\n".encode())


class JsonLinesWriter(StreamWriter):
    """Writer of one JSON object per line.

    Args:
        file: The output file.
        langs: The languages, which are the keys; None = `src` and `tgt`.
    """

    def __init__(self, file: BinaryIO, langs: Langs) -> None:
        super().__init__()
        self._file = file
        self._keys = column_names(langs, ("src", "tgt"))

    def _put(self, src: str, tgt: str) -> None:
        row = dict(zip(self._keys, (src, tgt), strict=True))
        self._file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")


def _quoted(text: str) -> str:
    """A field of a CSV table; the writer of the standard library leaves a lone CR without quotation marks."""
    if not _NEEDS_QUOTES.search(text):
        return text
    return '"' + text.replace('"', '""') + '"'


def column_names(langs: Langs, default: tuple[str, str]) -> tuple[str, str]:
    """Names of the two columns of a table: the codes of the languages, or default names.

    Args:
        langs: The languages; None = unknown.
        default: Names if the languages are unknown or the same, or have no English name.

    Returns:
        Two different names, which readers recognize even if they do not know the languages.
    """
    if langs is None or langs[0] == langs[1] or any(english_name(code) == code for code in langs):
        return default
    return langs
