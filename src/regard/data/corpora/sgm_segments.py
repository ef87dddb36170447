"""Reads the sentences of an SGM file of a WMT test set; such files need not be well-formed XML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from regard.data.corpora.unit import MAX_TEXT, ReadReport
from regard.data.corpora.xml_encoding import Utf8Chunks
from regard.errors import DataError

_MAX_DOCUMENT = 16 * MAX_TEXT
"""Largest number of characters of one document."""
# Each character of a line is read a fixed number of times, also in a line with many tags without an end.
_TAG = re.compile(r"<(?:(doc|seg)\b([^<>]*)|(/seg|/doc)\s*)>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""(?<![\w.:-])([\w.:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
_REFERENCE = re.compile(r"&(?:(amp|lt|gt|quot|apos)|#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6}));")
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}


@dataclass(slots=True)
class SgmDocument:
    """A document of an SGM file.

    Attributes:
        docid: Identifier of the document; empty if it has none.
        line: 1-based line on which the document begins.
        texts: Text and line of each sentence, by identifier.
    """

    docid: str
    line: int
    texts: dict[str, tuple[str, int]] = field(default_factory=dict)


class SgmSegments:
    """Reader of the sentences (`seg`) of one SGM file; `documents` returns them, grouped by document.

    Args:
        chunks: Content of the file, as chunks of bytes in UTF-8.
        name: Name of the file, for messages.
        report: Where faults and sentences that are left out are counted.
    """

    def __init__(self, chunks: Utf8Chunks, name: str, report: ReadReport) -> None:
        self._chunks = chunks
        self._name = name
        self._report = report
        self._system: str | None = None
        """The reference that is read, if the file has several."""
        self._document: SgmDocument | None = None
        self._is_other = False
        """Whether the open document belongs to another reference."""
        self._num_chars = 0
        self._seg_id = ""
        self._seg_line = 0
        self._open: list[str] | None = None
        """Pieces of the text of the open sentence; None outside."""
        self._num_open_chars = 0
        self._after_tags = ""
        """What follows the tags of the last line."""

    def documents(self) -> Iterator[SgmDocument]:
        """Reads the file.

        Yields:
            The documents, in order.

        Raises:
            DataError: A sentence is faulty and `on_error` is `"stop"`, or the file cannot be read.
        """
        failure: DataError | None = None
        complete = self._completed()
        while failure is None:
            try:
                document = next(complete, None)
            except DataError as error:
                document, failure = self._document, error  # what was read of it comes before the error
            if document is None and failure is None:
                return
            if document is not None:
                yield document
        raise failure

    def _completed(self) -> Iterator[SgmDocument]:
        number = 0
        for number, line in self._lines():
            yield from self._read_line(line, number)
        if self._open is not None:
            self._fault(self._seg_line, "</seg>, found the end of the file: it was cut short; copy it again")
        elif "<" in self._after_tags:
            self._fault(number, "the end of a tag, found the end of the file: it was cut short; copy it again")
        if self._document is not None:
            yield self._document

    def _read_line(self, line: str, number: int) -> Iterator[SgmDocument]:
        """Reads the tags of a line, and yields each document that is complete."""
        position = 0
        for tag in _TAG.finditer(line):
            self._add(line[position : tag.start()])
            position = tag.end()
            complete = self._read_tag(tag, number)
            if complete is not None:
                yield complete
        self._after_tags = line[position:]
        self._add(self._after_tags + "\n")
        if self._open is not None and self._num_open_chars > MAX_TEXT:
            self._abandon("more text than 1 MiB", number)

    def _add(self, piece: str) -> None:
        """Adds text to the open sentence, if there is one."""
        if self._open is not None:
            self._open.append(piece)
            self._num_open_chars += len(piece)

    def _read_tag(self, tag: re.Match[str], number: int) -> SgmDocument | None:
        """Reads a tag; returns the document that is complete, if any."""
        name = (tag[1] or tag[3]).lower()
        if name == "doc":
            return self._start_document(dict(_attributes(tag[2])), number)
        if name == "seg":
            self._start_segment(dict(_attributes(tag[2])), number)
        elif name == "/seg":
            self._end_segment()
        elif self._open is not None:
            self._abandon("</doc>", number)
        return None

    def _start_document(self, attributes: dict[str, str], number: int) -> SgmDocument | None:
        if self._open is not None:
            self._abandon("<doc>", number)
        complete, self._num_chars = self._document, 0
        system = attributes.get("sysid", "")
        self._system = system if self._system is None else self._system
        self._is_other = system not in ("", self._system)
        self._document = None if self._is_other else SgmDocument(attributes.get("docid", ""), number)
        return complete

    def _start_segment(self, attributes: dict[str, str], number: int) -> None:
        if self._open is not None:
            self._abandon("another <seg>", number)
        self._open, self._seg_id, self._seg_line = [], attributes.get("id", ""), number
        self._num_open_chars = 0

    def _end_segment(self) -> None:
        pieces, self._open = self._open, None
        if pieces is None:
            return
        if self._is_other:
            self._report.left_out["another reference"] += 1
            return
        if self._document is None:
            self._document = SgmDocument("", self._seg_line)
        text = _REFERENCE.sub(_character, "".join(pieces)).strip()
        self._num_chars += len(text)
        if self._num_chars > _MAX_DOCUMENT:
            raise DataError(
                f"{self._name}:{self._seg_line}: expected documents of at most {_MAX_DOCUMENT:,} characters, found "
                "more: add <doc> tags"
            )
        texts = self._document.texts
        texts.setdefault(self._seg_id or f"#{len(texts) + 1}", (text, self._seg_line))

    def _abandon(self, found: str, number: int) -> None:
        self._open = None
        self._fault(self._seg_line, f"</seg>, found {found} on line {number}: add the closing tag")

    def _fault(self, number: int, problem: str) -> None:
        self._report.fault(f"{self._name}:{number}: expected {problem}")

    def _lines(self) -> Iterator[tuple[int, str]]:
        """Numbered lines; one with bytes that are not in the encoding is a fault, and left out."""
        rest, number, failure = b"", 0, None
        is_end = False
        while not is_end:
            try:
                data = self._chunks.read()
            except DataError as error:
                failure, data = error, b""
            is_end = not data
            *lines, rest = (rest + data).split(b"\n")
            for raw in [*lines, rest] if is_end else lines:
                number += 1
                line = self._decode(raw, number)
                if line is not None:
                    yield number, line
            if len(rest) > MAX_TEXT:
                self._fault(number + 1, f"lines of at most {MAX_TEXT:,} bytes, found a longer one: split it")
                rest = b""
        if failure is not None:
            self._report.fault(str(failure))

    def _decode(self, raw: bytes, number: int) -> str | None:
        try:
            line = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            found = f"the byte 0x{raw[error.start]:02X}"
        else:
            if "\uffff" not in line:
                return line.removesuffix("\r")
            found = "other bytes"
        self._open = None
        self._fault(
            number,
            f"{self._chunks.encoding}, found {found}: pass the encoding that the file really has, such as --encoding "
            "cp1252",
        )
        return None


def _attributes(text: str) -> Iterator[tuple[str, str]]:
    for match in _ATTRIBUTE.finditer(text):
        yield match[1].lower(), match[2] or match[3] or match[4] or ""


def _character(match: re.Match[str]) -> str:
    if match[1]:
        return _ENTITIES[match[1]]
    code = int(match[2]) if match[2] else int(match[3], 16)
    return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else match[0]
