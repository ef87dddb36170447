"""Cuts a document into raw strings and blocks (such as paragraphs) of text, inline tags and points (such as `<br>`)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import accumulate

from regard.text.normalize import replace_blanks
from regard.translation.markup.dialects import Dialect, Role
from regard.translation.markup.entities import SpelledText, decode
from regard.translation.markup.markup_options import DEFAULT_MARKUP, MarkupOptions
from regard.translation.markup.open_elements import OpenElements
from regard.translation.markup.placeholders import MESSAGE_MARK, find_placeholders, is_percentage, is_positional
from regard.translation.markup.plain import PlainLine, plain_line
from regard.translation.markup.quantities import find_quantities
from regard.translation.markup.stand_ins import with_brackets
from regard.translation.markup.tokens import Token, TokenKind
from regard.values import Span


class PieceKind(Enum):
    """The kinds of pieces of a block (such as a paragraph): text, inline tags, and points, which have no words."""

    TEXT = "text to be translated"
    OPEN = "start tag of an inline element"
    CLOSE = "end tag of an inline element"
    POINT = "something without words to translate: a void element, a comment, a protected element, a placeholder"


_NO_TEXT = SpelledText("", "")


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a block (such as a paragraph): text, an inline tag, or a point.

    A point is something without words to translate, such as `<br>`, a comment or a placeholder.

    Attributes:
        kind: Whether the piece is text, a start tag, an end tag or a point.
        raw: The characters of the piece in the document.
        name: Name of the element, for tags.
        ordered: Group of a point, such as `line break`: points of the same group keep their order in the translation.
            Empty if the order of the point does not matter.
        role: For a point: LINE_BREAK, OPAQUE if readers see the point (such as a placeholder), INVISIBLE otherwise. For
            other pieces: INLINE.
        text: Decoded text, if the kind is TEXT.
        holds_text: Whether the element may contain text directly, if the kind is OPEN.
        copied: Whether the text, such as `10 km`, is read by the model but written as in the source.
    """

    kind: PieceKind
    raw: str
    name: str = ""
    ordered: str = ""
    role: Role = Role.INLINE
    text: SpelledText = _NO_TEXT
    holds_text: bool = True
    copied: bool = False


_LINE = re.compile(r"[^\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+|[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+")
"""A line, or line breaks."""
Part = str | list[Piece]
"""Raw characters of the document, or the pieces of a block, such as a paragraph."""


def split_document(tokens: Sequence[Token], dialect: Dialect, options: MarkupOptions = DEFAULT_MARKUP) -> list[Part]:
    """Cuts a document into the contents of blocks, such as paragraphs, and what is between them.

    Args:
        tokens: The tags, texts and comments of the document, in order.
        dialect: The rules of the format, such as HTML.
        options: What is translated and what is not.

    Returns:
        The parts in order: a list of pieces per block, and a string for what is between two blocks. Joined, the raw
        characters of all parts are the document.
    """
    splitter = _Splitter(tokens, dialect, options)
    position = 0
    while position < len(tokens):
        position = splitter.take(position)
    splitter.flush()
    return splitter.parts


def split_plain(text: str, options: MarkupOptions = DEFAULT_MARKUP) -> list[Part | PlainLine]:
    """Cuts plain text into lines, each of which is translated as a paragraph.

    Args:
        text: The text.
        options: What is translated and what is not.

    Returns:
        The lines and what is between them, in order. A line is a list of pieces if it has placeholders such as `{name}`
        or web addresses, which must not be translated, or if normalization changes it; else a `PlainLine`. Line breaks
        and empty lines are strings.
    """
    parts: list[Part | PlainLine] = []
    for line in _LINE.findall(text):
        if line.strip():
            parts.append(plain_line(line, options) or text_pieces(SpelledText(line, line), options))
        else:
            parts.append(line)
    return parts


