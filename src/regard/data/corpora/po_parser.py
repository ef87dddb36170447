"""Parser of gettext catalogs (.po) that knows the place of every string."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NoReturn

from regard.data.corpora.po_entry import PoEntry, PoString
from regard.data.corpora.po_syntax import ByteStream, PoLine, PoText, parse_strings
from regard.data.corpora.unit import MAX_TEXT
from regard.errors import DataError
from regard.text.encoding_names import check_encoding, find_encoding

_CHARSET = re.compile(rb"charset\s*=\s*([^\s\"\\;]+)", re.IGNORECASE)
_NO_CHARSET = "CHARSET"
"""What gettext's template has in place of a charset."""
_MAX_ENTRY = 4 * MAX_TEXT
_LINE_COST = 64
"""Number of bytes that a line of an entry counts besides its content, since many empty lines need memory, too."""
_MAX_FLAG_LINES = 100


@dataclass(eq=False)
class _Group:
    """Lines of one entry, before its strings are decoded."""

    start: int = -1
    end: int = -1
    lines: list[PoLine] = field(default_factory=list)  # those with strings, and unknown ones
    flags: list[PoLine] = field(default_factory=list)
    flags_place: int = -1
    size: int = 0
    after_blank: bool = False

    def has(self, keyword: str) -> bool:
        return any(line.keyword == keyword for line in self.lines)

    def ends_before(self, line: PoLine) -> bool:
        """Whether the line belongs to the next entry; blank lines alone do not separate entries."""
        if line.kind == "unknown" and self.after_blank and self.has("msgstr"):
            return True
        if line.kind not in ("comment", "flags") and line.keyword not in ("msgctxt", "msgid"):
            return False
        if not self.lines:
            return False
        if self.has("msgstr") or self.after_blank:
            return True
        return line.keyword in ("msgctxt", "msgid") and self.has("msgid")

    def add(self, line: PoLine) -> None:
        self.after_blank = line.kind == "blank"
        if line.kind == "blank":
            return
        self.start = line.start if self.start < 0 else self.start
        self.end = line.end
        if line.kind == "flags":
            if len(self.flags) < _MAX_FLAG_LINES:
                self.flags.append(line)
        elif line.kind != "comment":
            self.size += len(line.content) + _LINE_COST
            if self.size <= _MAX_ENTRY:
                self.lines.append(line)
        if self.flags_place < 0 and (line.keyword or line.content.lstrip().startswith((b"#|", b"#~|"))):
            self.flags_place = line.start


