"""Text of a segment without its inline codes, with spaces where a code was the only gap between two words."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from regard.text.spaceless import SPACELESS_LETTERS

_DROPPED = frozenset({"bpt", "ept", "it", "ph", "ut", "x", "bx", "ex", "sc", "ec", "cp", "sm", "em"})
"""Elements whose content is code: of TMX, of XLIFF 1.2 and of XLIFF 2."""
_STANDALONE = frozenset({"ph", "ut", "x", "cp"})
"""Elements that stand for a whole code; the others are the start or the end of a paired code."""
_KEPT = frozenset({"hi", "g", "pc", "mrk"})
"""Elements around text of the segment; any other element is kept like these, with its name as hint."""
_SEGMENT = "mrk/seg"
"""Name of open elements that mark a segment of XLIFF 1.2."""
_HINTS = ("type", "ctype", "subType", "equiv", "equiv-text", "id")
_NAMES = re.compile(r"</?([A-Za-z][\w:.-]*)|\\([a-z]+)")
_PREFIX = re.compile(r"\A(?:(?:x|xlf|html|fmt|struct|start|close|tag)[-:])+(?=.)")
_BREAKS = frozenset(
    {
        "br", "lb", "tab", "p", "par", "paragraph", "div", "li", "ul", "ol", "td", "th", "tr", "cell", "row", "line",
        "pb", "cr", "lf", "n", "t", "r", "break", "line-break", "linebreak", "newline", "h1", "h2", "h3", "h4", "h5",
        "h6",
    }
)  # fmt: skip
"""Names of codes that separate words: line and paragraph ends, tabs, table cells."""
_FORMATS = frozenset(
    {
        "b", "i", "u", "s", "em", "strong", "span", "font", "a", "sup", "sub", "small", "big", "tt", "code", "mark",
        "del", "ins", "abbr", "bold", "italic", "underline", "underlined", "ulined", "link", "emph", "emphasis", "cf",
        "f", "csf", "color", "g", "text", "style", "shy", "sub-script", "super-script", "subscript",
        "superscript", "bold-text", "italic-text", "dunderline", "scap", "v", "ul", "strike",
    }
) - _BREAKS  # fmt: skip
"""Names of codes that format text, and may stand within a word."""
_UNSPACED = re.compile(f"[{SPACELESS_LETTERS}]")
_CLOSING = frozenset(".,;:!?)]}…»”’%")


@dataclass(slots=True)
class _Code:
    """An inline code that is left out of the text."""

    is_standalone: bool
    hints: list[str]
    content: list[str] = field(default_factory=list)
    segment: str | None = None
    """Identifier of the segment that begins here; empty where it ends; None for all other codes."""

    def gap(self) -> int:
        """How the code separates the texts before and after it, where neither has a space.

        2 = by a space, except next to most punctuation; 1 = by a space between two letters or digits only; 0 = not.
        """
        content = "".join(self.content)
        if content and (content[0].isspace() or content[-1].isspace()):
            return 2
        names = {name.lower() for match in _NAMES.findall(content) for name in match if name}
        for hint in self.hints:
            name = hint.lower().replace("_", "-")
            names.add(_PREFIX.sub("", name))
        if names & _BREAKS or content in ("\\n", "\\t", "\\r\\n"):
            return 2
        return 1 if self.is_standalone and not names & _FORMATS else 0


class InlineText:
    """Builds the text of one segment, without its inline codes.

    A removed code is replaced by a space if nothing else separates the words before and after it. This holds for codes
    that separate words: line breaks, tabs, paragraphs, table cells, and codes whose content begins or ends with a
    space. Codes of formats such as bold, and the start or the end of a paired code, are removed without a space. Any
    other standalone code is replaced by a space only between two letters or digits.

    Args:
        keep_subflows: Whether to keep text within codes that is itself translatable (`sub`).
    """

    def __init__(self, *, keep_subflows: bool) -> None:
        self._keep_subflows = keep_subflows
        self._parts: list[str | _Code] = []
        self._open: list[tuple[str, _Code | None]] = []
        self._code: _Code | None = None
        """The code whose content is read; None in the text of the segment."""

    @property
    def depth(self) -> int:
        """Number of open inline elements."""
        return len(self._open)

    def open(self, tag: str, attributes: dict[str, str], text: list[str]) -> None:
        """Handles the start tag of an inline element, after adding the text before it.

        Args:
            tag: Name of the element, without namespace.
            attributes: Attributes of the element.
            text: Pieces of text since the previous tag; they are added, and the list is emptied.
        """
        self._take(text)
        self._open.append((tag, self._code))
        if tag == "sub" and self._code is not None:
            if self._keep_subflows:
                self._parts.append(_Code(is_standalone=False, hints=["br"]))
                self._code = None
            return
        if self._code is not None:
            return
        hints = [attributes[name] for name in _HINTS if name in attributes]
        if tag == "mrk" and attributes.get("mtype") == "seg":
            self._open[-1] = (_SEGMENT, None)
            self._parts.append(_Code(is_standalone=False, hints=[], segment=attributes.get("mid") or "-"))
        elif tag in _DROPPED:
            self._code = _Code(tag in _STANDALONE, hints)
            self._parts.append(self._code)
        else:
            self._parts.append(_Code(is_standalone=False, hints=hints if tag in _KEPT else [*hints, tag]))

    def close(self, text: list[str]) -> None:
        """Closes the innermost inline element.

        Args:
            text: Pieces of text since the previous tag; the list is emptied.
        """
        self._take(text)
        tag, code = self._open.pop()
        if tag == "sub" and code is not None and self._keep_subflows:
            self._parts.append(_Code(is_standalone=False, hints=["br"]))
        elif tag == _SEGMENT:
            self._parts.append(_Code(is_standalone=False, hints=[], segment=""))
        elif code is None and tag not in _DROPPED:
            self._parts.append(_Code(is_standalone=False, hints=[] if tag in _KEPT else [tag]))
        self._code = code

    def finish(self, text: list[str]) -> str:
        """Ends the segment.

        Args:
            text: Pieces of text since the previous tag; the list is emptied.

        Returns:
            The whole text.
        """
        self._take(text)
        return _assemble(self._parts)

    def segments(self) -> dict[str, str]:
        """Separates the segments that `mrk mtype="seg"` marks; to be called after `finish`.

        Returns:
            Text of each segment by its `mid`; the first if several have the same.
        """
        result: dict[str, str] = {}
        start = 0
        name = ""
        for index, part in enumerate(self._parts):
            if isinstance(part, str) or part.segment is None:
                continue
            if name:
                result.setdefault(name, _assemble(self._parts[start:index]))
            start, name = index + 1, part.segment
        return result

    def _take(self, text: list[str]) -> None:
        if text:
            piece = "".join(text)
            text.clear()
            if self._code is not None:
                self._code.content.append(piece)
            elif piece:
                self._parts.append(piece)


def _needs_space(before: str, after: str, gap: int) -> bool:
    left, right = before[-1], after[0]
    if not gap or left.isspace() or right.isspace() or _UNSPACED.match(left) or _UNSPACED.match(right):
        return False
    if left.isalnum() and right.isalnum():
        return True
    return gap == 2 and right not in _CLOSING and left not in "([{«“‘"


def _assemble(parts: list[str | _Code]) -> str:
    pieces: list[str] = []
    previous, gap = "", 0
    for part in parts:
        if isinstance(part, _Code):
            gap = max(gap, part.gap())
            continue
        if pieces and _needs_space(previous, part, gap):
            pieces.append(" ")
        pieces.append(part)
        previous, gap = part, 0
    return "".join(pieces)