def text_pieces(text: SpelledText, options: MarkupOptions = DEFAULT_MARKUP) -> list[Piece]:
    """Cuts text into placeholders, such as `{name}`, `%s` or web addresses, and what is between them.

    Args:
        text: Text between tags.
        options: What is translated and what is not.

    Returns:
        The pieces in order: one per placeholder, and the text between them. A placeholder is a point, which has no
        words to translate, or a text if the model reads a name or number in its place. Empty pieces are left out.
    """
    pieces: list[Piece] = []
    start = 0
    blanked = replace_blanks(text.text)
    spans = list(find_placeholders(blanked, options.keep))
    stand_ins = options.stand_ins.choose(blanked, spans)
    indices = range(len(spans))
    spans = [_with_brackets(blanked, spans, number) if number in stand_ins else spans[number] for number in indices]
    for number, (begin, end) in enumerate(spans):
        if start < begin:
            pieces += _text_with_quantities(text.part(start, begin))
        pieces.append(_placeholder(text.spelling(begin, end), text.text[begin:end], stand_ins.get(number)))
        start = end
    if start < len(text.text):
        pieces += _text_with_quantities(text.part(start, len(text.text)) if start else text)
    return pieces


def _with_brackets(text: str, spans: Sequence[Span], number: int) -> Span:
    """A placeholder with the brackets directly around it, unless another placeholder may have the same ones."""
    start, end = with_brackets(text, spans[number])
    size = spans[number][0] - start
    before = spans[number - 1][1] if number else -size
    after = spans[number + 1][0] if number + 1 < len(spans) else len(text) + size
    return (start, end) if before + size <= start and end + size <= after else spans[number]


def _placeholder(raw: str, placeholder: str, stand_in: str | None) -> Piece:
    """A placeholder as a point or, with a stand-in, as text: the model then reads the stand-in in its place."""
    if stand_in is None and is_percentage(placeholder):
        stand_in = placeholder.replace("%%", "%")
    if stand_in is not None:
        offsets = (0, *[len(raw)] * len(stand_in))
        return _text_piece(SpelledText(stand_in, raw, offsets), copied=True)
    ordered = "placeholder" if is_positional(placeholder) else ""
    return Piece(PieceKind.POINT, raw, role=Role.OPAQUE, ordered=ordered)


def without_stand_in(piece: Piece) -> Piece:
    """Removes the stand-in of a placeholder: the name or number that the model would read in its place.

    Args:
        piece: Any piece.

    Returns:
        For a placeholder with a stand-in, a point, which has no words to translate and which the model does not read;
        any other piece as it is.
    """
    if not piece.copied or piece.text.text in piece.raw:
        return piece
    ordered = "placeholder" if is_positional(piece.raw) else ""
    return Piece(PieceKind.POINT, piece.raw, role=Role.OPAQUE, ordered=ordered)


def _text_with_quantities(text: SpelledText) -> Iterator[Piece]:
    start = 0
    for begin, end in find_quantities(replace_blanks(text.text)):
        if start < begin:
            yield _text_piece(text.part(start, begin))
        yield _text_piece(text.part(begin, end), copied=True)
        start = end
    if start < len(text.text):
        yield _text_piece(text.part(start, len(text.text)) if start else text)


def _text_piece(text: SpelledText, *, copied: bool = False) -> Piece:
    return Piece(PieceKind.TEXT, text.raw, text=text, copied=copied)


