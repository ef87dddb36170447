"""Markdown: paragraphs, headings, list items, quotations and cells of tables are translated; code stays as it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from regard.translation.markup.block import Block
from regard.translation.markup.building import build_block
from regard.translation.markup.dialects import HTML
from regard.translation.markup.entities import Escaping
from regard.translation.markup.file_options import DEFAULT_OPTIONS, FileOptions
from regard.translation.markup.markdown_inline import MarkdownParagraph, cut_cells, parse_paragraph
from regard.translation.markup.markup_document import MarkupDocument
from regard.translation.markup.markup_options import MarkupOptions
from regard.translation.markup.pieces import split_document
from regard.translation.markup.tokens import tokenize

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_CONTAINER = re.compile(r"[ \t]{0,3}>[ \t]?|[ \t]*(?:[-*+]|\d{1,9}[.)])(?:[ \t]{1,4}(?=\S)|[ \t]*(?=[\r\n]|\Z))")
_TASK = re.compile(r"\[[ xX]\][ \t]+")
_FENCE = re.compile(r"[ \t]*(`{3,}(?=[^`]*\Z)|~{3,}|\${2}(?=\s*\Z))")
_FRONT = re.compile(r"(---|\+\+\+)[ \t]*\r?\n.*?^(?:\1|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(
    r"([ \t]{0,3}#{1,6}(?:[ \t]+|(?=[\r\n]|\Z)))(.*?)"
    r"([ \t]*(?:[ \t]#+)?[ \t]*(?:(?<=\s)\{(?=\s*(?:[#.:-]|[\w-]+=))[^{}]*\})?\s*)\Z",
    re.DOTALL,
)
_RULE = re.compile(r"[ \t]*(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,}|=+[ \t]*|-+[ \t]*)\Z")
_DEFINITION = re.compile(r"[ \t]{0,3}\[(?!\^)[^\]]{1,200}\]:|[ \t]*(?::{3,}|!!!|\?\?\?\+?|%%|\{[%{#])")
_FOOTNOTE = re.compile(r"[ \t]{0,3}\[\^[^\]]{1,100}\]:[ \t]*")
_HTML_BLOCK = re.compile(
    r"[ \t]{0,3}<(?:!--|[?!]|/?[A-Za-z][A-Za-z0-9-]*(?:\s[^<>]*)?/?>|/?[A-Za-z][A-Za-z0-9-]*\s*\Z)"
)
_UNTIL_END_TAG = re.compile(r"[ \t]{0,3}<(!--|pre|script|style|textarea)\b|[ \t]{0,3}<(!--)", re.IGNORECASE)
_INLINE_HTML = re.compile(r"[ \t]{0,3}</?(?:a|abbr|b|code|em|i|img|kbd|small|span|strong|sub|sup|u)\b", re.IGNORECASE)
_DELIMITER_ROW = re.compile(r"[ \t>]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*\Z")
_LABEL = re.compile(r"^[ \t>]{0,20}\[(?!\^)([^\]\n]{1,200})\]:", re.MULTILINE)
_MAX_CONTAINERS = 50
"""Largest number of quotations and list items within each other at the beginning of one line."""
_Part = str | MarkdownParagraph | Block
_INDENTED = re.compile(r" {4}| {0,3}\t")


def parse_markdown(name: str, text: str, options: FileOptions = DEFAULT_OPTIONS) -> MarkupDocument:
    """Finds the sentences of a document in Markdown (CommonMark with tables, footnotes and front matter).

    Args:
        name: Name of the file; not used, because any text is valid Markdown.
        text: The document.
        options: What is translated and what is not.

    Returns:
        The document: its sentences, and a method that writes it with their translations.
    """
    return MarkupDocument(list(_Scanner(text, options.markup).parts()))


class _Scanner:
    """A pass over the lines of a document.

    Args:
        text: The document.
        options: What is translated and what is not.
    """

    def __init__(self, text: str, options: MarkupOptions) -> None:
        self._options = options
        front = _FRONT.match(text)
        self._front = front[0] if front else ""
        self._labels = frozenset(label.strip().lower() for label in _LABEL.findall(text))
        self._lines = _LINE.findall(text[len(self._front) :])
        self._position = 0
        self._paragraph: list[tuple[str, str]] = []  # prefix and content of each line
        self._in_list = False
        self._after_blank = True

    def parts(self) -> Iterator[_Part]:
        """The parts of the document."""
        yield self._front
        while self._position < len(self._lines):
            line = self._lines[self._position]
            prefix, content = self._cut_prefix(line)
            block = self._block(prefix, content)
            if block is not None:
                yield from self._flush()
                yield from block
                self._after_blank = not content.strip()
                continue
            if prefix.strip() and self._begins_paragraph(prefix):
                yield from self._flush()
            self._paragraph.append((prefix, content))
            self._position += 1
            self._after_blank = False
        yield from self._flush()

    def _cut_prefix(self, line: str) -> tuple[str, str]:
        """The marks of quotations and list items before the content of a line."""
        end = 0
        for _ in range(_MAX_CONTAINERS):
            match = _CONTAINER.match(line, end)
            if match is None:
                break
            if _RULE.match(line[end:].rstrip("\r\n")) and ">" not in match[0]:
                break
            end = match.end()
        task = _TASK.match(line, end)
        if task and end:
            end = task.end()
        return line[:end], line[end:]

    def _begins_paragraph(self, prefix: str) -> bool:
        """Whether the marks before a line begin a new item, rather than go on with a quotation."""
        if not self._paragraph or prefix.strip("> \t"):
            return True
        return prefix.count(">") != self._paragraph[-1][0].count(">")

    def _block(self, prefix: str, content: str) -> list[_Part] | None:
        """A block that begins at this line; None if it is a line of a paragraph."""
        stripped = content.rstrip("\r\n")
        if not stripped.strip():
            return self._take(1)
        if not prefix and self._is_code(content):
            return self._take(1)
        if prefix.strip(" \t>"):
            self._in_list = True
        elif not content[:1].isspace() and not prefix and self._after_blank:
            self._in_list = False
        for matches, take in self._rules(prefix, stripped):
            if matches:
                return take()
        return None

    def _rules(self, prefix: str, content: str) -> Iterator[tuple[object, Callable[[], list[_Part]]]]:
        yield _FENCE.match(content), lambda: self._take(self._fence_size(content))
        yield _RULE.match(content), lambda: self._take(1)
        yield _DEFINITION.match(content), lambda: self._take(1)
        yield _HEADING.match(content), lambda: self._heading(prefix)
        yield _FOOTNOTE.match(content), lambda: self._footnote(prefix)
        yield self._begins_table(content), self._table
        is_html = _HTML_BLOCK.match(content) and not _INLINE_HTML.match(content) and not self._paragraph
        yield is_html and not prefix, lambda: self._html(content)

    def _is_code(self, content: str) -> bool:
        return self._after_blank and not self._in_list and not self._paragraph and bool(_INDENTED.match(content))

    def _take(self, count: int) -> list[_Part]:
        """Lines that stay as they are."""
        lines = self._lines[self._position : self._position + count]
        self._position += len(lines)
        return ["".join(lines)]

    def _fence_size(self, content: str) -> int:
        match = _FENCE.match(content)
        mark = match[1] if match else ""
        end = re.compile(rf"[ \t>]*{re.escape(mark[0])}{{{len(mark)},}}[ \t]*\Z")
        for position in range(self._position + 1, len(self._lines)):
            if end.match(self._lines[position].rstrip("\r\n")):
                return position + 1 - self._position
        return len(self._lines) - self._position

    def _heading(self, prefix: str) -> list[_Part]:
        line = self._lines[self._position]
        self._position += 1
        match = _HEADING.match(line[len(prefix) :])
        if match is None or not match[2].strip():
            return [line]
        return [prefix + match[1], parse_paragraph([("", match[2])], self._labels, self._options), match[3]]

    def _footnote(self, prefix: str) -> list[_Part]:
        line = self._lines[self._position]
        match = _FOOTNOTE.match(line, len(prefix))
        end = match.end() if match else 0
        lines = [(line[:end], line[end:])]
        self._position += 1
        while self._position < len(self._lines):
            following = self._lines[self._position]
            if not following.strip() or _FOOTNOTE.match(following) or _DEFINITION.match(following):
                break
            lines.append(("", following))
            self._position += 1
        return list(self._written(lines))

    def _begins_table(self, content: str) -> bool:
        following = self._lines[self._position + 1 : self._position + 2]
        if "|" not in content or not following or self._paragraph:
            return False
        row = following[0].rstrip("\r\n")
        return "-" in row and ("|" in row or ":" in row) and _DELIMITER_ROW.match(row) is not None

    def _table(self) -> list[_Part]:
        parts: list[_Part] = []
        first = self._position
        while self._position < len(self._lines):
            line = self._lines[self._position]
            if self._position == first + 1:
                parts.append(line)
            elif not line.strip() or "|" not in line:
                break
            else:
                for number, cell in enumerate(cut_cells(line)):
                    is_text = number % 2 == 0 and cell.strip()
                    parts.append(parse_paragraph([("", cell)], self._labels, self._options) if is_text else cell)
            self._position += 1
        return parts

    def _html(self, content: str) -> list[_Part]:
        """A block of HTML: to the end of an element such as `pre`, or else to the next empty line."""
        special = _UNTIL_END_TAG.match(content)
        name = (special[1] or special[2]).lower() if special else ""
        end_mark = "-->" if name == "!--" else f"</{name}"
        lines: list[str] = []
        while self._position < len(self._lines):
            line = self._lines[self._position]
            if not special and not line.strip():
                break
            lines.append(line)
            self._position += 1
            if special and end_mark in line.lower():
                break
        parts = split_document(tokenize("".join(lines)), HTML, self._options)
        return [part if isinstance(part, str) else build_block(part, Escaping.HTML) for part in parts]

    def _flush(self) -> Iterator[_Part]:
        """The paragraph that ends here."""
        lines, self._paragraph = self._paragraph, []
        return self._written(lines)

    def _written(self, lines: list[tuple[str, str]]) -> Iterator[_Part]:
        """A paragraph, given the prefix and the content of each line."""
        if lines:
            prefix, content = lines[-1]
            end = content[len(content.rstrip()) :]
            lines[-1] = (prefix, content.removesuffix(end))
            yield lines[0][0]
            yield parse_paragraph([("", lines[0][1]), *lines[1:]], self._labels, self._options)
            yield end
