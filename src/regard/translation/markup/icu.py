"""ICU MessageFormat: the branches of plural and select arguments are translated, the skeleton stays as it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from regard.translation.markup.embedded import MESSAGES, Embedded, EmbeddedDocument, EmbeddingDocument
from regard.values import Span

_START = re.compile(r"\{\s{0,20}[\w.\-]{1,80}\s{0,20},\s{0,20}(?:plural|select|selectordinal|(choice))\s{0,20},")
_BRACE = re.compile(r"''|'[{}](?:[^']|'')*(?:'|\Z)|[{}]")
"""A brace; or an apostrophe that is text, or quoted text, in which braces have no meaning."""
_SELECTOR = re.compile(r"\s*(?:offset:[ ]?\d{1,9}\s+)?(?:=\d{1,9}|[\w\-]{1,80})\s*(?=\{)")
_MAX_DEPTH = 8
"""Largest number of arguments within each other whose branches are translated."""

Parse = Callable[[str], EmbeddedDocument]
"""A function of a text without plural and select arguments."""


@dataclass(frozen=True, slots=True)
class IcuArgument:
    """A plural, select or choice argument of a message.

    Attributes:
        start: Position of its opening brace.
        end: Position after its closing brace.
        branches: Range `[start, end)` of the text of each branch, without its braces; none for choice, which stays as
            it is.
    """

    start: int
    end: int
    branches: tuple[Span, ...]


def find_arguments(text: str) -> Iterator[IcuArgument]:
    """Finds the plural, select and choice arguments of a message in ICU MessageFormat.

    Args:
        text: The message, or any other text.

    Yields:
        The arguments in order, without those in the branches of another one. Nothing for braces that do not match.

    >>> text = "In {n, plural, one {# day} other {# days}}"
    >>> [[text[start:end] for start, end in argument.branches] for argument in find_arguments(text)]
    [['# day', '# days']]
    """
    starts = list(_START.finditer(text))
    if not starts:
        return
    partners = _partners(text)
    position = 0
    for match in starts:
        end = partners.get(match.start(), -1)
        if match.start() < position or end < 0:
            continue
        branches = () if match[1] else _branches(text, match.end(), end, partners)
        if branches is not None:
            yield IcuArgument(match.start(), end + 1, branches)
            position = end + 1


def _partners(text: str) -> dict[int, int]:
    """Position of the closing brace of each opening brace that has one."""
    partners: dict[int, int] = {}
    unclosed: list[int] = []
    for match in _BRACE.finditer(text):
        if match[0] == "{":
            unclosed.append(match.start())
        elif match[0] == "}" and unclosed:
            partners[unclosed.pop()] = match.start()
    return partners


def _branches(text: str, position: int, end: int, partners: dict[int, int]) -> tuple[Span, ...] | None:
    """The branches of an argument up to its closing brace; None if it has none or something else is there."""
    branches: list[Span] = []
    while match := _SELECTOR.match(text, position, end):
        closing = partners.get(match.end(), end)
        if closing >= end:
            return None
        branches.append((match.end() + 1, closing))
        position = closing + 1
    return tuple(branches) if branches and not text[position:end].strip() else None


def parse_icu(text: str, parse: Parse) -> EmbeddedDocument:
    """Parses a text that may contain plural and select arguments of ICU MessageFormat.

    Args:
        text: The text.
        parse: Parses a text without such arguments; used for the text around them and for each branch.

    Returns:
        The document. The text around an argument is translated first, with the argument as a placeholder; each branch
        is translated as a text of its own. Arguments in places that are not translated, such as a script, stay.
    """
    return _parse(text, parse, _MAX_DEPTH)


def _parse(text: str, parse: Parse, depth: int) -> EmbeddedDocument:
    arguments = list(find_arguments(text)) if _START.search(text) else []
    if MESSAGES.occur_in(text):
        return parse(text)
    for _ in range(2):
        if not arguments:
            break
        outer = parse(_with_marks(text, arguments))
        matches = (match for placeholder in outer.placeholders for match in MESSAGES.pattern.finditer(placeholder))
        visible = {int(match[1]) for match in matches}
        if len(visible) == len(arguments):
            embedded = [
                _embedded(text, argument, parse, depth) if depth else (text[argument.start : argument.end],)
                for argument in arguments
            ]
            return EmbeddingDocument(outer, embedded, MESSAGES, braces=True)
        # Within a tag or a comment, an argument can contain the end of it, which a mark in its place hides.
        arguments = [argument for number, argument in enumerate(arguments) if number in visible]
    return parse(text)


def _with_marks(text: str, arguments: Sequence[IcuArgument]) -> str:
    edges = [0, *(edge for argument in arguments for edge in (argument.start, argument.end)), len(text)]
    between = [text[start:end] for start, end in pairwise(edges)][::2]
    return between[0] + "".join(MESSAGES.mark(number) + after for number, after in enumerate(between[1:]))


def _embedded(text: str, argument: IcuArgument, parse: Parse, depth: int) -> Embedded:
    parts: list[str | EmbeddedDocument] = []
    position = argument.start
    for start, end in argument.branches:
        parts += [text[position:start], _parse(text[start:end], parse, depth - 1)]
        position = end
    return (*parts, text[position : argument.end])
