"""Reader of glossaries in TBX (TermBase eXchange, ISO 30042): versions 2 (`martif`) and 3 (`tbx`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from regard.data.corpora.language_choice import choose_language
from regard.data.corpora.unit import ReadReport, Unit
from regard.data.corpora.unit_elements import MAX_DEPTH, SEPARATOR, XML_LANG, UnitElements, XmlFault
from regard.data.corpora.xml_encoding import Utf8Chunks
from regard.data.corpora.xml_events import UnitParser
from regard.errors import ConfigError, DataError
from regard.files.compression import InputFile
from regard.text.file_type import HEAD_SIZE, detect_file_type
from regard.translation.glossary import MAX_TERM, GlossaryEntry

_CONCEPTS = ("termEntry", "conceptEntry")
_LANGUAGES = ("langSet", "langSec")
_TERMS = ("tig", "ntig", "termSec")
_FORBIDDEN = ("deprecated", "superseded", "obsolete", "notrecommended")
"""How statuses begin of terms that must not be used, in lower case and without hyphens."""
_SKIP_ADVICE = "; or leave the unit out with --on-error skip"


@dataclass(slots=True)
class _Concept:
    """A concept: its terms in all languages.

    Attributes:
        line: Line on which it begins.
        terms: Text of each term, and whether it must not be used, by language as the file spells it.
    """

    line: int
    terms: dict[str, list[tuple[str, bool]]] = field(default_factory=dict)


class _TbxElements(UnitElements):
    """Elements of TBX: a concept has languages, each of which has terms, each of which may have a status.

    Args:
        name: Name of the file, for messages.

    Attributes:
        concepts: Concepts that were read completely, but not yet made into entries.
        main_language: Language that the root element declares in `xml:lang`; empty if it declares none.
    """

    def __init__(self, name: str) -> None:
        super().__init__(
            name,
            ReadReport("stop"),
            root_tags=("martif", "tbx"),
            unit_tags=_CONCEPTS,
            container_tags=("text", "body"),
        )
        self.concepts: list[_Concept] = []
        self.main_language = ""
        self._concept = _Concept(1)
        self._lang = self._term = self._read = ""
        self._is_forbidden = False
        self._depth = 0

    def open_element(self, name: str, attributes: dict[str, str]) -> None:
        """Handles the start tag of a concept, or of an element in or around one. See `UnitElements.open_element`."""
        tag = self._tag(name)
        if self.in_unit:
            self._open_within(tag, attributes)
        elif tag in _CONCEPTS:
            self.begin_unit()
            self._concept, self._depth = _Concept(self.unit_line), 0
        else:
            self.open_container(name, tag)
            if tag in self.root_tags:
                self.main_language = attributes.get(XML_LANG, "")

    def _open_within(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self.refuse_depth()
        if tag in _LANGUAGES:
            self._lang = attributes.get(XML_LANG) or attributes.get("lang") or ""
            if not self._lang:
                raise XmlFault(f"expected the attribute xml:lang of <{tag}>, found none: add the language of the terms")
        elif tag in _TERMS:
            self._term, self._is_forbidden = "", False
        elif tag == "term" or tag == "administrativeStatus" or attributes.get("type") == "administrativeStatus":
            self._read = "term" if tag == "term" else "status"
            self.text.clear()
            self.in_text = True

    def close_element(self, name: str) -> None:
        """Handles the end tag of a concept, or of an element in or around one. See `UnitElements.close_element`."""
        tag = self._tag(name)
        if not self.in_unit:
            self.close_container()
            return
        if tag in _CONCEPTS and self._depth == 0:
            self.in_unit = False
            self.concepts.append(self._concept)
            self.units.append(Unit("", "", self._concept.line))
            return
        self._depth -= 1
        if self.in_text:
            self._take_text(tag)
        elif tag in _TERMS and self._term:
            self._concept.terms.setdefault(self._lang, []).append((self._term, self._is_forbidden))
            self._term = ""

    def abandon_unit(self) -> None:
        """Drops the concept that is being read. See `UnitElements.abandon_unit`."""
        super().abandon_unit()
        self._lang = self._term = ""

    def _take_text(self, tag: str) -> None:
        if self._read == "term" and tag != "term":  # an element within the term, such as <hi>
            return
        text = "".join(self.text).strip()
        self.in_text = False
        if self._read == "status":
            self._is_forbidden = text.lower().replace("-", "").startswith(_FORBIDDEN)
            return
        if len(text) > 10 * MAX_TERM:
            raise XmlFault(f"<term>: expected at most {MAX_TERM} characters, found {len(text)}: shorten the term")
        self._term = text

    def _tag(self, name: str) -> str:
        """Local name; that of an `administrativeStatus` counts in any namespace, as modules of TBX have their own."""
        tag = self.tags.get(name)
        tag = self.resolve(name) if tag is None else tag
        return tag or ("administrativeStatus" if f"{SEPARATOR}administrativeStatus" in name else "")


def tbx_entries(file: InputFile, langs: tuple[str, str] | None) -> Iterator[GlossaryEntry]:
    """Reads the entries of a TBX file.

    All terms of a concept in the source language are spellings of one entry, and those in the target language its
    translations. Terms whose administrative status is deprecated, superseded, obsolete or not recommended are forbidden
    as translations.

    Args:
        file: The open file.
        langs: Canonical codes of source and target language; None = the file has exactly two languages. The source is
            then the one that the root element declares in `xml:lang`, or if it declares none, the first in the file.

    Yields:
        An entry for each concept with terms of both languages.

    Raises:
        DataError: The file is not TBX, is not well-formed, or declares entities.
        ConfigError: The file has more than two languages, and `langs` is None.
    """
    chunks = Utf8Chunks(file, file.name, None)
    if not chunks.head:
        raise DataError(f"{file.name}: expected TBX, found an empty file: export it again")
    if file_type := detect_file_type(chunks.head[:HEAD_SIZE]):
        raise DataError(f"{file.name}: expected TBX, found {file_type}")
    elements = _TbxElements(file.name)
    found: tuple[str, str] | None = None
    for concept in _concepts(chunks, elements):
        where = f"{file.name}:{concept.line}"
        if langs is None:
            found = _two_languages(concept, found, elements.main_language, where)
            source, target = found
        else:
            source, target = (choose_language(code, concept.terms, where=where) or "" for code in langs)
        entry = _entry(concept, source, target, where)
        if entry is not None:
            yield entry


def _concepts(chunks: Utf8Chunks, elements: _TbxElements) -> Iterator[_Concept]:
    try:
        for _ in UnitParser(chunks, elements).units():
            yield from elements.concepts
            elements.concepts.clear()
    except DataError as error:  # corpora can be read without faulty units, glossaries cannot
        raise DataError(str(error).replace(_SKIP_ADVICE, "")) from None


def _two_languages(concept: _Concept, found: tuple[str, str] | None, main: str, where: str) -> tuple[str, str]:
    """The languages of a file without other ones, source first."""
    languages = list(dict.fromkeys((*(found or ()), *concept.terms)))
    if len(languages) > 2:
        names = ", ".join(languages)[:200]
        raise ConfigError(
            f"{where}: expected terms in two languages, found {names}: name the direction, such as --langs en-fr"
        )
    if main in languages and languages[0] != main:
        languages.reverse()
    return (*languages, "", "")[:2]


def _entry(concept: _Concept, source: str, target: str, where: str) -> GlossaryEntry | None:
    sources = tuple(text for text, _ in concept.terms.get(source, ()))
    terms = concept.terms.get(target, ())
    targets = tuple(text for text, is_forbidden in terms if not is_forbidden)
    forbidden = tuple(text for text, is_forbidden in terms if is_forbidden and text not in targets)
    if not sources or not (targets or forbidden):
        return None
    return GlossaryEntry(sources, targets, forbidden, where=where)
