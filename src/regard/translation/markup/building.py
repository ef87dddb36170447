"""Builds a block, such as a paragraph, from its texts and tags: cuts words, joins their parts, nests the elements."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from regard.text.normalize import replace_blanks
from regard.text.sentences import written_without_spaces
from regard.translation.markup.block import Block, Gap, Node, Tag, walk
from regard.translation.markup.dialects import Role
from regard.translation.markup.entities import Escaping, SpelledText
from regard.translation.markup.open_elements import OpenElements
from regard.translation.markup.pieces import Piece, PieceKind, without_stand_in
from regard.translation.markup.stand_ins import BRACKETS
from regard.translation.markup.word_numbers import Fragment, number_words

_FRAGMENT = re.compile(" +|[^ ]+")
_NOT_A_WORD = " \u200b"
"""Characters that normalization removes from a text that contains nothing else."""
_CLOSING_MARKS = re.compile(r"[,.;:!?…)\]}»”’\"'،؛؟。，、！？：；）」』】]+")
_ENDS_SENTENCE = re.compile("[.!?…。！？؟]")


def build_block(pieces: Sequence[Piece], escaping: Escaping, *, bare_text: bool = True) -> Block:
    """Builds a block, such as a paragraph, from its pieces: finds its words, sentences and inline elements.

    Args:
        pieces: The texts, inline tags and points (such as `<br>` or placeholders) of the block, in order.
        escaping: How special characters are written.
        bare_text: Whether text may be in the block without an inline element around it.

    Returns:
        The block; without sentences if it contains no words.
    """
    block = _build(pieces, escaping, bare_text)
    if _has_clear_stand_ins(block):
        return block
    return _build(list(map(without_stand_in, pieces)), escaping, bare_text)


def _has_clear_stand_ins(block: Block) -> bool:
    """Whether each stand-in of a placeholder is alone in its word, and its text is not elsewhere in its sentence."""
    stand_ins = [atom for atom in block.atoms if atom.copied and atom.text not in atom.raw]
    places = {(atom.sentence, atom.word) for atom in stand_ins}
    texts = Counter((atom.sentence, atom.text) for atom in stand_ins)
    is_unique = all(block.sentences[number].count(text) == count for (number, text), count in texts.items())
    return len(places) == len(stand_ins) and is_unique


def _build(pieces: Sequence[Piece], escaping: Escaping, bare_text: bool) -> Block:
    raw = "".join(piece.raw for piece in pieces)
    builder = _Builder()
    builder.root.holds_text = bare_text
    for piece in _with_brackets(pieces):
        builder.add(piece)
    builder.finish()
    words = number_words(builder.fragments, builder.breaks)
    gaps: list[Gap] = [[] for _ in range(len(words.atoms) + 1)]
    for position, gap in zip(words.positions, builder.gaps, strict=True):
        gaps[position] = gap
    depth = 0
    for node, node_depth in walk(builder.root):
        node.start, node.end = words.positions[node.start], words.positions[node.end]
        depth = max(depth, node_depth)
    builder.root.end = len(words.atoms)
    return Block(raw, escaping, tuple(words.atoms), tuple(gaps), builder.root, tuple(words.sentences), depth)


class _Builder:
    """Cuts the pieces of a block (texts, tags, points) into words and nests the elements: the state of one pass.

    Attributes:
        fragments: The words and parts of words so far.
        gaps: The white space and tags before each fragment, and those after the last.
        root: The node above all inline elements and points.
        breaks: Indices of fragments that begin a sentence even without punctuation before them.
    """

    def __init__(self) -> None:
        self.fragments: list[Fragment] = []
        self.gaps: list[Gap] = [[]]
        self.root = Node("")
        self.breaks: set[int] = set()
        self._elements = OpenElements[Node]()
        self._num_copied = 0
        self._spaced = True  # white space, or nothing at all, between the last visible piece and this position
        self._separator: Node | None = None  # the last visible point or line break since the last fragment
        self._unspaced: list[Node] = []  # nodes after which neither white space nor anything visible has come yet

    def add(self, piece: Piece) -> None:
        """Adds the words of a text, a tag, or a point (such as `<br>`) to the block.

        Args:
            piece: The text, tag or point that comes next in the document.
        """
        if piece.kind is PieceKind.TEXT:
            self._num_copied += piece.copied
            self._add_text(piece.text, self._num_copied if piece.copied else 0)
        elif piece.kind is PieceKind.OPEN:
            here = len(self.fragments)
            node = Node(piece.raw, holds_text=piece.holds_text, start=here, spaced_left=self._spaced)
            self._parent.children.append(node)
            self._elements.open(piece.name, node)
            self.gaps[-1].append(Tag(node, False))
        elif piece.kind is PieceKind.CLOSE:
            self._close(piece)
        else:
            self._add_point(piece.raw, piece.role, piece.ordered)

    def finish(self) -> None:
        """Ends the elements that have no end tag."""
        for node in [*self._elements.close_all(), self.root]:
            node.end = len(self.fragments)
        self._mark_space()

    @property
    def _parent(self) -> Node:
        return self._elements.innermost(self.root)

    def _close(self, piece: Piece) -> None:
        closed = self._elements.close(piece.name)
        for node in closed:
            node.end = len(self.fragments)
        if closed:
            node = closed[-1]
            node.closing = piece.raw
        else:  # an end tag without a start tag: an element that began with its parent
            parent = self._parent
            node = Node("", piece.raw, start=parent.start, end=len(self.fragments), holds_text=parent.holds_text)
            node.children, parent.children = parent.children, [node]
        self.gaps[-1].append(Tag(node, True))
        if node.start == node.end:
            node.spaced_right = False
            self._unspaced.append(node)

    def _add_point(self, raw: str, role: Role, ordered: str = "") -> None:
        here = len(self.fragments)
        node = Node(raw, is_point=True, role=role, ordered=ordered, start=here, end=here)
        node.spaced_left, node.spaced_right = self._spaced, False
        self._parent.children.append(node)
        self.gaps[-1].append(Tag(node, False))
        if role is not Role.INVISIBLE:
            if role is Role.LINE_BREAK and self._separator and self._separator.role is Role.LINE_BREAK:
                self.breaks.add(here)
            self._separator, self._spaced = node, False
            self._unspaced.clear()
        self._unspaced.append(node)

    def _add_text(self, text: SpelledText, copied: int) -> None:
        blanked = replace_blanks(text.text)
        for match in _FRAGMENT.finditer(blanked):
            if match[0].strip(_NOT_A_WORD):
                self._add_fragment(match[0], text.part(*match.span()), copied)
                continue
            self.gaps[-1].append(text.spelling(*match.span()))
            if match[0].startswith(" "):
                self._mark_space()

    def _mark_space(self) -> None:
        self._spaced = True
        for node in self._unspaced:
            node.spaced_right = True
        self._unspaced.clear()

    def _add_fragment(self, content: str, text: SpelledText, copied: int) -> None:
        separator, glued = self._separator, False
        if not self._spaced and self.fragments:
            glued = separator is None or self._unspaced_script(content)
        if separator and separator.role is Role.OPAQUE and not self._spaced and _CLOSING_MARKS.fullmatch(content):
            if not self.fragments or _CLOSING_MARKS.fullmatch(self.fragments[-1].text.text[-1]):
                self._extend(separator, text)
                return
            glued = True
        self.fragments.append(Fragment(text, glued, copied))
        self.gaps.append([])
        self._unspaced.clear()
        self._spaced, self._separator = False, None

    def _unspaced_script(self, content: str) -> bool:
        return written_without_spaces(self.fragments[-1].text.text[-1]) or written_without_spaces(content[0])

    def _extend(self, point: Node, text: SpelledText) -> None:
        """Adds punctuation to a point, because there is no word before the point that the punctuation could end."""
        last = self.gaps[-1][-1]
        if isinstance(last, Tag) and last.node is point:
            point.opening += text.raw
        else:
            self._add_point(text.raw, Role.OPAQUE)
        if _ENDS_SENTENCE.search(text.text):
            self.breaks.add(len(self.fragments))


def _with_brackets(pieces: Sequence[Piece]) -> list[Piece]:
    """Joins a placeholder with the brackets or quotation marks directly around it."""
    result = list(pieces)
    for index in range(1, len(result) - 1):
        before, point, after = result[index - 1 : index + 2]
        if point.kind is not PieceKind.POINT or point.role is not Role.OPAQUE:
            continue
        size = _num_brackets(before.text.text, after.text.text)
        if size:
            left, right = before.text, after.text
            inner = len(left.text) - size
            raw = left.spelling(inner, len(left.text)) + point.raw + right.spelling(0, size)
            result[index] = replace(point, raw=raw)
            result[index - 1] = replace(before, text=left.part(0, inner))
            result[index + 1] = replace(after, text=right.part(size, len(right.text)))
    return result


def _num_brackets(left: str, right: str) -> int:
    """Number of pairs of brackets or quotation marks around what is between two texts."""
    size = 0
    while size < min(len(left), len(right)) and BRACKETS.get(left[-1 - size]) == right[size]:
        size += 1
    return size
