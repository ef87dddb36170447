"""Writes a block with the translations of its sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from regard.text.sentences import written_without_spaces
from regard.translation.markup.block import Block, Node, Tag
from regard.translation.markup.dialects import Role
from regard.translation.markup.entities import Escaping
from regard.translation.markup.layout import lay_out
from regard.translation.markup.sentence import TranslatedSentence
from regard.translation.markup.spacing import boundary_gap, boundary_spaces, with_line_breaks
from regard.translation.markup.target import TargetAtom, target_atoms

_WORD_TEXT, _WORD_TEXT_WITH_SPACES = "<w:t>", '<w:t xml:space="preserve">'
"""Word drops spaces at the ends of a text element unless an attribute says that they matter."""


_EMPHASIS = "\ufdd0\ufdd1*_~="
"""Characters of emphasis in Markdown; see `regard.translation.markup.markdown_inline`."""


def render_block(block: Block, translations: Sequence[TranslatedSentence | None]) -> str:
    """Writes a block, such as a paragraph, with translated words and the tags of the source.

    Args:
        block: The source text with its tags.
        translations: One per sentence of the block; None = the sentence stays as it is.

    Returns:
        The block as it is in the document if no sentence changes. Otherwise the translations, with every tag and every
        point (such as `<br>` or a placeholder) of the block exactly once. White space between two words is copied from
        the source if the source words aligned to them are also next to each other, with the same tags between them.
        Otherwise white space stands after end tags and before start tags. Plain text has as many line breaks as before.
    """
    pairs = zip(translations, block.sentences, strict=True)
    if all(translation is None or translation.text == sentence for translation, sentence in pairs):
        return block.raw
    targets = target_atoms(block, translations)
    writer = _Writer(block, targets)
    result: list[str] = []
    tags: list[Tag] = []
    for item in lay_out(block, targets):
        if isinstance(item, Tag):
            tags.append(item)
            continue
        result += writer.gap(item, tags)
        result.append(targets[item].raw)
        tags = []
    result += writer.gap(len(targets), tags)
    if block.escaping is Escaping.NONE:
        result = with_line_breaks(block, result)
    elif block.escaping is Escaping.MARKDOWN:
        result = _without_new_images(result)
    return "".join(result)


def _without_new_images(parts: Sequence[str]) -> list[str]:
    """Escapes an exclamation mark before a link, with which it would be an image, also if emphasis is between them."""
    result = list(parts)
    is_before_link = False
    for index in range(len(parts) - 1, -1, -1):
        part = parts[index]
        if is_before_link and part.endswith("!") and not part.endswith("\\!"):
            result[index] = f"{part[:-1]}\\!"
        if part.strip(_EMPHASIS):
            is_before_link = part.startswith("[")
    return result


class _Writer:
    """Writes the tags and the white space between the words of a translation.

    Args:
        block: The source text with its tags.
        targets: The words of the translation.
    """

    def __init__(self, block: Block, targets: Sequence[TargetAtom]) -> None:
        self._block, self._targets = block, targets
        self._spaces = boundary_spaces(block, targets)

    def gap(self, number: int, tags: Sequence[Tag]) -> Iterator[str]:
        """Writes the tags and the white space before a target word, or after the last.

        Args:
            number: Index of the target word, from 0; the number of target words for the place after the last.
            tags: The tags to write there, in order.

        Yields:
            Strings that, joined, are the text to write.
        """
        source = boundary_gap(self._block, self._targets, number)
        if source is not None and self._is_same_place(source, number, tags):
            yield from (self._written(item) for item in self._block.gaps[source])
            return
        if number == 0:
            yield _first_space(self._block.gaps[0])
        runs, points = _runs(tags)
        for index, run in enumerate(runs):
            left, right = points[index - 1] if index else None, points[index] if index < len(points) else None
            yield from self._run(run, self._space(number, left, right, run))
            if right is not None:
                yield right.opening
        if number == len(self._targets):
            yield _last_space(self._block.gaps[-1])

    def _is_same_place(self, source: int, number: int, tags: Sequence[Tag]) -> bool:
        block = self._block
        if 0 < source < len(block.atoms):
            if block.atoms[source].glued != self._targets[number].glued or not self._keeps_space(source, number):
                return False
            points = [tag.node for tag in tags if tag.node.role is Role.OPAQUE]
            if points and not (
                (points[0].spaced_left or self._follows_word(points[0], number))
                and (points[-1].spaced_right or self._precedes_word(points[-1], number))
            ):
                return False
        return [tag for tag in block.tags(source) if tag.raw] == tags

    def _keeps_space(self, source: int, number: int) -> bool:
        """Whether the white space of a gap of the source is right before a target word."""
        target, atoms = self._targets[number], self._block.atoms
        space = self._block.space(source)
        if target.space not in ("", " ") or (not space and atoms[source].sentence != atoms[source - 1].sentence):
            return False
        return self._spaces[number] in ("", " ", space)

    def _written(self, item: str | Tag) -> str:
        if isinstance(item, str):
            return item
        adds_spaces = not self._block.root.holds_text and not item.closing and item.raw == _WORD_TEXT
        return _WORD_TEXT_WITH_SPACES if adds_spaces else item.raw

    def _run(self, run: Sequence[Tag], space: str) -> Iterator[str]:
        slot = _space_position(run) if self._block.root.holds_text else 0
        yield from (self._written(tag) for tag in run[:slot])
        yield space
        yield from (self._written(tag) for tag in run[slot:])

    def _space(self, number: int, left: Node | None, right: Node | None, run: Sequence[Tag]) -> str:
        """The white space between a word or visible point and the next; None = a word, or the end of the block."""
        is_first, is_last = left is None and number == 0, right is None and number == len(self._targets)
        if is_first or is_last:
            return ""
        if left is None and right is None:
            joined_break = any(_joins_lines(tag.node) for tag in run)
            return "" if joined_break else self._spaces[number]
        if left is None and right is not None:
            return "" if self._follows_word(right, number) else self._space_before(number)
        if right is None and left is not None:
            return "" if self._precedes_word(left, number) else " "
        assert left is not None and right is not None
        return "" if not left.spaced_right and not right.spaced_left and left.start == right.start else " "

    def _space_before(self, number: int) -> str:
        return (self._spaces[number] if number < len(self._spaces) else "") or " "

    def _follows_word(self, point: Node, number: int) -> bool:
        """Whether a point follows the word before it without white space."""
        target = self._targets[number - 1]
        if point.spaced_left or not point.start:
            return False
        if written_without_spaces(target.text[-1:]):
            return True
        before = self._block.atoms[point.start - 1].text
        return point.start - 1 in target.sources and _join_alike(before[-1:], target.text[-1:])

    def _precedes_word(self, point: Node, number: int) -> bool:
        """Whether a point precedes the word after it without white space."""
        target, atoms = self._targets[number], self._block.atoms
        if point.spaced_right or point.start == len(atoms):
            return False
        if written_without_spaces(target.text[:1]):
            return True
        after = atoms[point.start]
        may_join = point.start in target.sources and (target.glued or not after.glued)
        return may_join and _join_alike(after.text[:1], target.text[:1])


def _join_alike(source: str, target: str) -> bool:
    """Whether a letter at the end of a word joins a placeholder only where the source has a letter there too."""
    return source.isalnum() or not target.isalnum()


def _first_space(gap: Sequence[str | Tag]) -> str:
    """The white space before the first tag of a gap."""
    space = ""
    for item in gap:
        if not isinstance(item, str):
            break
        space += item
    return space


def _last_space(gap: Sequence[str | Tag]) -> str:
    """The white space after the last tag of a gap."""
    space = ""
    for item in reversed(gap):
        if not isinstance(item, str):
            break
        space = item + space
    return space


def _runs(tags: Sequence[Tag]) -> tuple[list[list[Tag]], list[Node]]:
    """The visible points, and the tags before, between and after them."""
    runs: list[list[Tag]] = [[]]
    points: list[Node] = []
    for tag in tags:
        if tag.node.role is Role.OPAQUE:
            points.append(tag.node)
            runs.append([])
        else:
            runs[-1].append(tag)
    return runs, points


def _joins_lines(node: Node) -> bool:
    return node.role is Role.LINE_BREAK and not node.spaced_left and not node.spaced_right


def _space_position(run: Sequence[Tag]) -> int:
    """Where white space belongs among tags: after end tags and what follows the word directly, before start tags."""
    opened = {tag.node for tag in run if not tag.closing}
    position = max(
        (index for index, tag in enumerate(run, start=1) if tag.closing and tag.node not in opened), default=0
    )
    depth = 0
    for tag in run[position:]:
        node = tag.node
        begins_words = not node.is_point and node.start < node.end
        if not depth and (begins_words or node.spaced_left):
            break
        if not node.is_point and node.closing:
            depth += -1 if tag.closing else 1
        position += 1
    return position
