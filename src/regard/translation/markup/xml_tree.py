"""Elements of an XML document as ranges of its tokens, so that all else stays as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from xml.parsers import expat

from regard.errors import DataError
from regard.translation.markup.entities import Escaping, decode, escape
from regard.translation.markup.tokens import Token, TokenKind, tokenize

# A name is read from its first character only: from each of them, a long one would take quadratic time.
_ATTRIBUTE = re.compile(r"""(?<![^\s=/<>"'])([^\s=/<>"']+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_TAG_END = re.compile(r"\s*/?>\Z")


@dataclass(slots=True, eq=False)
class Element:
    """An element of an XML document.

    Attributes:
        name: Its name without a namespace prefix; empty for the object that stands for the whole document.
        prefix: The prefix of the name with its colon; empty if there is none.
        tag: The start tag as it is written.
        first: Position of the start tag among the tokens.
        last: Position of the end tag; equal to `first` if the element is written as a single tag.
        children: The elements in it, in order.
        attributes: Decoded values of its attributes, by name as written, with any prefix.
    """

    name: str
    prefix: str
    tag: str
    first: int
    last: int
    children: list[Element] = field(default_factory=list)
    attributes: Mapping[str, str] = field(default_factory=dict)

    def child(self, name: str) -> Element | None:
        """The first child with a name; None if there is none."""
        return next((child for child in self.children if child.name == name), None)

    def find_all(self, name: str) -> Iterator[Element]:
        """All descendants with a name, in document order, without those inside another element of that name."""
        waiting = list(reversed(self.children))
        while waiting:
            element = waiting.pop()
            if element.name == name:
                yield element
            else:
                waiting += reversed(element.children)

    def content(self, tokens: Sequence[Token]) -> Sequence[Token]:
        """The tokens between the start tag and the end tag, given all tokens."""
        return tokens[self.first + 1 : self.last]


def parse_tree(name: str, text: str) -> tuple[list[Token], Element]:
    """Parses an XML document.

    Args:
        name: Name of the file, for messages.
        text: The document.

    Returns:
        The tokens, and an element without a name whose only child is the root element, such as `<tmx>`.

    Raises:
        DataError: The document is not well-formed, or declares entities; the message names line and column.
    """
    _check_xml(name, text)
    tokens = tokenize(text, xml=True)
    root = Element("", "", "", -1, len(tokens))
    open_elements = [root]
    for position, token in enumerate(tokens):
        if token.kind is TokenKind.CLOSE:
            if len(open_elements) == 1:  # a document type that only a full parser can read
                raise DataError(
                    f"{name}: expected an XML document without an internal DTD: export it again without the DTD"
                )
            open_elements.pop().last = position
        elif token.kind in (TokenKind.OPEN, TokenKind.EMPTY):
            prefix, colon, local = token.name.rpartition(":")
            element = Element(local, prefix + colon, token.raw, position, position)
            element.attributes = read_attributes(token.raw)
            open_elements[-1].children.append(element)
            if token.kind is TokenKind.OPEN:
                open_elements.append(element)
    return tokens, root


def local_name(token: Token) -> str:
    """Name of a tag without a namespace prefix."""
    return token.name.rpartition(":")[2]


def read_attributes(tag: str) -> dict[str, str]:
    """The attributes of a start tag, with decoded values.

    >>> read_attributes('<a id="1" title="R&amp;D"/>')
    {'id': '1', 'title': 'R&D'}
    """
    return {name: decode(first or second, Escaping.XML).text for name, first, second in _ATTRIBUTE.findall(tag)}


def set_attribute(tag: str, name: str, value: str) -> str:
    """Writes an attribute into a start tag.

    Args:
        tag: The start tag.
        name: Name of the attribute.
        value: Its new value.

    Returns:
        The tag; all other attributes and the white space stay as they are.

    >>> set_attribute("<target state='new' />", "state", "translated")
    '<target state="translated" />'
    >>> set_attribute("<target/>", "state", "translated")
    '<target state="translated"/>'
    """
    written = f'{name}="{escape(value, Escaping.XML).replace(chr(34), "&quot;")}"'
    for match in _ATTRIBUTE.finditer(tag):
        if match[1] == name:
            return tag[: match.start()] + written + tag[match.end() :]
    end = _TAG_END.search(tag)
    position = end.start() if end else len(tag)
    return f"{tag[:position]} {written}{tag[position:]}"


def opening_tag(tag: str) -> str:
    """Converts a tag that may be self-closing to a start tag.

    >>> opening_tag("<target id='1' />")
    "<target id='1'>"
    """
    return tag[:-2].rstrip() + ">" if tag.endswith("/>") else tag


def _check_xml(name: str, text: str) -> None:
    parser = expat.ParserCreate("utf-8")

    def refuse_entity(*declaration: object) -> None:
        raise DataError(
            f"{name}:{parser.CurrentLineNumber}: declares the entity {declaration[0]!r:.40}, which is not supported: "
            "replace it by its text everywhere, and remove the declaration"
        )

    parser.EntityDeclHandler = refuse_entity
    try:
        parser.Parse(text.encode("utf-8", "surrogatepass"), True)
    except expat.ExpatError as error:
        reason = expat.ErrorString(error.code) or "syntax error"
        raise DataError(
            f"{name}:{error.lineno}:{error.offset + 1}: expected well-formed XML, found an error ({reason}): "
            "correct the file at this place, or export it again"
        ) from None
