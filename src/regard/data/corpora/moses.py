"""Reader of two text files that the scripts of Moses have tokenized."""

from __future__ import annotations

import re
from collections.abc import Iterator

from regard.data.corpora.plain import PlainReader
from regard.data.corpora.unit import Unit

_CHARACTERS = {
    "&amp;": "&",
    "&lt;": "<",
    "&gt;": ">",
    "&quot;": '"',
    "&apos;": "'",
    "&#124;": "|",
    "&#91;": "[",
    "&#93;": "]",
    "&bar;": "|",  # of early versions, as the two below
    "&bra;": "[",
    "&ket;": "]",
}
_ENTITY = re.compile("|".join(map(re.escape, _CHARACTERS)))
_HYPHEN = re.compile(r" ?@-@ ?")


def unescape(line: str) -> str:
    """Replaces the escapes of the Moses tokenizer with the original characters; the line stays tokenized.

    The result is not unescaped again: `&amp;lt;` becomes `&lt;`.

    Args:
        line: A tokenized line.

    Returns:
        The line with characters in place of escapes, and with a hyphen that joins two words in place of `@-@`.

    >>> unescape("it &apos;s a twenty @-@ first &amp;lt; test")
    "it 's a twenty-first &lt; test"
    """
    if "@-@" in line:
        line = _HYPHEN.sub("-", line)
    return _ENTITY.sub(lambda entity: _CHARACTERS[entity[0]], line) if "&" in line else line


class MosesReader(PlainReader):
    """Reader of files tokenized by Moses, which undoes escapes such as `&apos;`; the text stays tokenized."""

    format = "moses"

    def units(self) -> Iterator[Unit]:
        """Reads both files line by line, with the escapes of Moses undone. See `UnitReader.units`."""
        for unit in super().units():
            yield Unit(unescape(unit.src), unescape(unit.tgt), unit.line)
