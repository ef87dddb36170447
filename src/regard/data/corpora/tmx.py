"""Reader of translation memories in TMX 1.1 to 1.4."""

from __future__ import annotations

from regard.data.corpora.inline_elements import InlineElements
from regard.data.corpora.unit import ReadOptions, ReadReport, Unit
from regard.data.corpora.unit_elements import MAX_DEPTH, XML_LANG, UnitElements, XmlFault, checked_text
from regard.data.corpora.unit_languages import TextChoice, UnitLanguages
from regard.data.corpora.xml_reader import XmlReader
from regard.errors import DataError

_MAX_CHOICES = 10_000
"""Number of combinations of languages for which the choice of texts is remembered."""


class TmxReader(XmlReader):
    """Reader of a TMX file (translation memory exchange, versions 1.1 to 1.4).

    Inline codes are left out, and `hi` keeps its text; see `InlineText`. Of several texts of one language in a unit,
    the first is read, and the others are counted. If no languages are requested, the source language is `srclang` of
    the header, or the language of the first text if that is `*all*`.

    Args:
        source: Path of the file, or the open file; None = standard input.
        options: How to read the file.
    """

    format = "tmx"

    def _elements(self) -> UnitElements:
        return _TmxElements(self.name, self.report, self._options)


class _TmxElements(InlineElements):
    """Elements of TMX: `tu` is a unit, `tuv` one of its languages, `seg` the text.

    Args:
        name: Name of the file, for messages.
        report: Where faults and units that are left out are counted.
        options: How to read the file.
    """

    def __init__(self, name: str, report: ReadReport, options: ReadOptions) -> None:
        super().__init__(
            name,
            report,
            keep_subflows=options.inline_text,
            root_tags=("tmx",),
            unit_tags=("tu",),
            container_tags=("body", "tmx"),
        )
        self._languages = UnitLanguages(options.langs)
        self._choices: dict[tuple[str, ...], TextChoice] = {}
        self._lang = ""
        self._langs: list[str] = []
        self._texts: list[str] = []
        self._num_others = 0
        """Number of open elements of a unit that are not read, such as `prop`."""

    def open_element(self, name: str, attributes: dict[str, str]) -> None:
        """Handles the start tag of a unit, or of an element in or around one. See `UnitElements.open_element`."""
        tag = self.tags.get(name)
        if tag is None:
            tag = self.resolve(name)
        if self.in_text:
            self.open_inline(tag, attributes)
        elif tag == "tuv" and self.in_unit:
            self._lang = attributes.get(XML_LANG) or attributes.get("lang") or ""
            if not self._lang:
                raise XmlFault("expected the attribute xml:lang of <tuv>, found none: add the language of the text")
        elif tag == "seg" and self.in_unit:
            self.text.clear()
            self.in_text = True
        elif tag == "tu":
            self.begin_unit()
        else:
            self._start_other(name, tag, attributes)

    def close_element(self, name: str) -> None:
        """Handles the end tag of a unit, or of an element in or around one. See `UnitElements.close_element`."""
        tag = self.tags.get(name)
        if self.in_text:
            if self.close_inline():
                return
            self.in_text = False
            text, _ = self.take_text()
            self._langs.append(self._lang)
            self._texts.append(checked_text(text))
        elif tag == "tu":
            self._end_unit()
        elif not self.in_unit:
            self.close_container()
        elif tag != "tuv" and tag != "seg":
            self._num_others -= 1

    def abandon_unit(self) -> None:
        """Forgets the open unit and its texts. See `UnitElements.abandon_unit`."""
        super().abandon_unit()
        self._langs.clear()
        self._texts.clear()
        self._num_others = 0

    def _start_other(self, name: str, tag: str, attributes: dict[str, str]) -> None:
        """Starts an element around units, or one of a unit that is not read."""
        if self.in_unit:
            self._num_others += 1
            if self._num_others > MAX_DEPTH:
                self.refuse_depth()
            return
        self.open_container(name, tag)
        if tag == "header" and attributes.get("srclang", "*all*").lower() != "*all*":
            self._languages.source_language = attributes["srclang"]

    def _end_unit(self) -> None:
        self.in_unit = False
        langs = tuple(self._langs)
        choice = self._choices.get(langs) or self._choose(langs)
        if choice is not None and choice.reason:
            self.report.left_out[choice.reason] += 1
        elif choice is not None:
            texts, counts = self._texts, self.report.languages
            self.units.append(Unit(texts[choice.src], texts[choice.tgt], self.unit_line))
            counts[langs[choice.src]] += 1
            counts[langs[choice.tgt]] += 1
            self.report.num_exchanged += choice.is_exchanged
            for reason in choice.surplus:
                self.report.left_out[reason] += 1
        self._langs.clear()
        self._texts.clear()

    def _choose(self, langs: tuple[str, ...]) -> TextChoice | None:
        """The texts of a unit with these languages; None after the fault that they cannot be chosen."""
        try:
            choice = self._languages.choose(langs, f"{self.name}:{self.unit_line}")
        except DataError as error:
            self.report.fault(str(error))
            return None
        if len(self._choices) < _MAX_CHOICES:
            self._choices[langs] = choice
        return choice
