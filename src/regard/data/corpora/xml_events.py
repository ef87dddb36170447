"""Streaming reader of XML files with many units, which can continue after a broken unit.

It is built on expat. External files are never fetched, and entity declarations are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.parsers import expat

from regard.data.corpora.unit import MAX_TEXT, Unit
from regard.data.corpora.unit_elements import SEPARATOR, TEXT_TOO_LONG, UnitElements, XmlFault
from regard.data.corpora.xml_encoding import CHUNK_SIZE, Utf8Chunks
from regard.data.corpora.xml_faults import describe
from regard.errors import DataError

MAX_MARKUP = 2 * MAX_TEXT
"""Largest number of bytes of one tag, comment or other markup."""
MAX_UNIT = 16 * MAX_TEXT
"""Largest number of bytes of one unit."""
_MAX_REPEATED = 64 * MAX_TEXT
"""Number of bytes that may be parsed a second time behind broken units, beyond which a broken unit costs more text."""
_FIRST_FEED = 1 << 12
"""Number of bytes that a new parser is given first; there may be another fault close behind the last one."""
_MAX_TAG_NAME = 64
"""Number of bytes that may belong to a tag that was read only in part."""
_COMMENTS = {b"<!--": b"-->", b"<![CDATA[": b"]]>"}
_NUM_BEFORE = 64
"""Number of bytes before an error that are examined to describe it."""


class UnitParser:
    """Parses an XML file of units (sentence pairs), and continues at the next unit after a faulty one.

    Args:
        chunks: Content of the file, as chunks of bytes in UTF-8.
        elements: Handlers that the parser calls for the tags and texts of the file, and that build the units.
    """

    def __init__(self, chunks: Utf8Chunks, elements: UnitElements) -> None:
        self._chunks = chunks
        self._elements = elements
        tags = "|".join(re.escape(tag) for tag in (*elements.unit_tags, *elements.root_tags))
        containers = "|".join(re.escape(tag) for tag in elements.container_tags) or "(?!)"
        start, end = r"<(?:[\w.\-]+:)?", r"(?=[\s/>])"
        pattern = rf"<!--|<!\[CDATA\[|{start}(?P<tag>{tags}){end}|</?(?:[\w.\-]+:)?(?:{containers}){end}"
        self._restarts = re.compile(pattern.encode())
        self._kept = bytearray()
        """Bytes from the start of the open unit, or from the last tag, up to the end of what was read."""
        self._num_fed = 0
        """Number of bytes of `_kept` that the parser has been given."""
        self._kept_index = 0
        """Index for the parser of the first byte of `_kept`."""
        self._first_index = 0
        """Index for the parser of the first byte of the file that it was given."""
        self._feed_size = CHUNK_SIZE
        self._searching_line: int | None = None
        """Line of the first byte of `_kept` while the next unit is searched; None while the file is parsed."""
        self._num_read = self._num_repeated = 0
        self._is_finished = False
        self._parser = self._new_parser(1, b"")

    def units(self) -> Iterator[Unit]:
        """Reads the file.

        Yields:
            The units, in order; all units before an error are yielded before it is raised.

        Raises:
            DataError: The file is not well-formed and `on_error` is `"stop"`, or it cannot be read.
        """
        failure: DataError | None = None
        is_over = False
        while not is_over:
            try:
                self._step()
            except DataError as error:
                failure = error
            is_over = self._is_finished or failure is not None
            if is_over:
                self._elements.finish()
            if units := self._elements.units:
                self._elements.units = []
                yield from units
        if failure is not None:
            raise failure

    def _step(self) -> None:
        if self._num_fed == len(self._kept) or self._searching_line is not None:
            try:
                data = self._chunks.read()
            except DataError as error:
                self._elements.report.fault(str(error))
                self._is_finished = True
                return
            self._kept += data
            self._num_read += len(data)
            self._is_finished = not data
        if self._searching_line is not None:
            self._search(0, self._searching_line)
        else:
            self._parse()

    def _parse(self) -> None:
        data = bytes(self._kept[self._num_fed : self._num_fed + self._feed_size])
        self._num_fed += len(data)
        self._feed_size = min(2 * self._feed_size, CHUNK_SIZE)
        parser, elements = self._parser, self._elements
        try:
            parser.Parse(data, not data)
        except expat.ExpatError as error:
            index = parser.ErrorByteIndex
            at = max(index - self._kept_index, 0)
            before, after = self._kept[max(at - _NUM_BEFORE, 0) : at], self._kept[at : at + 4 * _NUM_BEFORE]
            problem = describe(error, bytes(before), bytes(after), self._chunks.encoding)
            line = error.lineno + elements.line_offset
            self._recover(
                problem, index, f"{line}: column {error.offset + 1}", line, num_parsed=at if data else self._num_fed
            )
        except XmlFault as fault:
            index = parser.CurrentByteIndex
            self._recover(
                fault.problem, index, f"{elements.line()}", elements.line(), num_parsed=index - self._kept_index
            )
        else:
            if problem := self._find_oversize():
                line = elements.unit_line if elements.in_unit else elements.line()
                # Behind the start of the markup, which is not read, so that it is one fault.
                self._recover(problem, parser.CurrentByteIndex + 1, f"{line}", line, num_parsed=self._num_fed)
            else:
                self._drop_surplus()

    def _find_oversize(self) -> str:
        """What is too long among the bytes that are not yet read as units; empty if nothing is."""
        elements = self._elements
        num_fed = self._kept_index + self._num_fed
        if num_fed - max(self._parser.CurrentByteIndex, 0) > MAX_MARKUP:
            return f"expected markup of at most {MAX_MARKUP:,} bytes, found a longer tag or comment: close it"
        if elements.in_text and sum(map(len, elements.text)) > MAX_TEXT:
            return TEXT_TOO_LONG
        if elements.in_unit and num_fed - elements.unit_index > MAX_UNIT:
            return f"expected units of at most {MAX_UNIT:,} bytes, found a longer one: close or split it"
        return ""

    def _drop_surplus(self) -> None:
        """Drops bytes and text that are no longer needed."""
        elements = self._elements
        if not elements.in_text:
            elements.text.clear()
        needed = elements.unit_index if elements.in_unit else max(self._parser.CurrentByteIndex - _NUM_BEFORE, 0)
        if (surplus := needed - self._kept_index) > 0:
            self._drop(surplus)
            self._kept_index += surplus

    def _recover(self, problem: str, index: int, place: str, line: int, *, num_parsed: int) -> None:
        """Counts a fault, then continues at the next unit.

        Args:
            problem: What was expected, what was found, and what to do.
            index: Index for the parser of the fault.
            place: Line and column of the fault.
            line: Its line.
            num_parsed: Number of bytes of `_kept` that were parsed.
        """
        elements = self._elements
        if elements.in_unit and elements.unit_line != line:
            problem += f" (in the unit that begins on line {elements.unit_line})"
        if not elements.tags:
            problem = (
                f"expected XML that begins with <{elements.root_tags[0]}>: check the format of the file ({problem})"
            )
        elif elements.report.on_error == "stop":
            problem += "; or leave the unit out with --on-error skip"
        elements.report.fault(f"{elements.name}:{place}: {problem}")
        # At the fault: it may be the next unit, behind a tag that does not end. But never where the parser began.
        start = max(index, self._first_index + 1) - self._kept_index
        if elements.in_unit:
            start, line = elements.unit_index + 1 - self._kept_index, elements.unit_line
        if self._num_repeated > _MAX_REPEATED + self._num_read:
            line += _count_line_ends(self._kept[start : self._num_fed])
            start = self._num_fed
        elements.abandon_unit()
        self._is_finished = False  # the end of the file has not been reached by the next parser
        self._search(max(start, 0), line, num_parsed)

    def _search(self, start: int, line: int, num_parsed: int = 0) -> None:
        """Looks for the next unit in the bytes that are kept, and starts a new parser there.

        Args:
            start: Index in `_kept` at which the search begins.
            line: Line of this place.
            num_parsed: Number of bytes of `_kept` that were parsed.
        """
        match = self._next_restart(start)
        tag = b"" if match is None else match["tag"]  # before the bytes change
        end = max(len(self._kept) - _MAX_TAG_NAME, start) if match is None else match.start()
        line += _count_line_ends(self._kept[start:end])
        self._num_repeated += max(num_parsed - end, 0)
        self._drop(end)
        self._num_fed = 0
        self._searching_line = line if match is None else None
        if match is not None:
            self._feed_size = _FIRST_FEED
            is_root = tag is not None and tag.decode() in self._elements.root_tags
            prologue = self._elements.begin_document() if is_root else self._elements.prologue()
            self._parser = self._new_parser(line, prologue)

    def _drop(self, num_bytes: int) -> None:
        del self._kept[:num_bytes]
        self._num_fed -= num_bytes

    def _next_restart(self, start: int) -> re.Match[bytes] | None:
        unclosed: set[bytes] = set()
        while match := self._restarts.search(self._kept, start):
            closing = _COMMENTS.get(match[0])
            if closing is None:
                return match
            opening = match[0]
            end = -1 if opening in unclosed else self._kept.find(closing, match.end())
            if end < 0:
                unclosed.add(opening)
            is_closed = end >= 0 and self._kept.find(opening, match.end(), end) < 0
            start = end + len(closing) if is_closed else match.end()
        return None

    def _new_parser(self, line: int, prologue: bytes) -> expat.XMLParserType:
        """A parser that begins on a line, within the elements that a prologue opens."""
        elements = self._elements
        parser = expat.ParserCreate("utf-8", SEPARATOR)
        parser.namespace_prefixes = True
        parser.buffer_text = True
        parser.buffer_size = 1 << 14
        if prologue:
            parser.Parse(prologue, False)
        elements.parser = parser
        elements.line_offset = line - 1
        parser.StartElementHandler = elements.open_element
        parser.EndElementHandler = elements.close_element
        parser.CharacterDataHandler = elements.text.append
        parser.SkippedEntityHandler = elements.skipped_entity
        parser.EntityDeclHandler = elements.refuse_entity
        parser.StartNamespaceDeclHandler = elements.declare_namespace
        parser.EndNamespaceDeclHandler = elements.forget_namespace
        self._kept_index = self._first_index = len(prologue)
        return parser


def _count_line_ends(data: bytes | bytearray) -> int:
    """Number of line ends, which may be LF, CRLF or CR."""
    return data.count(b"\n") + data.count(b"\r") - data.count(b"\r\n")
