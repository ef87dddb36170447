"""The content of a block: its words, its tree of inline elements, and what is between the words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from regard.markup.dialects import Role
from regard.markup.entities import Escaping


@dataclass(slots=True, eq=False)
class Node:
    """An inline element, or a point: something in a sentence without words, such as `<br>` or a placeholder.

    Attributes:
        opening: Start tag, or all characters of a point; empty for an end tag without a start tag.
        closing: End tag; empty for a point or an element without an end tag.
        is_point: Whether this is a point.
        role: OPAQUE for a visible point, LINE_BREAK, INVISIBLE for other points; INLINE for an element.
        ordered: Points with the same value, unless it is empty, keep their order.
        holds_text: Whether the element may contain text directly.
        start: First atom within the node; for a point, the atom after it.
        end: End of the atoms within the node; equal to `start` if there are none.
        children: The nodes within it, in order.
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
    """A tag or a point at its place in a sequence.

    Attributes:
        node: The node.
        closing: Whether this is the end of the element.
    """

    node: Node
    closing: bool

    @property
    def raw(self) -> str:
        """The characters in the document."""
        return self.node.closing if self.closing else self.node.opening


Gap = list[str | Tag]
"""What is between two atoms: white space as written in the document, and tags."""


@dataclass(slots=True)
class Atom:
    """A word, or a part of a word between tags or sentence boundaries.

    Attributes:
        text: The normalized text.
        raw: How it is written in the document.
        glued: Whether it continues the word of the atom before it.
        sentence: Number of its sentence in the block.
        word: Number of its word in the sentence.
    """

    text: str
    raw: str
    glued: bool
    sentence: int = 0
    word: int = 0


@dataclass(frozen=True, slots=True)
class Block:
    """The content of a block.

    Attributes:
        raw: Its characters in the document.
        escaping: How special characters are written.
        atoms: The words and parts of words.
        gaps: One gap before each atom, and one after the last.
        root: A node that contains all others.
        sentences: The text of each sentence.
        depth: Largest number of elements within each other.
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
            gap: Number of the gap.

        Returns:
            All white space of the gap joined; a single space if it has plain spaces only.
        """
        joined = "".join(item for item in self.gaps[gap] if isinstance(item, str))
        return joined if joined.strip(" ") else joined[:1]

    def tags(self, gap: int) -> list[Tag]:
        """The tags and points in a gap, without the white space.

        Args:
            gap: Number of the gap.

        Returns:
            The tags in order.
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
