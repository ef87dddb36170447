"""Messages for XML that is not well-formed: what was expected, what was found, and what to do."""

from __future__ import annotations

import re
from xml.parsers.expat import ExpatError, errors

from regard.data.corpora.xml_encoding import INVALID

_INVALID_TOKEN = errors.codes[errors.XML_ERROR_INVALID_TOKEN]
_CUT_SHORT = {
    errors.codes[message]
    for message in (
        errors.XML_ERROR_NO_ELEMENTS,
        errors.XML_ERROR_UNCLOSED_TOKEN,
        errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
    )
}
_FINDINGS = {
    errors.codes[errors.XML_ERROR_TAG_MISMATCH]: (
        "a closing tag that does not match the open element",
        "close the elements in order",
    ),
    errors.codes[errors.XML_ERROR_UNDEFINED_ENTITY]: (
        "an entity that XML does not define",
        "write the character itself, or its number such as &#233;",
    ),
    errors.codes[errors.XML_ERROR_BAD_CHAR_REF]: (
        "the number of a character that XML does not allow",
        "remove it",
    ),
    errors.codes[errors.XML_ERROR_JUNK_AFTER_DOC_ELEMENT]: (
        "text after the end of the document",
        "remove it, or split files that were joined",
    ),
}
_AMPERSAND = re.compile(rb"&[^\s;<&]*\Z")
_MARKED = re.compile(INVALID + "([0-9a-f]+)" + INVALID)
_OPENED = {b"<!--": "a comment", b"<?": "a processing instruction", b"<": "a tag"}
_REMEDY = "correct the file, or export it again"


def describe(error: ExpatError, before: bytes, after: bytes, encoding: str) -> str:
    """Describes what is wrong at a place in an XML file.

    Args:
        error: The error of the parser.
        before: Some bytes before the place, in UTF-8.
        after: Some bytes from the place on; empty at the end of the file.
        encoding: Encoding of the file.

    Returns:
        What was expected, what was found, and what to do, for a message that begins with the place.
    """
    if error.code in _CUT_SHORT:
        return _describe_end(after)
    if error.code == _INVALID_TOKEN:
        return _describe_token(before, after, encoding)
    finding, remedy = _FINDINGS.get(error.code, (errors.messages[error.code], _REMEDY))
    if after.startswith(b"&") and b";" in after:
        finding += " (" + after[: after.index(b";") + 1].decode("utf-8", "replace") + ")"
    return f"expected well-formed XML, found {finding}: {remedy}"


def _describe_end(after: bytes) -> str:
    opened = next((name for start, name in _OPENED.items() if after.startswith(start)), "")
    if opened:
        return f"expected the end of {opened}, found the end of the file: close it, or copy the file again"
    return "expected the closing tag of each element, found the end of the file: it was cut short; copy it again"


def _describe_token(before: bytes, after: bytes, encoding: str) -> str:
    if marked := _MARKED.match(after.decode("utf-8", "replace")):
        return _wrong_encoding(encoding, marked[1])
    try:
        character = after[:4].decode("utf-8", "strict")[:1]
    except UnicodeDecodeError as error:
        character = after[: error.start].decode("utf-8")[:1]
        if not character:
            return _wrong_encoding(encoding, after[:1].hex())
    if _AMPERSAND.search(before):
        return "expected well-formed XML, found an & that is not escaped: write &amp;"
    if before.endswith(b"<"):
        return "expected well-formed XML, found a < that does not begin a tag: write &lt;"
    if character < " " or character in "\x7f\ufffe\uffff":
        return (
            f"expected well-formed XML, found the character U+{ord(character):04X}, which XML does not allow: remove it"
        )
    return f"expected well-formed XML, found {character!r} where it is not allowed: {_REMEDY}"


def _wrong_encoding(encoding: str, digits: str) -> str:
    listed = " ".join(f"0x{digits[i : i + 2].upper()}" for i in range(0, len(digits), 2))
    other = "cp1252" if encoding.upper().startswith("UTF") else "utf-8"
    bytes_ = "byte" if len(digits) == 2 else "bytes"
    return (
        f"expected {encoding}, found the {bytes_} {listed}: pass the encoding that the file really has, such as "
        f"--encoding {other}"
    )
