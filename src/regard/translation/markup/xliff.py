"""Fills in XLIFF 1.2 and 2.x files: segments without a translation get one, and a state such as `translated`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from regard.errors import DataError
from regard.translation.markup.file_options import FileOptions
from regard.translation.markup.inline_codes import SegmentText, is_blank, parse_segment
from regard.translation.markup.segments import Hole, SegmentBuilder, SegmentedDocument
from regard.translation.markup.side_by_side import check_language, indentation
from regard.translation.markup.tokens import Token
from regard.translation.markup.xml_tree import Element, opening_tag, parse_tree, set_attribute

_UNTRANSLATED = frozenset({"new", "needs-translation", "initial"})
"""States of segments whose target may be a copy of the source."""
_TRANSLATED, _NEEDS_REVIEW = "translated", "needs-review-translation"
"""States of targets that are filled in, by whether the places of their inline codes are known."""


def parse_xliff(name: str, text: str, options: FileOptions) -> SegmentedDocument:
    """Finds the segments of an XLIFF document that have no translation.

    Args:
        name: Name of the file, for messages.
        text: The document.
        options: The languages that the document should have; None = any.

    Returns:
        The document: its sentences, and a method that writes it with their translations.

    Raises:
        DataError: The text is not an XLIFF document of version 1 or 2, not well-formed, or in other languages.
    """
    tokens, tree = parse_tree(name, text)
    root = tree.child("xliff")
    version = "" if root is None else root.attributes.get("version", "")
    if root is None or version[:2] not in ("1.", "2."):
        found = f"version {version!r:.20}" if root is not None else "no root element <xliff>"
        raise DataError(f"{name}: expected XLIFF 1.2 or 2.0 to 2.2, found {found}: export the file as one of them")
    writer = _Writer(name, tokens, options)
    if version.startswith("1."):
        _fill_version_1(root, writer)
    else:
        _fill_version_2(root, writer)
    return writer.builder.build()


class _Writer:
    """Fills targets.

    Args:
        name: Name of the file, for messages.
        tokens: The document.
        options: The languages.
    """

    def __init__(self, name: str, tokens: Sequence[Token], options: FileOptions) -> None:
        self.name, self.tokens, self.options = name, tokens, options
        self.builder = SegmentBuilder([token.raw for token in tokens])

    def language(self, element: Element, source: str, target: str) -> None:
        """Raises a `DataError` if an element names other languages than the requested ones.

        `source` and `target` are the names of the attributes that contain the codes of the languages.
        """
        check_language(self.name, element.attributes.get(source), self.options.source, source)
        check_language(self.name, element.attributes.get(target), self.options.target, target)

    def add_target_language(self, element: Element, attribute: str) -> None:
        """Writes the target language, if it is known, into the start tag of a file that lacks it."""
        if self.options.target and attribute not in element.attributes:
            tag = set_attribute(element.tag, attribute, self.options.target)
            self.builder.replace(element.first, element.first + 1, tag)

    def is_open(self, target: Element | None, source: Element, state: str) -> bool:
        """Whether a target is still to be filled: missing, empty, or a copy of the source that its state calls new."""
        if target is None or is_blank(target.content(self.tokens)):
            return True
        written = "".join(token.raw for token in target.content(self.tokens)).strip()
        return state in _UNTRANSLATED and written == "".join(t.raw for t in source.content(self.tokens)).strip()


@dataclass(frozen=True, slots=True)
class _Content:
    """The texts of a unit and what is around them in its target.

    Attributes:
        texts: The content of its segments.
        frames: What is before the first, between and after the last.
    """

    texts: tuple[SegmentText, ...]
    frames: tuple[str, ...]

    def written(self, translated: Sequence[str]) -> str:
        """The content of the element `<target>`, given one translation per segment of the unit."""
        parts = [self.frames[0]]
        for text, translation, frame in zip(self.texts, translated, self.frames[1:], strict=True):
            parts += [text.write(translation), frame]
        return "".join(parts)


def _fill_version_1(root: Element, writer: _Writer) -> None:
    for file in root.find_all("file"):
        writer.language(file, "source-language", "target-language")
        before = writer.builder.num_segments
        for unit in _translated(file, "trans-unit"):
            _fill_unit(unit, writer)
        if writer.builder.num_segments > before:
            writer.add_target_language(file, "target-language")


def _fill_unit(unit: Element, writer: _Writer) -> None:
    source, target = unit.child("source"), unit.child("target")
    if source is None or unit.attributes.get("approved") == "yes":
        return
    divided = unit.child("seg-source") or source
    state = "" if target is None else target.attributes.get("state", "")
    if not writer.is_open(target, divided, state) and not writer.is_open(target, source, state):
        if target is not None:
            _fill_marked(divided, target, writer)
        return
    content = _content(divided, writer)
    if all(text.is_empty for text in content.texts):
        return
    has_codes = any(text.has_codes for text in content.texts)
    start_tag = opening_tag(target.tag) if target is not None else f"<{source.prefix}target>"

    def write(translated: Sequence[str], aligned: bool) -> Sequence[str]:
        tag = set_attribute(start_tag, "state", _TRANSLATED if aligned or not has_codes else _NEEDS_REVIEW)
        tag = set_attribute(tag, "state-qualifier", "mt-suggestion")
        return [f"{tag}{content.written(translated)}</{source.prefix}target>"]

    number = writer.builder.add([text.document for text in content.texts], write)
    _place_target(number, source, divided, target, writer)


def _place_target(number: int, source: Element, last: Element, target: Element | None, writer: _Writer) -> None:
    """Puts the whole target of a segment into the document, in hole 0."""
    if target is None:
        writer.builder.replace(last.last + 1, last.last + 1, indentation(writer.tokens, source.first), Hole(number))
    else:
        writer.builder.replace(target.first, target.last + 1, Hole(number))


def _content(divided: Element, writer: _Writer) -> _Content:
    """The segments of a source: the content of its `mrk` elements of this kind, or all of it."""
    tokens, options = writer.tokens, writer.options.markup
    marks = [mark for mark in divided.find_all("mrk") if _is_segment(mark) and mark.first < mark.last]
    if not marks:
        return _Content((parse_segment(divided.content(tokens), options),), ("", ""))
    edges = [divided.first, *(edge for mark in marks for edge in (mark.first, mark.last)), divided.last]
    texts, frames = [], []
    for index, (start, end) in enumerate(pairwise(edges)):
        if index % 2:
            texts.append(parse_segment(tokens[start + 1 : end], options))
        else:
            first = start + 1 if index == 0 else start
            last = end + 1 if index < len(edges) - 2 else end
            frames.append("".join(token.raw for token in tokens[first:last]))
    return _Content(tuple(texts), tuple(frames))


def _is_segment(mark: Element) -> bool:
    return mark.attributes.get("mtype") == "seg"


def _fill_marked(divided: Element, target: Element, writer: _Writer) -> None:
    """Fills the empty segments of a target that is translated in part."""
    sources = {mark.attributes.get("mid"): mark for mark in divided.find_all("mrk") if _is_segment(mark)}
    empty: list[tuple[Element, SegmentText]] = []
    for mark in target.find_all("mrk"):
        source = sources.get(mark.attributes.get("mid"))
        if _is_segment(mark) and source is not None and is_blank(mark.content(writer.tokens)):
            text = parse_segment(source.content(writer.tokens), writer.options.markup)
            if not text.is_empty:
                empty.append((mark, text))
    if not empty:
        return
    has_codes = any(text.has_codes for _, text in empty)

    def write(translated: Sequence[str], aligned: bool) -> Sequence[str]:
        tag = target.tag if aligned or not has_codes else set_attribute(target.tag, "state", _NEEDS_REVIEW)
        contents = [text.write(translation) for (_, text), translation in zip(empty, translated, strict=True)]
        marks = zip(empty, contents, strict=True)
        return [tag, *(f"{opening_tag(mark.tag)}{content}</{mark.prefix}mrk>" for (mark, _), content in marks)]

    number = writer.builder.add([text.document for _, text in empty], write)
    writer.builder.replace(target.first, target.first + 1, Hole(number, 0))
    for index, (mark, _) in enumerate(empty, start=1):
        writer.builder.replace(mark.first, mark.last + 1, Hole(number, index))


def _fill_version_2(root: Element, writer: _Writer) -> None:
    writer.language(root, "srcLang", "trgLang")
    for unit in _translated(root, "unit"):
        for segment in unit.children:
            if segment.name == "segment":
                _fill_segment(segment, writer)
    if writer.builder.num_segments:
        writer.add_target_language(root, "trgLang")


def _fill_segment(segment: Element, writer: _Writer) -> None:
    source, target = segment.child("source"), segment.child("target")
    if source is None or not writer.is_open(target, source, segment.attributes.get("state", "")):
        return
    text = parse_segment(source.content(writer.tokens), writer.options.markup)
    if text.is_empty:
        return
    start_tag = opening_tag(target.tag) if target is not None else f"<{source.prefix}target>"

    def write(translated: Sequence[str], aligned: bool) -> Sequence[str]:
        needs_review = text.has_codes and not aligned
        tag = set_attribute(segment.tag, "state", "initial" if needs_review else "translated")
        if needs_review:
            tag = set_attribute(tag, "subState", "regard:needs-review")
        return [f"{start_tag}{text.write(translated[0])}</{source.prefix}target>", tag]

    number = writer.builder.add([text.document], write)
    writer.builder.replace(segment.first, segment.first + 1, Hole(number, 1))
    _place_target(number, source, source, target, writer)


def _translated(root: Element, name: str) -> Iterator[Element]:
    """The units that may be translated: those without `translate="no"` on them or on an element around them."""
    waiting = [(child, True) for child in reversed(root.children)]
    while waiting:
        element, inherited = waiting.pop()
        translated = {"no": False, "yes": True}.get(element.attributes.get("translate", ""), inherited)
        if element.name == name:
            if translated:
                yield element
        else:
            waiting += [(child, translated) for child in reversed(element.children)]
