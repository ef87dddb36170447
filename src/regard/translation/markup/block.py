"""The content of a block, such as a paragraph: its words, its tree of inline elements, and the gaps between words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from regard.translation.markup.dialects import Role
from regard.translation.markup.entities import Escaping


@dataclass(slots=True, eq=False)
class Node:
    """An inline element of a block, or a point: something without words, such as `<br>`, a comment or a placeholder.

    An atom is a word, or a part of a word between tags. Atoms are counted from 0 in `Block.atoms`.

    Attributes:
        opening: Start tag, or all characters of a point; empty for an end tag without a start tag.
        closing: End tag; empty for a point or an element without an end tag.
        is_point: Whether this is a point.
        role: INLINE for an element. For a point: LINE_BREAK, OPAQUE if readers see the point (such as a placeholder),
            INVISIBLE otherwise.
        ordered: Name of a group of points, or empty. Points of the same group keep their order in the translation.
        holds_text: Whether the element may contain text directly.
        start: Index of the first atom within the node; for a point, index of the atom after the point.
        end: Index after the last atom within the node; equal to `start` if the node contains no atoms.
        children: The nodes within this node, in order.
        spaced_left: Whether there is white space, or nothing visible, before a point.
        spaced_right: Whether there is white space, or nothing visible, after a point.
    """

    opening: str
    closing: str = ""
    is_point: bool = False
    role: Role = Role.INLINE
    ordered: str = ""
    holds_text: bool = True
    start: int = 0
    end: int = 0
    children: list[Node] = field(default_factory=list)
    spaced_left: bool = True
    spaced_right: bool = True


class Tag(NamedTuple):
    """A start tag, an end tag, or a point among the words of a block.

    A point is something without words, such as `<br>`, a comment or a placeholder.

    Attributes:
        node: The element that the tag begins or ends, or the point.
        closing: Whether this is the end tag of the element.
    """

    node: Node
    closing: bool

    @property
    def raw(self) -> str:
        """The characters of this tag or point, as written in the document."""
        return self.node.closing if self.closing else self.node.opening


Gap = list[str | Tag]
"""What is between two atoms: white space as written in the document, and tags."""


@dataclass(slots=True)
class Atom:
    """A word, or a part of a word between tags or sentence boundaries.

    Attributes:
        text: The normalized text.
        raw: The text as written in the document.
        glued: Whether this atom and the atom before it are parts of one word.
        sentence: Number of the sentence in the block, from 0.
        word: Number of the word in the sentence, from 0.
        copied: Number, from 1, of the text such as `10 km` that is copied to the translation and of which this is a
            part; 0 = it is translated.
    """

    text: str
    raw: str
    glued: bool
    sentence: int = 0
    word: int = 0
    copied: int = 0


@dataclass(frozen=True, slots=True)
class Block:
    """The content of a paragraph, heading, table cell or other element that ends the sentences before and after it.

    An atom is a word, or a part of a word between tags or sentence boundaries. A gap is what stands between two atoms:
    white space, tags, and points (things without words, such as `<br>`).

    Attributes:
        raw: The characters of the block in the document.
        escaping: How special characters are written.
        atoms: The words and parts of words.
        gaps: One gap before each atom, and one after the last.
        root: A node above all inline elements and points of the block.
        sentences: The text of each sentence.
        depth: Nesting depth of the inline elements.
    """

    raw: str
    escaping: Escaping
    atoms: tuple[Atom, ...]
    gaps: tuple[Gap, ...]
    root: Node
    sentences: tuple[str, ...]
    depth: int

    def space(self, gap: int) -> str:
        """The white space in a gap as written in the document, without the tags.

        Args:
            gap: Index of the gap: 0 is before the first atom (word or part of a word), `len(atoms)` after the last.

        Returns:
            All white space of the gap joined; a single space if it has plain spaces only. In Markdown, the first line
            break if there is one.
        """
        spaces = [item for item in self.gaps[gap] if isinstance(item, str)]
        if self.escaping is Escaping.MARKDOWN and len(spaces) > 1:  # an empty line would end the paragraph
            with_break = next((space for space in spaces if "\n" in space), None)
            if with_break is not None:
                return with_break
        joined = "".join(spaces)
        return joined if joined.strip(" ") else joined[:1]

    def tags(self, gap: int) -> list[Tag]:
        """The tags in a gap between two words, and the points (such as `<br>`), without the white space.

        Args:
            gap: Index of the gap: 0 is before the first atom (word or part of a word), `len(atoms)` after the last.

        Returns:
            The tags and points in order.
        """
        return [item for item in self.gaps[gap] if isinstance(item, Tag)]


def walk(root: Node) -> Iterator[tuple[Node, int]]:
    """All nodes below a node, each after its parent, without recursion.

    Args:
        root: The node.

    Yields:
        Each node and its depth, 1 for children of `root`.
    """
    waiting = [(child, 1) for child in reversed(root.children)]
    while waiting:
        node, depth = waiting.pop()
        yield node, depth
        waiting += [(child, depth + 1) for child in reversed(node.children)]
