"""Streaming reader of XML files that consist of many units, which continues behind a broken unit if asked to.

It is built on expat. External files are never fetched, and entity declarations are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

from regard.corpora.unit import MAX_TEXT, ReadReport, Unit
from regard.corpora.xml_encoding import CHUNK_SIZE, Utf8Chunks
from regard.corpora.xml_faults import describe
from regard.errors import DataError

SEPARATOR = "\x1f"
"""Character between namespace, local name and prefix; XML allows it nowhere."""
XML_LANG = SEPARATOR.join(("http://www.w3.org/XML/1998/namespace", "lang", "xml"))
"""Name of the attribute `xml:lang`."""
MAX_DEPTH = 64
"""Largest number of elements within each other."""
MAX_MARKUP = 2 * MAX_TEXT
"""Largest number of bytes of one tag, comment or other markup."""
MAX_UNIT = 16 * MAX_TEXT
"""Largest number of bytes of one unit."""
_MAX_REPEATED = 64 * MAX_TEXT
"""Number of bytes that may be parsed a second time behind broken units, beyond which a broken unit costs more text."""
_MAX_NAMES = 10_000
"""Number of names of elements that are remembered; files of the formats have some dozens."""
_FIRST_FEED = 1 << 12
"""Number of bytes that a new parser is given first; there may be another fault close behind the last one."""
_MAX_TAG_NAME = 64
"""Number of bytes that may belong to a tag that was read only in part."""
_COMMENTS = {b"<!--": b"-->", b"<![CDATA[": b"]]>"}
_TEXT_TOO_LONG = f"expected text of at most {MAX_TEXT:,} bytes, found more: split the unit, or leave it out"
_NUM_BEFORE = 64
"""Number of bytes before an error that are examined to describe it."""


class XmlFault(Exception):  # noqa: N818 - the reader catches it: no error of its own
    """A fault within a unit after which parsing cannot continue, such as a unit within a unit.

    Args:
        problem: What was expected, what was found, and what to do.
    """

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


class UnitElements:
    """What a format makes of the elements of its files: base class.

    `start` and `end` are the handlers of the parser. A subclass calls `begin_unit` and `end_unit`, and keeps `in_text`.

    Args:
        name: Name of the file, for messages.
        report: Where faults and units that are left out are counted.
        root_tags: Names that the root element may have, without namespace.
        unit_tag: Name of the elements of which each is read by itself.
        container_tags: Names of the elements around units, at whose tags reading may continue after a fault.

    Attributes:
        units: Units that are complete; emptied by the reader.
        text: Text since this list was emptied.
        in_unit: Whether a unit is open.
        in_text: Whether text of a segment is being read.
    """

    def __init__(
        self,
        name: str,
        report: ReadReport,
        *,
        root_tags: tuple[str, ...],
        unit_tags: tuple[str, ...],
        container_tags: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.report = report
        self.root_tags, self.unit_tags, self.container_tags = root_tags, unit_tags, container_tags
        self.units: list[Unit] = []
        self.text: list[str] = []
        self.in_unit = self.in_text = False
        self.unit_line, self.unit_index = 1, 0
        """Where the open unit, or the last one, begins: its line, and its index for the parser."""
        self.line_offset = 0
        """Number of lines before the first line of the parser."""
        self.parser: expat.XMLParserType = expat.ParserCreate()
        self.containers: list[tuple[str, int]] = []
        """Names of the open elements around the unit, each with the number of namespaces declared up to it."""
        self.namespaces: list[tuple[str | None, str | None]] = []
        self.tags: dict[str, str] = {}
        """Local name for each name that the parser gives; empty for elements of other namespaces."""
        self._namespace: str | None = None

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Handles a start tag.

        Args:
            name: Name of the element, as the parser gives it.
            attributes: Value for each name of an attribute.
        """
        raise NotImplementedError

    def end(self, name: str) -> None:
        """Handles an end tag."""
        raise NotImplementedError

    def abandon_unit(self) -> None:
        """Forgets the open unit, and whatever was read of it."""
        self.in_unit = self.in_text = False
        self.text.clear()

    def begin_document(self) -> bytes:
        """Forgets all open elements where another document begins.

        Returns:
            Start tags to be parsed before it: none.
        """
        self.containers.clear()
        self.namespaces.clear()
        return b""

    def begin_unit(self) -> None:
        """Notes where a unit begins."""
        if self.in_unit:
            raise XmlFault(
                f"expected the end of the unit of line {self.unit_line}, found the start of another unit: add the "
                "missing closing tag"
            )
        parser = self.parser
        self.in_unit = True
        self.unit_index = parser.CurrentByteIndex
        self.unit_line = parser.CurrentLineNumber + self.line_offset

    def open_container(self, name: str, tag: str) -> None:
        """Notes that an element around units is open.

        Args:
            name: Name of the element, as the parser gives it.
            tag: Its local name.
        """
        if not self.containers and tag not in self.root_tags:
            raise DataError(
                f"{self.name}:{self.line()}: expected the root element <{self.root_tags[0]}>, found "
                f"<{name.split(SEPARATOR)[-1 if SEPARATOR not in name else 1]}>: check the format of the file"
            )
        if len(self.containers) >= MAX_DEPTH:
            self.refuse_depth()
        self.containers.append((name, len(self.namespaces)))

    def close_container(self) -> None:
        """Notes that the innermost element around units ends."""
        if self.containers:
            self.containers.pop()

    def refuse_depth(self) -> None:
        """Raises the fault of elements that are nested too deep."""
        raise XmlFault(f"expected at most {MAX_DEPTH} elements within each other, found more: leave the unit out")

    def resolve(self, name: str) -> str:
        """Local name of an element; empty if its namespace is not that of the root element.

        Args:
            name: Name of the element, as the parser gives it.
        """
        uri, local = name.split(SEPARATOR)[:2] if SEPARATOR in name else ("", name)
        if self._namespace is None:
            self._namespace = uri
        tag = local if uri in ("", self._namespace) else ""
        if len(self.tags) < _MAX_NAMES:
            self.tags[name] = tag
        return tag

    def line(self) -> int:
        """Line of the tag that is being handled."""
        return self.parser.CurrentLineNumber + self.line_offset

    def skipped_entity(self, name: str, is_parameter: bool) -> None:  # noqa: FBT001 - the signature of expat
        """Handles a reference to an entity that only a file beside this one may declare."""
        if not is_parameter:
            raise XmlFault(
                f"expected text, found the entity &{name}; which XML does not define: write the character itself, or "
                "its number such as &#233;"
            )


