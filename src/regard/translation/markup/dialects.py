"""What the elements of each format mean: which end a sentence, which are not translated, which contain the text."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from regard.translation.markup.entities import Escaping
from regard.translation.markup.tokens import Token, words


class Role(Enum):
    """Whether an element ends a sentence or is part of one, and whether its content is translated."""

    BLOCK = "ends the sentence before it; its content is translated apart"
    BLOCK_OPAQUE = "ends the sentence before it; its content is not translated"
    INLINE = "part of a sentence, with its content"
    OPAQUE = "part of a sentence; it is visible, and its content is not translated"
    INVISIBLE = "part of a sentence, but readers do not see it and it does not separate words"
    LINE_BREAK = "part of a sentence; separates words, and two of them in a row separate sentences"


@dataclass(frozen=True, slots=True)
class Dialect:
    """The rules by which the sentences of one markup format, such as HTML, are found.

    Attributes:
        name: Name of the format.
        escaping: How special characters of the text are written.
        role: A function that returns the role of an element, given its start tag or void tag: whether the element ends
            a sentence, and whether its content is translated. See `Role`.
        xml: Whether the document is tokenized as XML.
        text_elements: Names of the elements that contain all text of a document. Characters elsewhere are layout, and
            an element that is not translated (role OPAQUE) but contains such elements ends the sentence before it.
            Empty = text may be anywhere.
        bare_text: Whether a block (such as a paragraph) may contain text without an inline element around the text.
        ordered: Elements without content that keep their order, such as the marks at both ends of a range.
        mixed_content: Whether an element is part of a sentence if text stands directly in an element around it, and
            ends the sentence before it otherwise.
    """

    name: str
    escaping: Escaping
    role: Callable[[Token], Role]
    xml: bool = False
    text_elements: frozenset[str] = frozenset()
    bare_text: bool = True
    ordered: frozenset[str] = frozenset()
    mixed_content: bool = False


_BLOCK = words(
    "address article aside blockquote body button caption center col colgroup datalist dd details dialog dir div dl dt "
    "fieldset figcaption figure footer form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html label legend "
    "li link main map menu meta nav noframes noscript ol optgroup option p search section select summary table tbody "
    "td tfoot th thead title tr ul base area param track"
)
_BLOCK_OPAQUE = words("pre xmp listing plaintext")
_OPAQUE = words(
    "code kbd samp var textarea svg math iframe object embed video audio canvas img input applet noembed picture "
    "progress meter"
)
_INVISIBLE = words("script style template source wbr slot")
_HTML_ROLES = {
    **dict.fromkeys(_BLOCK, Role.BLOCK),
    **dict.fromkeys(_BLOCK_OPAQUE, Role.BLOCK_OPAQUE),
    **dict.fromkeys(_OPAQUE, Role.OPAQUE),
    **dict.fromkeys(_INVISIBLE, Role.INVISIBLE),
    "br": Role.LINE_BREAK,
}
_NOT_TRANSLATED = re.compile(
    r"""\s(?:translate\s*=\s*["']?no\b|class\s*=\s*(?:"[^"]*(?<![\w-])notranslate(?![\w-])|"""
    r"""'[^']*(?<![\w-])notranslate(?![\w-])|notranslate(?![\w-])))""",
    re.IGNORECASE,
)


def _html_role(tag: Token) -> Role:
    role = _HTML_ROLES.get(tag.name.lower(), Role.INLINE)
    return _protected(role) if is_protected(tag) else role


def _plain_role(tag: Token) -> Role:
    return Role.OPAQUE


def _xml_role(tag: Token) -> Role:
    return _protected(Role.INLINE) if is_protected(tag) else Role.INLINE


def is_protected(tag: Token) -> bool:
    """Whether a start tag says that its element is not translated: `translate="no"` or class `notranslate`."""
    raw = tag.raw
    if "translate" not in raw and "translate" not in raw.lower():
        return False
    return _NOT_TRANSLATED.search(raw) is not None


def _protected(role: Role) -> Role:
    if role is Role.BLOCK:
        return Role.BLOCK_OPAQUE
    return Role.OPAQUE if role is Role.INLINE else role


PLAIN = Dialect("text", Escaping.NONE, _plain_role)
"""Plain text: no markup, only placeholders."""
HTML = Dialect("html", Escaping.HTML, _html_role)
"""HTML, whole pages or fragments."""
XHTML = Dialect("xhtml", Escaping.XML, _html_role, xml=True)
"""HTML in the syntax of XML, as in EPUB books."""
XML = Dialect("xml", Escaping.XML, _xml_role, xml=True, mixed_content=True)
"""XML of an unknown vocabulary: elements next to text are part of the sentence, all others end it."""
DIALECTS = {dialect.name: dialect for dialect in (PLAIN, HTML, XML)}
"""The formats of `regard.translation.markup.document.parse`."""