class _Splitter:
    """Cuts the tokens of a document into blocks and raw parts: the state of the pass over the tokens.

    Args:
        tokens: The tags, texts and comments of the document, in order.
        dialect: The format.
        options: What is translated and what is not.

    Attributes:
        parts: The finished parts: a list of pieces per block, and raw characters between blocks.
    """

    def __init__(self, tokens: Sequence[Token], dialect: Dialect, options: MarkupOptions) -> None:
        self.parts: list[Part] = []
        self._tokens, self._dialect, self._options = tokens, dialect, options
        self._content: list[Piece] = []
        self._roles = _mixed_content_roles(tokens) if dialect.mixed_content else None
        self._ends = _matching_ends(tokens)
        self._holds_text = _within_text_elements(tokens, dialect.text_elements)
        self._num_texts = list(accumulate(token.name in dialect.text_elements for token in tokens))

    def take(self, position: int) -> int:
        """Adds the next tag, text, comment or protected element to the current block, or ends the block.

        Args:
            position: Index of the first token to read.

        Returns:
            Index of the first token that was not read.
        """
        token = self._tokens[position]
        if token.kind is TokenKind.TEXT:
            self._take_text(position, token)
            return position + 1
        if position == len(self._tokens) - 1 and _is_incomplete(token):
            self.flush()  # it extends to the end of the document, so nothing may follow it
            self.parts.append(token.raw)
            return position + 1
        if token.kind in (TokenKind.COMMENT, TokenKind.RAW):
            visible = self._dialect.xml and token.raw.startswith("<![CDATA[")
            self._point(token.raw, Role.OPAQUE if visible else Role.INVISIBLE)
            return position + 1
        role = self._role(position, token)
        if token.kind is TokenKind.CLOSE:
            self._take_end_tag(token, role)
            return position + 1
        return self._take_element(position, token, role)

    def flush(self) -> None:
        """Ends the current block and appends its pieces to `parts`, as raw characters if there is no text in them."""
        if any(map(_is_translated, self._content)):
            self.parts.append(self._content)
        elif self._content:
            self.parts.append("".join(piece.raw for piece in self._content))
        self._content = []

    def _role(self, position: int, token: Token) -> Role:
        role = self._dialect.role(token)
        if role is Role.OPAQUE and self._dialect.text_elements and self._contains_text(position, token):
            return Role.BLOCK
        if self._roles is None or self._roles[position] is Role.INLINE:
            return role
        return Role.BLOCK if role is Role.INLINE else Role.BLOCK_OPAQUE

    def _contains_text(self, position: int, token: Token) -> bool:
        """Whether text elements are within an element, given its start tag; True for an end tag on its own."""
        if token.kind is not TokenKind.OPEN:
            return token.kind is TokenKind.CLOSE
        end = self._ends.get(position, len(self._tokens) - 1)
        return self._num_texts[end] > self._num_texts[position]

    def _take_text(self, position: int, token: Token) -> None:
        if self._dialect.text_elements and not self._holds_text[position]:
            self._point(token.raw, Role.INVISIBLE)
            return
        is_cut_off = position == len(self._tokens) - 1 and _is_incomplete(token)
        raw = token.raw[:-2] if is_cut_off else token.raw
        self._content += text_pieces(decode(raw, self._dialect.escaping), self._options)
        if is_cut_off:  # before other text, it would begin a comment
            self.flush()
            self.parts.append("</")

    def _take_end_tag(self, token: Token, role: Role) -> None:
        if role in (Role.BLOCK, Role.BLOCK_OPAQUE):
            self.flush()
            self.parts.append(token.raw)
        elif role is Role.INLINE:
            self._content.append(Piece(PieceKind.CLOSE, token.raw, token.name))
        else:
            self._point(token.raw, Role.INVISIBLE)

    def _take_element(self, position: int, token: Token, role: Role) -> int:
        if role is Role.BLOCK:
            self.flush()
            self.parts.append(token.raw)
            return position + 1
        if role is Role.INLINE and token.kind is TokenKind.OPEN:
            elements = self._dialect.text_elements
            holds_text = not elements or token.name in elements
            self._content.append(Piece(PieceKind.OPEN, token.raw, token.name, holds_text=holds_text))
            return position + 1
        end = self._element_end(position, token)
        raw = "".join(token.raw for token in self._tokens[position:end])
        if role is Role.BLOCK_OPAQUE or (end == len(self._tokens) and _is_incomplete(self._tokens[-1])):
            self.flush()
            self.parts.append(raw)
        else:
            ordered = "range" if token.name in self._dialect.ordered else ""
            self._point(raw, Role.INVISIBLE if role is Role.INLINE else role, ordered)
        return end

    def _element_end(self, position: int, token: Token) -> int:
        """Position after an element that is not translated."""
        if token.kind is TokenKind.EMPTY:
            return position + 1
        end = self._ends.get(position)
        if end is not None:
            return end + 1
        # Without an end tag, the element ends where the next block begins or its parent ends.
        for end in range(position + 1, len(self._tokens)):
            following = self._tokens[end]
            if following.name and self._role(end, following) in (Role.BLOCK, Role.BLOCK_OPAQUE):
                return end
        return len(self._tokens)

    def _point(self, raw: str, role: Role, ordered: str = "") -> None:
        if role is Role.LINE_BREAK:
            ordered = "line break"
        self._content.append(Piece(PieceKind.POINT, raw, role=role, ordered=ordered))


