"""Entries of gettext catalogs (.po), and the fields of their headers."""

from __future__ import annotations

import re
from dataclasses import dataclass

_FIELD = re.compile(r"^([A-Za-z-]+):[ \t]*(.*?)[ \t]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class PoString:
    """A string of an entry, with its place in the file.

    Attributes:
        keyword: Keyword as the file spells it, such as `"msgstr[1]"`.
        text: Content, with escapes resolved.
        start: Offset in bytes of the keyword in the file.
        end: Offset in bytes after the closing quotation mark of the last line.
        line: 1-based number of the line of the keyword.
    """

    keyword: str
    text: str
    start: int
    end: int
    line: int


@dataclass(frozen=True, slots=True)
class PoEntry:
    """An entry of a catalog: a source string and its translation.

    Attributes:
        msgid: Source string.
        msgstr: Translations by number of the plural form; an entry without plural has form 0 only.
        msgid_plural: Source string of the plural; None if the entry has no plural.
        msgctxt: Context, which tells entries with the same source string apart.
        flags: Flags of the entry, such as `("fuzzy", "c-format")`.
        obsolete: Whether the program does not use the entry any more (`#~`).
        start: Offset in bytes of the first line of the entry, which may be a comment, in the file.
        end: Offset in bytes of the end of the last line, before its line end.
        flags_start: Offset in bytes of the line with flags; without flags, of the line before which to insert them.
        flags_end: Offset in bytes after the last flag; `flags_start` if the entry has no line with flags.
    """

    msgid: PoString
    msgstr: dict[int, PoString]
    msgid_plural: PoString | None
    msgctxt: PoString | None
    flags: tuple[str, ...]
    obsolete: bool
    start: int
    end: int
    flags_start: int
    flags_end: int

    @property
    def is_header(self) -> bool:
        """Whether this is the entry with the properties of the catalog."""
        return not (self.msgid.text or self.msgctxt or self.obsolete)

    @property
    def is_fuzzy(self) -> bool:
        """Whether the translation is marked as not finished."""
        return "fuzzy" in self.flags


def header_fields(text: str) -> dict[str, str]:
    r"""Properties in the header of a catalog.

    >>> header_fields("Language: fr\nPlural-Forms: nplurals=2; plural=(n > 1);\n")
    {'language': 'fr', 'plural-forms': 'nplurals=2; plural=(n > 1);'}

    Args:
        text: Translation of the empty string.

    Returns:
        The values by name in lower case.
    """
    return {match[1].lower(): match[2] for match in _FIELD.finditer(text)}
