"""Base class of the handlers that build sentence pairs from the elements of an XML file, and its exception."""

from __future__ import annotations

import re
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

from regard.data.corpora.unit import MAX_TEXT, ReadReport, Unit
from regard.errors import DataError

SEPARATOR = "\x1f"
"""Character between namespace, local name and prefix; XML allows it nowhere."""
XML_LANG = SEPARATOR.join(("http://www.w3.org/XML/1998/namespace", "lang", "xml"))
"""Name of the attribute `xml:lang`."""
MAX_DEPTH = 64
"""Largest number of elements within each other."""
_MAX_NAMES = 10_000
"""Number of names of elements that are remembered; files of the formats have some dozens."""
_NEXT_UNIT = re.compile(
    r"</(?:[\w.\-]+:)?(?:seg|source|target)\s*>.*<(?:[\w.\-]+:)?(?:tu|trans-unit|unit|seg)[\s/>]", re.DOTALL
)
TEXT_TOO_LONG = f"expected text of at most {MAX_TEXT:,} bytes, found more: split the unit, or leave it out"


class XmlFault(Exception):  # noqa: N818 - the reader catches it: no error of its own
    """A fault within a unit after which parsing cannot continue, such as a unit within a unit.

    Args:
        problem: What was expected, what was found, and what to do.
    """

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


class UnitElements:
    """Handlers of an XML parser that build units (sentence pairs) from the elements of a format: base class.

    The parser calls `open_element` at each start tag, `close_element` at each end tag, and adds characters to `text`. A
    subclass for a format calls `begin_unit` where a unit begins, sets `in_text` while text of a segment is read, sets
    `in_unit` to False where the unit ends, and adds the complete unit to `units`.

    Args:
        name: Name of the file, for messages.
        report: Where faults and units that are left out are counted.
        root_tags: Names that the root element may have, without namespace.
        unit_tags: Names of the elements that hold one unit each, such as `tu` in TMX. If one of them is faulty, only
            its unit is lost.
        container_tags: Names of the elements around units, such as `body`. After a fault, reading continues at the next
            tag of one of them or of a unit.

    Attributes:
        units: Complete units; the reader takes them and empties the list.
        text: Pieces of text that the parser has read since the list was last emptied.
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

    def open_element(self, name: str, attributes: dict[str, str]) -> None:
        """Handles a start tag.

        Args:
            name: Name of the element, as the parser gives it.
            attributes: Attributes of the element: values by name.
        """
        raise NotImplementedError

    def close_element(self, name: str) -> None:
        """Handles the end tag of the element with a name, as the parser gives the name."""
        raise NotImplementedError

    def abandon_unit(self) -> None:
        """Forgets the open unit, and all that was read of it."""
        self.in_unit = self.in_text = False
        self.text.clear()

    def begin_document(self) -> bytes:
        """Forgets all open elements when parsing restarts after a fault at a root tag.

        A root tag after a fault begins another document, in a file that was joined from several documents.

        Returns:
            Empty bytes, since a document with its own root tag needs no other start tags before it. For a restart
            inside a document, `prologue` returns the start tags that the parser must read first.
        """
        self.containers.clear()
        self.namespaces.clear()
        self.tags.clear()
        self._namespace = None
        return b""

    def finish(self) -> None:
        """Adds units that are still held back to `units`; called at the end of the file or before an error."""

    def begin_unit(self) -> None:
        """Notes that a unit begins at the current tag; raises an `XmlFault` if another unit is still open."""
        if self.in_unit:
            raise XmlFault(
                "expected the end of the unit, found the start of another unit (such as <tu> in TMX): add the missing "
                "closing tag"
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
        """Raises an `XmlFault`, which says that elements are nested too deep."""
        raise XmlFault(f"expected at most {MAX_DEPTH} nested elements, found more: remove some of them")

    def resolve(self, name: str) -> str:
        """Finds the local name of an element, without namespace, and stores it in `tags`.

        Args:
            name: Name of the element, as the parser gives it, with its namespace.

        Returns:
            The local name; empty if the namespace is not that of the root element.
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

    def skipped_entity(self, name: str, is_parameter: bool) -> None:
        """Raises an `XmlFault` at a reference to an entity that XML does not define, such as `&eacute;`.

        Args:
            name: Name of the entity.
            is_parameter: Whether the reference is inside the DTD, which is not read; it is then ignored.
        """
        if not is_parameter:
            raise XmlFault(
                f"expected text, found the entity &{name}; which XML does not define: write the character itself, or "
                "its number such as &#233;"
            )

    def refuse_entity(self, name: str, *details: object) -> None:
        """Raises a `DataError` at the declaration of an entity, since a file with declarations can be an attack.

        Args:
            name: Name of the entity.
            *details: Other arguments with which the parser calls its handler of declarations; not used.
        """
        del details
        raise DataError(
            f"{self.name}:{self.line()}: expected no entity declarations, found that of &{name}; which is not read "
            "because such files can be attacks: replace the entity in the file by its text"
        )

    def declare_namespace(self, prefix: str | None, uri: str | None) -> None:
        """Notes a namespace that the next element declares.

        Args:
            prefix: Prefix of the namespace; None = the default namespace.
            uri: Name of the namespace; None = elements have no namespace.
        """
        self.namespaces.append((prefix, uri))

    def forget_namespace(self, _prefix: str | None) -> None:
        """Forgets the namespace declared last, where the element that declared it ends."""
        if self.namespaces:
            self.namespaces.pop()

    def prologue(self) -> bytes:
        """Start tags of the open elements around units; a new parser reads them first to continue inside them."""
        # An element that is none of those around units may be the start of a unit with a broken name.
        while len(self.containers) > 1 and self.tags.get(self.containers[-1][0]) not in self.container_tags:
            self.close_container()
        if not self.containers:
            self.containers = [(self.root_tags[0], 0)]
        del self.namespaces[self.containers[-1][1] :]
        tags, first = [], 0
        for name, end in self.containers:
            parts = name.split(SEPARATOR)
            tag = parts[0] if len(parts) == 1 else ":".join(parts[:0:-1])
            declared = [
                f" xmlns{':' + prefix if prefix else ''}={quoteattr(uri or '')}"
                for prefix, uri in self.namespaces[first:end]
            ]
            tags.append(f"<{tag}{''.join(declared)}>")
            first = end
        return "".join(tags).encode()


def checked_text(text: str) -> str:
    """Checks that the text of a segment is not too long, and does not contain other units.

    The longest text is 1 MiB (`MAX_TEXT` bytes in UTF-8). A text contains other units if the end of its CDATA section
    is missing: for an XML parser, the section then ends where that of a later unit ends.

    Args:
        text: Text of a segment.

    Returns:
        The same text.

    Raises:
        XmlFault: The text is too long, or contains the start of another unit and of its CDATA section.
    """
    if len(text) > MAX_TEXT // 4 and len(text.encode()) > MAX_TEXT:  # a character has up to 4 bytes
        raise XmlFault(TEXT_TOO_LONG)
    if "<![CDATA[" in text and _NEXT_UNIT.search(text):
        raise XmlFault(
            "expected ]]> at the end of a CDATA section, found the next unit (sentence pair) with another CDATA "
            "section: add the missing ]]>"
        )
    return text