class UnitParser:
    """Feeds a file to the elements of its format, and continues at the next unit after a fault.

    Args:
        chunks: The bytes of the file.
        elements: What becomes of them.
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
        self._feed_size = CHUNK_SIZE
        self._searching_line: int | None = None
        """Line of the first byte of `_kept` while the next unit is searched; None while the file is parsed."""
        self._num_read = self._num_repeated = 0
        self._is_finished = False
        self._parser = self._new_parser(1, b"")

    def units(self) -> Iterator[Unit]:
        """Reads the file.

        Yields:
            The units, in order; those before an error come before it.

        Raises:
            DataError: The file is not well-formed and `on_error` is `"stop"`, or it cannot be read.
        """
        failure: DataError | None = None
        while not self._is_finished and failure is None:
            try:
                self._step()
            except DataError as error:
                failure = error
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
        try:
            self._parser.Parse(data, not data)
            self._check_sizes()
        except expat.ExpatError as error:
            index = self._parser.ErrorByteIndex
            at = max(index - self._kept_index, 0)
            problem = describe(
                error, bytes(self._kept[max(at - _NUM_BEFORE, 0) : at]), bytes(self._kept[at : at + 256]),
                self._chunks.encoding,
            )  # fmt: skip
            self._recover(problem, index, error.lineno + self._elements.line_offset, error.offset)
        except XmlFault as fault:
            self._recover(fault.problem, self._parser.CurrentByteIndex, self._elements.line(), None)

    def _check_sizes(self) -> None:
        """Drops bytes and text that are no longer needed, and refuses what is too long."""
        elements = self._elements
        last = self._parser.CurrentByteIndex
        num_fed = self._kept_index + self._num_fed
        if num_fed - max(last, 0) > MAX_MARKUP:
            raise XmlFault(f"expected markup of at most {MAX_MARKUP:,} bytes, found a longer tag or comment: close it")
        if not elements.in_text:
            elements.text.clear()
        elif sum(map(len, elements.text)) > MAX_TEXT:
            raise XmlFault(_TEXT_TOO_LONG)
        if elements.in_unit and num_fed - elements.unit_index > MAX_UNIT:
            raise XmlFault(f"expected units of at most {MAX_UNIT:,} bytes, found a longer one: close or split it")
        needed = elements.unit_index if elements.in_unit else max(last - _NUM_BEFORE, 0)
        if (surplus := needed - self._kept_index) > 0:
            self._drop(surplus)
            self._kept_index += surplus

    def _recover(self, problem: str, index: int, line: int, column: int | None) -> None:
        """Counts a fault, then continues at the next unit."""
        elements = self._elements
        place = f"{elements.name}:{line}" + ("" if column is None else f": column {column + 1}")
        if not elements.tags:
            problem = f"expected XML that begins with <{elements.root_tags[0]}>: check the format of the file ({problem})"
        elif elements.report.on_error == "stop":
            problem += "; or leave the unit out with --on-error skip"
        elements.report.fault(f"{place}: {problem}")
        start = max(index + 1 - self._kept_index, 0)
        if elements.in_unit:
            start, line = elements.unit_index + 1 - self._kept_index, elements.unit_line
        if self._num_repeated > _MAX_REPEATED + self._num_read:
            line += _count_line_ends(self._kept[start : self._num_fed])
            start = self._num_fed
        elements.abandon_unit()
        self._is_finished = False  # the end of the file has not been reached by the next parser
        self._search(start, line)

    def _search(self, start: int, line: int) -> None:
        """Looks for the next unit in the bytes that are kept, and starts a new parser there."""
        match = self._next_restart(start)
        tag = b"" if match is None else match["tag"]  # before the bytes change
        end = max(len(self._kept) - _MAX_TAG_NAME, start) if match is None else match.start()
        line += _count_line_ends(self._kept[start:end])
        self._num_repeated += max(self._num_fed - end, 0)
        self._drop(end)
        self._num_fed = 0
        self._searching_line = line if match is None else None
        if match is not None:
            self._feed_size = _FIRST_FEED
            is_root = tag is not None and tag.decode() in self._elements.root_tags
            prologue = self._elements.begin_document() if is_root else _prologue(self._elements)
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
            end = -1 if match[0] in unclosed else self._kept.find(closing, match.end())
            if end < 0:
                unclosed.add(match[0])
            start = match.end() if end < 0 else end + len(closing)
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
        parser.StartElementHandler = elements.start
        parser.EndElementHandler = elements.end
        parser.CharacterDataHandler = elements.text.append
        parser.SkippedEntityHandler = elements.skipped_entity
        parser.EntityDeclHandler = self._refuse_entity
        parser.StartNamespaceDeclHandler = self._declare_namespace
        parser.EndNamespaceDeclHandler = self._forget_namespace
        self._kept_index = len(prologue)
        return parser

    def _refuse_entity(self, name: str, *_: object) -> None:
        raise DataError(
            f"{self._elements.name}:{self._elements.line()}: expected no entity declarations, found that of &{name}; "
            "which is not read because such files can be attacks: replace the entity in the file by its text"
        )

    def _declare_namespace(self, prefix: str | None, uri: str | None) -> None:
        self._elements.namespaces.append((prefix, uri))

    def _forget_namespace(self, prefix: str | None) -> None:
        if self._elements.namespaces:
            self._elements.namespaces.pop()


def checked_text(text: str) -> str:
    """A text, unless it is longer than the limit.

    Args:
        text: Text of a segment.

    Returns:
        The same text.

    Raises:
        XmlFault: It is too long.
    """
    if len(text) > MAX_TEXT // 4 and len(text.encode()) > MAX_TEXT:  # a character has up to 4 bytes
        raise XmlFault(_TEXT_TOO_LONG)
    return text


def _prologue(elements: UnitElements) -> bytes:
    """Start tags of the containers around a unit."""
    containers = elements.containers
    if not containers:
        elements.containers = containers = [(elements.root_tags[0], 0)]
    del elements.namespaces[containers[-1][1] :]
    tags, first = [], 0
    for name, end in containers:
        parts = name.split(SEPARATOR)
        tag = parts[0] if len(parts) == 1 else ":".join(parts[:0:-1])
        declared = [
            f" xmlns{':' + prefix if prefix else ''}={quoteattr(uri or '')}"
            for prefix, uri in elements.namespaces[first:end]
        ]
        tags.append(f"<{tag}{''.join(declared)}>")
        first = end
    return "".join(tags).encode()


def _count_line_ends(data: bytes | bytearray) -> int:
    """Number of line ends, which may be LF, CRLF or CR."""
    return data.count(b"\n") + data.count(b"\r") - data.count(b"\r\n")
