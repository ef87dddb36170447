"""Fills in TMX translation memories: units whose target language is missing or empty get a translation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from regard.data.corpora.language_choice import choose_language
from regard.errors import DataError
from regard.text.languages import canonical
from regard.translation.markup.entities import Escaping, escape
from regard.translation.markup.file_options import FileOptions
from regard.translation.markup.inline_codes import SegmentText, is_blank, parse_segment
from regard.translation.markup.segments import Hole, SegmentBuilder, SegmentedDocument, Write
from regard.translation.markup.side_by_side import indentation, language_of
from regard.translation.markup.tokens import Token
from regard.translation.markup.xml_tree import Element, opening_tag, parse_tree

_LANG = ("xml:lang", "lang")
_REVIEW = '<{prefix}prop type="x-needs-review">inline codes</{prefix}prop>'


def parse_tmx(name: str, text: str, options: FileOptions) -> SegmentedDocument:
    """Finds the units of a TMX translation memory that have no translation into the target language.

    Args:
        name: Name of the file, for messages.
        text: The document.
        options: The source and target language; if the source is None, the language in the header is the source.

    Returns:
        The document: its sentences, and a method that writes it with their translations.

    Raises:
        DataError: The text is not a well-formed TMX document, a language is not known, or several variants of a unit
            match a language equally well, such as `fr-CA` and `fr-FR` match `fr`.
    """
    tokens, tree = parse_tree(name, text)
    root = tree.child("tmx")
    if root is None:
        raise DataError(f"{name}: expected a TMX document, found no root element <tmx>: give a TMX file")
    source, target = _languages(name, root, options)
    builder = SegmentBuilder([token.raw for token in tokens])
    line = 1
    position = 0
    for unit in root.find_all("tu"):
        line += sum(token.raw.count("\n") for token in tokens[position : unit.first])
        position = unit.first
        _fill_unit(unit, replace(options, source=source, target=target), f"{name}:{line}", tokens, builder)
    return builder.build()


def _languages(name: str, root: Element, options: FileOptions) -> tuple[str, str]:
    header = root.child("header")
    declared = "" if header is None else header.attributes.get("srclang", "")
    source = options.source or (declared if language_of(declared) else None)
    if options.target is None:
        raise DataError(
            f"{name}: expected a target language, which TMX files do not name: add --langs, such as en-fr from English "
            "to French"
        )
    if source is None:
        raise DataError(
            f"{name}: expected a language in srclang, found {declared!r:.40}: give the source and target language with "
            "--langs, such as en-fr"
        )
    return canonical(source), options.target


def _fill_unit(
    unit: Element, options: FileOptions, where: str, tokens: Sequence[Token], builder: SegmentBuilder
) -> None:
    langs = options.source or "", options.target or ""
    variants: dict[str, Element] = {}
    for variant in unit.children:
        if variant.name == "tuv":
            attributes = variant.attributes
            variants.setdefault(attributes.get(_LANG[0]) or attributes.get(_LANG[1], ""), variant)
    found = [choose_language(code, variants, where=where) for code in langs]
    source = None if found[0] is None else variants[found[0]]
    segment = None if source is None else source.child("seg")
    if source is None or segment is None:
        return
    text = parse_segment(segment.content(tokens), options.markup)
    target = None if found[1] is None else variants[found[1]]
    if text.is_empty or target is source:
        return
    if target is None:
        number = builder.add([text.document], _new_variant(source, segment, langs[1], text, tokens))
        builder.replace(source.last + 1, source.last + 1, indentation(tokens, source.first), Hole(number))
        return
    place = target.child("seg")
    if place is not None and is_blank(place.content(tokens)):
        number = builder.add([text.document], _in_segment(place, text, tokens))
        builder.replace(place.first, place.last + 1, Hole(number))


def _new_variant(source: Element, segment: Element, language: str, text: SegmentText, tokens: Sequence[Token]) -> Write:
    """Writes a variant with the white space and the prefix of that of the source."""
    prefix = source.prefix
    attribute = next((name for name in _LANG if name in source.attributes), _LANG[0])
    start_tag = f'<{prefix}tuv {attribute}="{escape(language, Escaping.XML)}">'
    before, after = indentation(tokens, segment.first), indentation(tokens, source.last)

    def write(translated: Sequence[str], aligned: bool) -> Sequence[str]:
        review = "" if aligned or not text.has_codes else before + _REVIEW.format(prefix=prefix)
        content = f"<{prefix}seg>{text.write(translated[0])}</{prefix}seg>"
        return [f"{start_tag}{review}{before}{content}{after}</{prefix}tuv>"]

    return write


def _in_segment(place: Element, text: SegmentText, tokens: Sequence[Token]) -> Write:
    """Writes the content of an empty segment."""

    def write(translated: Sequence[str], aligned: bool) -> Sequence[str]:
        space = indentation(tokens, place.first)
        review = "" if aligned or not text.has_codes else _REVIEW.format(prefix=place.prefix) + space
        return [f"{review}{opening_tag(place.tag)}{text.write(translated[0])}</{place.prefix}seg>"]

    return write
