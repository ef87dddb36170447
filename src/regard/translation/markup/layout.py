"""Decides where each inline element, such as `<b>...</b>`, begins and ends among the words of a translation.

An element covers the smallest contiguous range of target words that contains all words aligned to its source words, and
the whole translation of each sentence that is wholly inside it. Nested elements stay nested, and elements next to each
other do not overlap: where the ranges of two overlap, each element keeps only the range with most of its own words and
none of the words of the other. So every tag is written exactly once, and the tree of elements is that of the source.
An element without aligned words is kept, but empty. Empty elements and points (something without words, such as `<br>`)
are placed after the translation of the word before them, or before the translation of the word after them.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from regard.translation.markup.block import Block, Node, Tag, walk
from regard.translation.markup.conflicts import best_cut, resolve_conflicts
from regard.translation.markup.dialects import Role
from regard.translation.markup.target import TargetAtom
from regard.values import Span

MAX_DEPTH = 500
"""Nesting depth of inline elements up to which the alignment is used; browsers stop at a similar depth."""


def lay_out(block: Block, targets: Sequence[TargetAtom]) -> list[Tag | int]:
    """Places the tags of a block, such as a paragraph, among the words of its translation.

    Args:
        block: The source text, with its inline elements and points (such as `<br>` or placeholders).
        targets: The words of the translation.

    Returns:
        The translation in order: a `Tag` per tag or point, and per target word its index in `targets`. Every tag and
        every word occurs exactly once.
    """
    layout = _Layout(block, targets)
    result: list[Tag | int] = []
    waiting: list[Tag | int | _Placed] = [_Placed(block.root, 0, len(targets))]
    while waiting:
        item = waiting.pop()
        if not isinstance(item, _Placed):
            result.append(item)
            continue
        result.append(Tag(item.node, False))
        waiting.append(Tag(item.node, True))
        waiting += reversed(list(layout.content(item)))
    return _restore_order([item for item in result if isinstance(item, int) or item.raw], block)


@dataclass(frozen=True, slots=True)
class _Placed:
    """A node and the target words that it covers, or the boundary between words where it is."""

    node: Node
    start: int
    end: int


class _Layout:
    """The target words aligned to each source word and element, by which the elements are placed."""

    def __init__(self, block: Block, targets: Sequence[TargetAtom]) -> None:
        self._block, self._targets = block, targets
        self._linked: list[list[int]] = [[] for _ in block.atoms]
        if block.depth <= MAX_DEPTH:
            for number, target in enumerate(targets):
                for source in target.sources:
                    self._linked[source].append(number)
        self._sentences = _sentence_ranges(targets, len(block.sentences))
        self._last_linked, self._next_linked = self._nearest_linked()
        self._bounds = self._node_bounds()
        self._can_hold_text = _nodes_that_can_hold_text(block.root)

    def content(self, parent: _Placed) -> Iterator[_Placed | int]:
        """The elements, points and target words directly within an element, in order.

        A point is something without words, such as `<br>` or a placeholder.

        Args:
            parent: The element, with the range of target words that it covers.

        Yields:
            A `_Placed` per element or point; for each target word directly within `parent`, the index of the word.
        """
        halves, inner = self._place_halves(parent)
        halved = {item.node for item in halves}
        children = [node for node in parent.node.children if node not in halved]
        elements = self._place_elements(children, inner)
        if not parent.node.holds_text:
            self._cover_all(elements, inner)
        placed = [*halves, *elements.values(), *self._place_points(children, elements, inner)]
        order = {node: number for number, node in enumerate(parent.node.children)}
        placed.sort(key=lambda item: (item.start, item.end > item.start, order[item.node]))
        position = parent.start
        for item in placed:
            yield from range(position, item.start)
            yield item
            position = item.end
        yield from range(position, parent.end)

    def _place_halves(self, parent: _Placed) -> tuple[list[_Placed], _Placed]:
        """Places tags without a partner, and gives the range that is left for the other children.

        An end tag without a start tag belongs to an element that began before the parent's content, and ends before
        all other children begin. A start tag without an end tag begins an element that ends with the parent.
        """
        children = parent.node.children
        start, end = parent.start, parent.end
        first = children[0] if children and not children[0].is_point and not children[0].opening else None
        last = children[-1] if children and not children[-1].is_point and not children[-1].closing else None
        halves = []
        if first is not None:
            start = self._end_of_first(first, parent)
            halves.append(_Placed(first, parent.start, start))
        if last is not None:
            end = max(start, self._start_of_last(last, parent))
            halves.append(_Placed(last, end, parent.end))
        return halves, _Placed(parent.node, start, end)

    def _end_of_first(self, first: Node, parent: _Placed) -> int:
        if first.end == parent.node.end:
            return parent.end
        span = self._bounds.get(first)
        if span is None:
            return parent.start
        others = [node for node in parent.node.children if node is not first and node in self._bounds]
        end = span[1]
        if any(self._bounds[node][0] < end for node in others):
            after = [target for node in others for target in self._positions(node, parent)]
            end = best_cut(self._positions(first, parent), after) or parent.start
        return min(max(end, parent.start), parent.end)

    def _start_of_last(self, last: Node, parent: _Placed) -> int:
        if last.start == parent.node.start:
            return parent.start
        span = self._bounds.get(last)
        if span is None:
            return parent.end
        others = [node for node in parent.node.children if node is not last and node in self._bounds]
        start = span[0]
        if any(self._bounds[node][1] > start for node in others):
            before = [-target for node in others for target in self._positions(node, parent)]
            cut = best_cut([-target for target in self._positions(last, parent)], before)
            start = parent.end if cut is None else 1 - cut
        return min(max(start, parent.start), parent.end)

    def _place_elements(self, children: Sequence[Node], parent: _Placed) -> dict[Node, _Placed]:
        """The ranges of the elements with aligned words."""
        elements = [node for node in children if node in self._bounds]
        ranges: list[Span | None] = [self._bounds[node] for node in elements]
        edges = [edge for span in sorted(span for span in ranges if span) for edge in span]
        if edges and (edges != sorted(edges) or edges[0] < parent.start or edges[-1] > parent.end):
            ranges = resolve_conflicts([self._positions(node, parent) for node in elements])
        return {node: _Placed(node, *span) for node, span in zip(elements, ranges, strict=True) if span is not None}

    def _positions(self, node: Node, parent: _Placed) -> list[int]:
        """The target words aligned to an element, as far as the parent covers them."""
        return [
            target
            for source in range(node.start, node.end)
            for target in self._linked[source]
            if parent.start <= target < parent.end
        ]

    def _cover_all(self, elements: dict[Node, _Placed], parent: _Placed) -> None:
        """Extends elements so that no word is directly in a parent that cannot contain text.

        Words between two elements go to the one with less formatting.
        """
        if parent.start == parent.end:
            return
        placed = sorted((item for node, item in elements.items() if node in self._can_hold_text), key=_start)
        if not placed:
            node = next((node for node in parent.node.children if node in self._can_hold_text), None)
            if node is not None:
                elements[node] = _Placed(node, parent.start, parent.end)
            return
        edges = [parent.start]
        for item, following in pairwise(placed):
            takes_words = len(_formatting(item.node)) <= len(_formatting(following.node))
            edges.append(following.start if takes_words else item.end)
        edges.append(parent.end)
        for item, start, end in zip(placed, edges, edges[1:], strict=False):
            elements[item.node] = _Placed(item.node, start, end)

    def _place_points(
        self, children: Sequence[Node], elements: Mapping[Node, _Placed], parent: _Placed
    ) -> Iterator[_Placed]:
        """Boundaries for points and for elements without aligned words, outside the elements next to them."""
        ranges = sorted(elements.values(), key=_start)
        starts = [item.start for item in ranges]
        order = {node: number for number, node in enumerate(children)} if ranges else {}
        points = [node for node in children if node not in elements]
        boundaries = []
        for node in points:
            boundary = min(max(self._boundary(node, parent), parent.start), parent.end)
            index = bisect_left(starts, boundary) - 1
            if index >= 0 and boundary < ranges[index].end:
                sibling = ranges[index]
                boundary = sibling.end if order[sibling.node] < order[node] else sibling.start
            boundaries.append(boundary)
        for node, boundary in zip(points, boundaries, strict=True):
            yield _Placed(node, boundary, boundary)

    def _boundary(self, node: Node, parent: _Placed) -> int:
        """The boundary between target words that corresponds to the place of a node in the source."""
        before, after = node.start - 1, node.end
        has_before, has_after = node.start > parent.node.start, node.end < parent.node.end
        atoms = self._block.atoms
        if has_before and has_after and atoms[before].sentence != atoms[after].sentence:
            return self._sentences[atoms[before].sentence][1]
        left = self._last_linked[before] if has_before else -1
        right = self._next_linked[after] if has_after else -1
        left = left if left >= parent.node.start else -1
        right = right if right < parent.node.end else -1
        if has_before and has_after:
            return self._between(node, left, right)
        moves = node.role is Role.OPAQUE or node.start < node.end
        if has_after:
            return self._linked[right][0] if moves and right >= 0 else parent.start
        if has_before:
            return self._linked[left][-1] + 1 if moves and left >= 0 else parent.end
        return parent.start

    def _between(self, node: Node, left: int, right: int) -> int:
        """The boundary for a node between the source words `left` and `right`; -1 = no word there is aligned."""
        if left < 0 and right < 0:
            return self._sentences[self._block.atoms[node.start - 1].sentence][1]
        is_left, is_right = left == node.start - 1, right == node.end
        prefers_right = is_right and node.spaced_left and not node.spaced_right
        if left < 0 or (is_right and not is_left) or (prefers_right and is_right):
            return self._linked[right][0]
        return self._linked[left][-1] + 1

    def _nearest_linked(self) -> tuple[list[int], list[int]]:
        """The nearest aligned atom of the same sentence, up to and from each atom; -1 if there is none."""
        atoms = self._block.atoms

        def nearest(order: Sequence[int]) -> list[int]:
            result, last = [-1] * len(atoms), -1
            for index in order:
                if self._linked[index]:
                    last = index
                elif last >= 0 and atoms[last].sentence != atoms[index].sentence:
                    last = -1
                result[index] = last
            return result

        indices = range(len(atoms))
        return nearest(indices), nearest(indices[::-1])

    def _node_bounds(self) -> dict[Node, Span]:
        """The smallest range of target words for each element with aligned words.

        An element that contains all of a sentence covers all of its translation, even words without alignment.
        """
        bounds: dict[Node, Span] = {}
        whole = self._whole_sentences()
        for node, _ in reversed(list(walk(self._block.root))):
            if node.start == node.end:
                continue
            spans = [bounds[child] for child in node.children if child in bounds]
            spans += [
                (self._linked[index][0], self._linked[index][-1] + 1)
                for index in _direct_atoms(node)
                if self._linked[index]
            ]
            spans += whole(node)
            if spans:
                bounds[node] = (min(start for start, _ in spans), max(end for _, end in spans))
        return bounds

    def _whole_sentences(self) -> Callable[[Node], list[Span]]:
        """A function that gives the target ranges of the first and the last whole sentence within an element."""
        firsts = _sentence_starts(self._block)
        translated = [number for number, (start, end) in enumerate(self._sentences) if start < end]

        def spans(node: Node) -> list[Span]:
            first, last = bisect_left(firsts, node.start), bisect_right(firsts, node.end) - 1
            inner = translated[bisect_left(translated, first) : bisect_left(translated, last)]
            return [self._sentences[number] for number in (*inner[:1], *inner[-1:])]

        return spans


def _restore_order(sequence: list[Tag | int], block: Block) -> list[Tag | int]:
    """Exchanges line breaks, and placeholders without number or name, until they are in the order of the source."""
    rank = {node: number for number, (node, _) in enumerate(walk(block.root)) if node.ordered}
    places: dict[str, list[int]] = {}
    for index, item in enumerate(sequence):
        if isinstance(item, Tag) and item.node.ordered:
            places.setdefault(item.node.ordered, []).append(index)
    for indices in places.values():
        tags = [item for item in (sequence[index] for index in indices) if isinstance(item, Tag)]
        for index, tag in zip(indices, sorted(tags, key=lambda tag: rank[tag.node]), strict=True):
            sequence[index] = tag
    return sequence


def _sentence_starts(block: Block) -> list[int]:
    """The first atom of each sentence, and the number of atoms."""
    starts = [
        index for index, atom in enumerate(block.atoms) if not index or block.atoms[index - 1].sentence != atom.sentence
    ]
    return [*starts, len(block.atoms)]


def _sentence_ranges(targets: Sequence[TargetAtom], num_sentences: int) -> list[Span]:
    ends = [0] * num_sentences
    for number, target in enumerate(targets, start=1):
        ends[target.sentence] = number
    ranges, start = [], 0
    for end in ends:
        end = max(start, end)
        ranges.append((start, end))
        start = end
    return ranges


def _direct_atoms(node: Node) -> Iterator[int]:
    """The atoms within a node but not within its children."""
    position = node.start
    for child in node.children:
        yield from range(position, child.start)
        position = max(position, child.end)
    yield from range(position, node.end)


def _nodes_that_can_hold_text(root: Node) -> set[Node]:
    result: set[Node] = set()
    for node, _ in reversed(list(walk(root))):
        if not node.is_point and (node.holds_text or any(child in result for child in node.children)):
            result.add(node)
    return result


def _formatting(node: Node) -> str:
    """The tags that describe how the text of an element appears."""
    return node.opening + "".join(child.opening for child in node.children if child.role is Role.INVISIBLE)


def _start(item: _Placed) -> int:
    return item.start
