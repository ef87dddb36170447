"""Parses a Markdown paragraph: emphasis and links move with their words; code, images and HTML tags are copied."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from unicodedata import category

from regard.translation.markup.block import Block
from regard.translation.markup.building import build_block
from regard.translation.markup.dialects import HTML, Role
from regard.translation.markup.entities import Escaping, SpelledText, decode
from regard.translation.markup.markup_options import DEFAULT_MARKUP, MarkupOptions
from regard.translation.markup.open_elements import OpenElements
from regard.translation.markup.pieces import Piece, PieceKind, text_pieces
from regard.translation.markup.render import render_block
from regard.translation.markup.sentence import TranslatedSentence
from regard.translation.markup.tokens import TokenKind, tokenize
from regard.values import Span

_OPAQUE = (
    r"(?P<code>(?<!`)(?P<ticks>`+)(?!`)(?:(?!\n[ \t]*\n).)+?(?<!`)(?P=ticks)(?!`)|\$\$[^$]{1,2000}\$\$"
    r"|(?<![\w$\\])\$(?!\{[\w.]+\})(?=[A-Za-z]{1,3}\$|[^$\n]{0,500}[\\_^={}])(?=[^\s$])[^$\n]{1,500}(?<=\S)\$(?![\d$]))"
    r"|(?P<link><(?:[A-Za-z][A-Za-z0-9+.\-]{1,31}:[^\s<>]{0,2000}|[\w.+\-]{1,80}@[\w.\-]{1,200})>)"
    r"|(?P<element><(?P<name>code|kbd|samp|var|pre|script|style|textarea|svg|math)\b[^<>]*>.*?</(?P=name)\s*>)"
    r"|(?P<image>!\[[^\[\]]{0,500}\](?:\([^()\n]{0,2000}(?:\([^()\n]{0,500}\)[^()\n]{0,2000})?\)|\[[^\[\]]{0,200}\])?)"
    r"|(?P<note>\[\^[^\[\]\s]{1,100}\])"
)
_INLINE = re.compile(
    r"(?P<hard>\\\r?\n|[ ]{2,}\r?\n)"
    r"|(?P<escape>\\[!-/:-@\[-`{-~])"
    rf"|(?P<opaque>{_OPAQUE})"
    r"|(?P<tag><(?:!--.*?--|/?[A-Za-z][A-Za-z0-9\-]*(?:\s(?:[^<>\"']|\"[^\"]*\"|'[^']*')*)?/?)>)"
    r"|(?P<run>\*+|_+|~~|(?<!=)==(?!=))|(?P<open>\[)|(?P<close>\])",
    re.DOTALL,
)
_DESTINATION = re.compile(
    r"\]\([ \t]*(?:<[^<>\n]{0,2000}>|[^\s()]{0,2000}(?:\([^\s()]{0,500}\)[^\s()]{0,2000}){0,5})"
    r"(?:\s+(?:\"[^\"]{0,500}\"|'[^']{0,500}'|\([^()]{0,500}\)))?[ \t]*\)(?:\{[^{}\n]{0,200}\})?|\]\[[^\[\]\n]{1,200}\]"
)
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_BEGINS_BLOCK = re.compile(
    r"\A[ \t]*(?P<first>[#>+*=-]+(?=\s|\Z)|>|\d{1,9}(?=[.)](?:\s|\Z)))"
    r"|\n[ \t]*(?P<next>[#+*=-]+(?=\s|\Z)|\d{1,9}(?=[.)](?:\s|\Z)))"
)
_OUTER_BREAKS = re.compile(r"\A(?:(?:\\|[ \t]*)\r?\n[ \t>]*)+|(?:(?:\\|[ \t]*)\r?\n[ \t>]*)+\Z")
"""Line breaks that moved to an end of the paragraph, where they would not be line breaks."""
_MAX_LABEL = 999
"""Longest label of a link."""
_BEGIN, _END = "\ufdd0", "\ufdd1"
"""Characters around an emphasis until the paragraph is written; in a paragraph that changes, they become U+FFFD."""
_NO_CONTENT = re.compile(f"{_BEGIN}([*_~=]+)\\1{_END}")


@dataclass(frozen=True, slots=True)
class MarkdownParagraph:
    """A paragraph, heading, list item or table cell of a Markdown document.

    Attributes:
        block: Its words, and the Markdown marks among them, such as `**` and links.
        original: Its characters in the file.
    """

    block: Block
    original: str

    @property
    def sentences(self) -> tuple[str, ...]:
        """Text of each sentence."""
        return self.block.sentences

    def render(self, translations: Sequence[TranslatedSentence | None]) -> str:
        """Writes the paragraph with translated sentences.

        Args:
            translations: One per sentence; None keeps the sentence.

        Returns:
            The paragraph in Markdown. Emphasis marks with no words between them, such as `****`, are left out, because
            readers would see them. A line that would begin a heading, list or quotation is escaped with a backslash.
        """
        text = render_block(self.block, translations)
        if text == self.block.raw:
            return self.original
        text = _OUTER_BREAKS.sub("", _NO_CONTENT.sub("", text))
        text = _BEGINS_BLOCK.sub(_escape_beginning, text)
        return text.replace(_BEGIN, "").replace(_END, "")


def parse_paragraph(
    lines: Sequence[tuple[str, str]], labels: frozenset[str] = frozenset(), options: MarkupOptions = DEFAULT_MARKUP
) -> MarkdownParagraph:
    """Parses the text of a paragraph.

    Args:
        lines: A pair `(prefix, content)` for each line; the prefix has the marks of block quotations, such as `> `, and
            is empty for the first line.
        labels: Labels, in lower case, of the link definitions of the document, such as `home` for `[home]: a.html`.
        options: What is translated and what is not.

    Returns:
        The paragraph.
    """
    return MarkdownParagraph(build_block(list(_pieces(lines, labels, options)), Escaping.MARKDOWN), _join(lines)[0])


def cut_cells(line: str) -> list[str]:
    """Cuts a table row into cells and the separators (`|` and spaces) between them; the first string is a cell."""
    return re.split(r"((?<!\\)\s*\|\s*|\s+\Z)", line)


@dataclass(slots=True)
class _Mark:
    """A mark of a paragraph.

    Attributes:
        start: First character.
        end: End.
        kind: What it is; None until it has a partner: then it is text.
        name: Name of its element.
        opens: Whether it may begin an element.
        closes: Whether it may end one.
        role: Role of a point.
    """

    start: int
    end: int
    kind: PieceKind | None = None
    name: str = ""
    opens: bool = False
    closes: bool = False
    role: Role = Role.OPAQUE


def _pieces(lines: Sequence[tuple[str, str]], labels: frozenset[str], options: MarkupOptions) -> Iterator[Piece]:
    text, breaks = _join(lines)
    text = text.replace(_BEGIN, "\ufffd").replace(_END, "\ufffd")
    marks = list(_marks(text, breaks))
    _pair(text, marks, labels)
    position = 0
    for mark in marks:
        if mark.kind is None or mark.start < position:
            continue
        yield from text_pieces(_decoded(text[position : mark.start]), options)
        raw = _delimited(mark, text[mark.start : mark.end])
        ordered = "line break" if mark.role is Role.LINE_BREAK else ""
        yield Piece(mark.kind, raw, name=mark.name, role=mark.role if mark.kind is PieceKind.POINT else Role.INLINE,
                    ordered=ordered)  # fmt: skip
        position = mark.end
    yield from text_pieces(_decoded(text[position:]), options)


def _delimited(mark: _Mark, raw: str) -> str:
    """A mark of an emphasis with a character before or after it, so that one without content is found."""
    if raw != mark.name or mark.name == "[":
        return raw
    return _BEGIN + raw if mark.kind is PieceKind.OPEN else raw + _END


def _join(lines: Sequence[tuple[str, str]]) -> tuple[str, list[Span]]:
    """The text of all lines, and where the line ends with the marks of a quotation after them are."""
    text, breaks = "", []
    parts: list[str] = []
    length = 0
    for prefix, content in lines:
        if prefix.strip() and parts:
            ending = len(parts[-1]) - len(parts[-1].rstrip())
            breaks.append((length - ending, length + len(prefix)))
        parts += [prefix + content]
        length += len(parts[-1])
    text = "".join(parts)
    return text, breaks


def _marks(text: str, breaks: Sequence[Span]) -> Iterator[_Mark]:
    """All that may be a mark, in order."""
    waiting = list(reversed(breaks))
    position = 0
    while match := _INLINE.search(text, position):
        while waiting and waiting[-1][0] <= match.start():
            yield _break(waiting.pop())
        position = match.end()
        if not match["escape"]:
            yield _mark(text, match)
    yield from map(_break, reversed(waiting))


def _mark(text: str, match: re.Match[str]) -> _Mark:
    if match["hard"]:
        return _break(match.span())
    if match["opaque"]:
        return _Mark(*match.span(), PieceKind.POINT)
    if match["tag"]:
        return _tag(match)
    if match["run"]:
        opens, closes = _flanks(text, match)
        return _Mark(*match.span(), None, match[0], opens, closes)
    return _Mark(*match.span(), None, "[", match["open"] is not None, match["close"] is not None)


def _break(span: Span) -> _Mark:
    return _Mark(*span, PieceKind.POINT, role=Role.LINE_BREAK)


def _tag(match: re.Match[str]) -> _Mark:
    """A tag of HTML."""
    token = tokenize(match[0])[0]
    if token.kind is TokenKind.OPEN:
        return _Mark(*match.span(), PieceKind.OPEN, token.name)
    if token.kind is TokenKind.CLOSE:
        return _Mark(*match.span(), PieceKind.CLOSE, token.name)
    role = HTML.role(token) if token.kind is TokenKind.EMPTY else Role.INVISIBLE
    role = role if role in (Role.OPAQUE, Role.LINE_BREAK) else Role.INVISIBLE
    return _Mark(*match.span(), PieceKind.POINT, role=role)


def _flanks(text: str, match: re.Match[str]) -> tuple[bool, bool]:
    """Whether a run of marks may begin and may end an emphasis (CommonMark 0.31, section 6.2)."""
    before = text[match.start() - 1 : match.start()] or " "
    after = text[match.end() : match.end() + 1] or " "
    left = not after.isspace() and (not _is_mark(after) or before.isspace() or _is_mark(before))
    right = not before.isspace() and (not _is_mark(before) or after.isspace() or _is_mark(after))
    if match[0].startswith("_"):
        return left and (not right or _is_mark(before)), right and (not left or _is_mark(after))
    return left, right


def _is_mark(character: str) -> bool:
    return category(character)[0] in "PS"


def _pair(text: str, marks: list[_Mark], labels: frozenset[str]) -> None:
    """Makes start tags and end tags of the marks that have a partner."""
    waiting = OpenElements[_Mark]()
    for mark in marks:
        if mark.kind is not None:
            continue
        closed = waiting.close(mark.name) if mark.closes else []
        if closed:  # all but the last have no partner within the element
            if closed[-1].end < mark.start:
                _join_pair(text, closed[-1], mark, labels)
        elif mark.opens:
            waiting.open(mark.name, mark)


def _join_pair(text: str, first: _Mark, last: _Mark, labels: frozenset[str]) -> None:
    if last.name != "[":
        first.kind, last.kind = PieceKind.OPEN, PieceKind.CLOSE
    elif destination := _DESTINATION.match(text, last.start):
        first.kind, last.kind, last.end = PieceKind.OPEN, PieceKind.CLOSE, destination.end()
    elif text[first.end : min(last.start, first.end + _MAX_LABEL)].strip().lower() in labels:  # its text is its label
        first.kind, first.end = PieceKind.POINT, last.end + 2 * text.startswith("[]", last.end)


def _decoded(raw: str) -> SpelledText:
    """Text between marks, without backslashes before punctuation and with character references decoded."""
    if "\\" not in raw:
        return decode(raw, Escaping.HTML)
    text, offsets, position = "", [], 0
    for match in [*_ESCAPED.finditer(raw), None]:
        part = decode(raw[position : match.start() if match else len(raw)], Escaping.HTML)
        text += part.text
        offsets += [position + offset for offset in (part.offsets or range(len(part.text) + 1))[:-1]]
        if match:
            text += match[1]
            offsets.append(match.start())
            position = match.end()
    return SpelledText(text, raw, (*offsets, len(raw)))


def _escape_beginning(match: re.Match[str]) -> str:
    name = "first" if match["first"] else "next"
    start = match.start(name) - match.start()
    if match[name].isdigit():
        return match[0] + "\\"
    return match[0][:start] + "\\" + match[0][start:]