class PoParser:
    """Parser of a catalog, entry by entry.

    Args:
        file: The catalog as bytes.
        name: Name of the file, for messages.
        encoding: Encoding of the file; None = what its header says, or UTF-8.
        fault: Function that is called with the message of each faulty entry. If the function returns, the entry is left
            out, and parsing continues. None = raise a `DataError`.

    Attributes:
        encoding: Encoding of the strings; known after the header, which is the first entry.
        newline: Line end of the first line, after reading began.
        width: Length in bytes of the longest line with a string so far.
    """

    def __init__(
        self,
        file: ByteStream,
        name: str,
        *,
        encoding: str | None = None,
        fault: Callable[[str], None] | None = None,
    ) -> None:
        check_encoding(encoding)
        self.name = name
        self._fault = fault or _raise
        self._text = PoText(file, name)
        self._is_wide = (self._text.encoding or "").startswith("utf-16")
        self._fixed = self._is_wide or encoding is not None
        self._decoding = "utf-8" if self._is_wide else encoding or "utf-8"
        self.width = 0

    @property
    def encoding(self) -> str:
        """Name of the Python codec of the catalog's strings; taken from the header once it has been parsed."""
        return self._text.encoding or "utf-8" if self._is_wide else self._decoding

    @property
    def newline(self) -> str:
        """Line end of the first line, LF or CRLF."""
        return self._text.newline

    def entries(self) -> Iterator[PoEntry]:
        """Parses the catalog.

        Yields:
            All entries in order, including the header and obsolete ones.

        Raises:
            DataError: The file cannot be read further, or an entry is faulty and `fault`, the argument of the parser,
                raises this error.
        """
        for group in self._groups():
            if not group.lines:
                continue  # comments at the end of the file
            try:
                yield self._entry(group)
            except _EntryError as fault:
                self._fault(f"{self.name}:{fault.line}: {fault}")

    def _groups(self) -> Iterator[_Group]:
        group = _Group()
        for line in self._text.lines():
            if group.ends_before(line):
                yield group
                group = _Group()
            group.add(line)
            if line.kind in ("keyword", "string"):
                self.width = max(self.width, len(line.content))
        yield group

    def _entry(self, group: _Group) -> PoEntry:
        if not self._fixed:
            self._find_charset(group)
        if group.size > _MAX_ENTRY:
            raise _EntryError(
                group.lines[0].number, f"expected an entry of at most {_MAX_ENTRY} bytes, found a longer one"
            )
        strings = self._strings(group)
        _check_complete(strings, group)
        forms = {int(key): string for key, string in strings.items() if key.isdigit()}
        flags = tuple(
            flag
            for line in group.flags
            for flag in (part.strip() for part in line.content.decode("latin-1").partition("#,")[2].split(","))
            if flag
        )
        last = group.flags[-1] if group.flags else None
        width = 2 if self._is_wide else 1
        return PoEntry(
            strings["msgid"],
            forms,
            strings.get("msgid_plural"),
            strings.get("msgctxt"),
            flags,
            any(line.obsolete for line in group.lines),
            group.start,
            group.end,
            last.start if last else group.flags_place,
            last.end - width * (len(last.content) - len(last.content.rstrip())) if last else group.flags_place,
        )

    def _strings(self, group: _Group) -> dict[str, PoString]:
        """Strings by keyword; those of `msgstr` by number of the form."""
        strings: dict[str, PoString] = {}
        for lines in _by_keyword(group.lines):
            first, last = lines[0], lines[-1]
            key = first.keyword if first.keyword != "msgstr" else str(first.form or 0)
            if key in strings:
                raise _EntryError(first.number, f"expected one {_spelled(first)} in an entry, found two: remove one")
            text = "".join(self._parse(line) for line in lines)
            if len(text.encode("utf-8", "surrogatepass")) > MAX_TEXT:
                raise _EntryError(first.number, f"expected a text of at most {MAX_TEXT:,} bytes, found a longer one")
            width = 2 if self._is_wide else 1
            end = last.end - width * (len(last.content) - len(last.content.rstrip()))
            strings[key] = PoString(_spelled(first), text, first.start + width * first.offset, end, first.number)
        return strings

    def _parse(self, line: PoLine) -> str:
        if line.kind == "long":
            raise _EntryError(
                line.number,
                f"expected lines of at most {MAX_TEXT:,} bytes, found a longer one: check that it is a gettext catalog "
                "whose lines end in LF or CRLF",
            )
        if line.kind == "unknown":
            shown = line.content.strip()[:30].decode("utf-8", "replace")
            raise _EntryError(
                line.number,
                f"expected msgid, msgstr or a string in quotation marks, found {shown!r}: write the text of an entry "
                "in quotation marks, and a line break in it as \\n",
            )
        place = line.content.index(b'"', line.offset)
        try:
            return parse_strings(line.content[place:].decode(self._decoding), self._decoding)
        except UnicodeDecodeError as error:
            if self._is_wide:
                raise _EntryError(
                    line.number,
                    f"expected {self.encoding.upper()}, found half of a character (an unpaired surrogate): correct the "
                    "text, or export the catalog again",
                ) from None
            raise _EntryError(
                line.number,
                f"expected {self._decoding.upper()}{' as the header says' if not self._fixed else ''}, found byte "
                f"0x{error.object[error.start]:02x}: name the true encoding, such as --encoding latin-1",
            ) from None
        except ValueError as error:
            raise _EntryError(
                line.number,
                f"expected a string that ends in a quotation mark, found {error}: close it, and write a quotation mark "
                'within it as \\"',
            ) from None

    def _find_charset(self, group: _Group) -> None:
        """Takes the encoding from the header; a template without a charset is in UTF-8."""
        first = next((line for line in group.lines if line.keyword), None)
        if first is None or first.keyword != "msgid" or first.obsolete or not first.content.rstrip().endswith(b'""'):
            return
        match = _CHARSET.search(b"".join(line.content for line in group.lines))
        charset = match[1].decode("latin-1") if match else _NO_CHARSET
        if charset == _NO_CHARSET:
            return
        if find_encoding(charset) is None or '"\\n'.encode(charset) != b'"\\n':
            raise _EntryError(
                first.number,
                f"expected the name of an encoding such as UTF-8 in the header, found charset={charset}: correct it, "
                "or name the encoding with --encoding",
            )
        self._decoding = charset.lower()


class _EntryError(ValueError):
    """A fault of one entry, with the number of its line."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


def _raise(message: str) -> NoReturn:
    raise DataError(message)


def _by_keyword(lines: list[PoLine]) -> Iterator[list[PoLine]]:
    """Lines of each string: the one with the keyword, and those that continue it."""
    current: list[PoLine] = []
    for line in lines:
        if line.keyword and current:
            yield current
            current = []
        if not line.keyword and not current and line.kind == "string":
            raise _EntryError(line.number, "expected msgid or msgstr before a string, found none: add the keyword")
        current.append(line)
    yield current


def _spelled(line: PoLine) -> str:
    return line.keyword if line.form is None else f"{line.keyword}[{line.form}]"


def _check_complete(strings: dict[str, PoString], group: _Group) -> None:
    first, last = group.lines[0].number, group.lines[-1].number
    if "msgid" not in strings:
        raise _EntryError(first, "expected an entry with msgid and msgstr, found no msgid: add it, or remove the entry")
    if not any(key.isdigit() for key in strings):
        raise _EntryError(last, "expected msgstr after msgid, found none: add it (an empty one is enough)")
    bare = next((string for string in strings.values() if string.keyword == "msgstr"), None)
    numbered = next((string for string in strings.values() if string.keyword.startswith("msgstr[")), None)
    if "msgid_plural" in strings and bare is not None:
        raise _EntryError(bare.line, "expected msgstr[0] in an entry with msgid_plural, found msgstr: number the forms")
    if "msgid_plural" not in strings and numbered is not None:
        raise _EntryError(numbered.line, f"expected msgid_plural before {numbered.keyword}, found none: add it")