def _is_incomplete(token: Token) -> bool:
    """Whether a comment, declaration or tag at the end of a document has no end, or whether `</` is there."""
    if token.kind is not TokenKind.COMMENT:
        return token.kind is TokenKind.TEXT and token.raw.endswith("</")
    ends = {"<!--": ("-->", "--!>"), "<![C": ("]]>",)}.get(token.raw[:4], (">",))
    return not token.raw.endswith(ends)


def _is_translated(piece: Piece) -> bool:
    """Whether a piece contains text, or is a mark for a text within this one; see `translation.markup.embedded`."""
    if piece.kind is PieceKind.TEXT:
        return bool(piece.text.text.strip())
    return piece.kind is PieceKind.POINT and piece.raw[:1] == MESSAGE_MARK


def _within_text_elements(tokens: Sequence[Token], names: frozenset[str]) -> list[bool]:
    """Whether each token is directly within an element of these names."""
    if not names:
        return []
    open_elements = OpenElements[bool]()
    result = []
    for token in tokens:
        result.append(open_elements.innermost(False))
        if token.kind is TokenKind.OPEN:
            open_elements.open(token.name, token.name in names)
        elif token.kind is TokenKind.CLOSE:
            open_elements.close(token.name)
    return result


def _matching_ends(tokens: Sequence[Token]) -> dict[int, int]:
    """Position of the end tag of each element that has one; elements of different names may overlap."""
    ends: dict[int, int] = {}
    unclosed: dict[str, list[int]] = {}
    for position, token in enumerate(tokens):
        if token.kind is TokenKind.OPEN:
            unclosed.setdefault(token.name, []).append(position)
        elif token.kind is TokenKind.CLOSE and unclosed.get(token.name):
            ends[unclosed[token.name].pop()] = position
    return ends


def _mixed_content_roles(tokens: Sequence[Token]) -> list[Role]:
    """INLINE for each tag of an element with an ancestor that contains text directly, BLOCK for all others."""
    parents, has_text = [0], [False]  # element 0 is the document
    open_elements = OpenElements[int]()
    owners: list[tuple[int, bool]] = []  # element of each token, and whether the token is a stray end tag
    for token in tokens:
        parent = element = open_elements.innermost(0)
        stray = False
        if token.kind in (TokenKind.OPEN, TokenKind.EMPTY):
            element = len(parents)
            parents.append(parent)
            has_text.append(False)
            if token.kind is TokenKind.OPEN:
                open_elements.open(token.name, element)
        elif token.kind is TokenKind.CLOSE:
            closed = open_elements.close(token.name)
            element, stray = (closed[-1], False) if closed else (parent, True)
        elif token.kind is TokenKind.TEXT and token.raw.strip():
            has_text[parent] = True
        owners.append((element, stray))
    inline = [False] * len(parents)
    for element in range(1, len(parents)):  # parents precede their children
        inline[element] = inline[parents[element]] or has_text[parents[element]]
    return [
        Role.INLINE if inline[element] or (stray and has_text[element]) else Role.BLOCK for element, stray in owners
    ]
