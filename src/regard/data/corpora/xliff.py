"""Reader of XLIFF 1.0 to 1.2 and 2.x."""

from __future__ import annotations

from dataclasses import dataclass, field

from regard.data.corpora.file_languages import FileLanguages
from regard.data.corpora.inline_elements import InlineElements
from regard.data.corpora.unit import ReadOptions, ReadReport, Unit
from regard.data.corpora.unit_elements import MAX_DEPTH, SEPARATOR, XML_LANG, UnitElements, checked_text
from regard.data.corpora.xml_reader import XmlReader

_UNFINISHED = frozenset(
    {
        "new", "initial", "needs-translation", "needs-l10n", "needs-adaptation", "needs-review-translation",
        "needs-review-l10n", "needs-review-adaptation",
    }
)  # fmt: skip
"""States of translations that are not finished, in XLIFF 1.2 and 2.x."""
_TRADOS_SEGMENT = SEPARATOR.join(("http://sdl.com/FileTypes/SdlXliff/1.0", "seg", ""))
"""Beginning of the name of elements with which Trados adds the state of a segment, `conf`, in .sdlxliff files."""
_TRADOS_UNFINISHED = frozenset({"Draft", "RejectedTranslation", "RejectedSignOff"})
_PO_HEADER = "x-gettext-domain-header"
"""Type of the unit that is the header of a gettext catalog."""


class XliffReader(XmlReader):
    """Reader of an XLIFF file, versions 1.0 to 1.2 and 2.x.

    Translations are left out, and counted, if their `state` is not a finished one, if they have `approved="no"`, or if
    Trados marks their segment as a draft or rejected. Units with `translate="no"`, on the unit itself or on an element
    around it, are left out as well. Proposals (`alt-trans`, `matches`) are not read. Each segment becomes one sentence
    pair; segments are `mrk mtype="seg"`, matched by `mid`, in version 1.2, and `segment` in 2.x. If the file translates
    from the requested target language into the requested source language, source and target are exchanged.

    Args:
        source: Path of the file, or the open file; None = standard input.
        options: How to read the file. `include_fuzzy` also reads translations that are not finished or not approved.
    """

    format = "xliff"

    def _elements(self) -> UnitElements:
        return _XliffElements(self.name, self.report, self._options)


@dataclass(slots=True)
class _Segment:
    """What was read of a unit of 1.2 or of a segment of 2.x.

    Attributes:
        line: Line on which it begins.
        state: State of the translation; empty if there is none.
        texts: Text of each element: `source`, `seg-source`, `target`.
        parts: Texts of the segments within these elements, by identifier.
        target_lang: Language of the target; empty = that of the file.
        trados_states: State that Trados gives to the segments, by identifier.
    """

    line: int
    state: str = ""
    texts: dict[str, str] = field(default_factory=dict)
    parts: dict[str, dict[str, str]] = field(default_factory=dict)
    target_lang: str = ""
    trados_states: dict[str, str] = field(default_factory=dict)


class _XliffElements(InlineElements):
    """Elements of XLIFF: `trans-unit` with one source and target, or `unit` with several segments.

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
            root_tags=("xliff",),
            unit_tags=("trans-unit", "unit"),
            container_tags=("xliff", "file", "body", "group"),
        )
        self._languages = FileLanguages(options.langs, report)
        self._include_fuzzy = options.include_fuzzy
        self._source_lang = self._target_lang = ""
        self._translates = [True]
        """Whether the content of each open container is to be translated, after that of the file."""
        self._unit_translates = self._unit_approved = True
        self._is_header = False
        self._segments: list[_Segment] = []
        self._part = ""
        """Name of the element whose text is read."""
        self._num_skipped = 0
        """Number of open elements of a unit that are not read, such as `note` and `alt-trans` and all within them."""

    def open_element(self, name: str, attributes: dict[str, str]) -> None:
        """Handles the start tag of a unit, or of an element in or around one. See `UnitElements.open_element`."""
        tag = self.tags.get(name)
        if tag is None:
            tag = self.resolve(name)
        if self.in_text:
            self.open_inline(tag, attributes)
        elif tag in self.unit_tags:
            self._start_unit(tag, attributes)
        elif not self.in_unit:
            self._start_container(name, tag, attributes)
        else:
            if name.startswith(_TRADOS_SEGMENT) and self._segments:
                self._segments[-1].trados_states[attributes.get("id", "")] = attributes.get("conf", "")
            self._start_in_unit(tag, attributes)

    def close_element(self, name: str) -> None:
        """Handles the end tag of a unit, or of an element in or around one. See `UnitElements.close_element`."""
        if self.in_text:
            if not self.close_inline():
                self._end_text()
        elif self._num_skipped:
            self._num_skipped -= 1
        elif not self.in_unit:
            self.close_container()
        elif self.tags.get(name) in self.unit_tags:
            self._end_unit()

    def abandon_unit(self) -> None:
        """Forgets the open unit and its segments. See `UnitElements.abandon_unit`."""
        super().abandon_unit()
        self._segments.clear()
        self._num_skipped = 0

    def close_container(self) -> None:
        """Notes that the innermost element around units ends, and that its attribute `translate` no longer applies.

        See `UnitElements.close_container`.
        """
        super().close_container()
        if len(self._translates) > 1:
            self._translates.pop()

    def begin_document(self) -> bytes:
        """Forgets all open elements and their `translate` attributes. See `UnitElements.begin_document`."""
        self._translates = [True]
        return super().begin_document()

    def _start_container(self, name: str, tag: str, attributes: dict[str, str]) -> None:
        self.open_container(name, tag)
        self._translates.append(attributes.get("translate", "yes") != "no" and self._translates[-1])
        if tag == "xliff":
            self._source_lang = attributes.get("srcLang", "")
            self._target_lang = attributes.get("trgLang", "")
        elif tag == "file" and "source-language" in attributes:
            self._source_lang = attributes["source-language"]
            self._target_lang = attributes.get("target-language", "")

    def _start_unit(self, tag: str, attributes: dict[str, str]) -> None:
        self.begin_unit()
        translate = attributes.get("translate")
        self._unit_translates = self._translates[-1] if translate is None else translate != "no"
        self._unit_approved = attributes.get("approved") != "no"
        self._is_header = attributes.get("restype") == _PO_HEADER
        if tag == "trans-unit":
            self._segments.append(_Segment(self.unit_line))

    def _start_in_unit(self, tag: str, attributes: dict[str, str]) -> None:
        """Starts an element of a unit: a text, a segment of 2.x, or something that is not read."""
        if not self._num_skipped and tag == "segment":
            self._segments.append(_Segment(self.line(), attributes.get("state", "")))
        elif not self._num_skipped and self._segments and tag in ("source", "seg-source", "target"):
            self.in_text = True
            self.text.clear()
            self._part = tag
            if tag == "target":
                segment = self._segments[-1]
                segment.state = attributes.get("state", segment.state)
                segment.target_lang = attributes.get(XML_LANG, "")
        else:
            self._num_skipped += 1
            if self._num_skipped > MAX_DEPTH:
                self.refuse_depth()

    def _end_text(self) -> None:
        self.in_text = False
        segment = self._segments[-1]
        text, inline = self.take_text()
        if inline is not None:
            segment.parts.setdefault(self._part, inline.segments())
        segment.texts.setdefault(self._part, checked_text(text))

    def _end_unit(self) -> None:
        self.in_unit = False
        for segment in self._segments:
            self._read_segment(segment)
        self._segments.clear()

    def _read_segment(self, segment: _Segment) -> None:
        if self._is_header or not self._unit_translates:
            self.report.left_out["header of a PO file" if self._is_header else "translate=no"] += 1
            return
        target_lang = self._target_lang or segment.target_lang
        place = f"{self.name}:{segment.line}"
        direction = self._languages.direction(self._source_lang, target_lang, place)
        if direction is None:
            return
        if "target" not in segment.texts:
            self.report.left_out[f"no {direction.target_name} text"] += 1
            return
        if not self._include_fuzzy and (reason := self._unfinished(segment.state)):
            self.report.left_out[reason] += 1
            return
        for src, tgt in self._pairs(segment, direction.target_name):
            self.units.append(Unit(*((tgt, src) if direction.is_reversed else (src, tgt)), segment.line))
            self._languages.count(direction)

    def _unfinished(self, state: str) -> str:
        """Why a translation counts as not finished; empty if it is finished."""
        if state in _UNFINISHED:
            return f"state={state}"
        if state.startswith("needs-"):
            return "state=needs-..."
        return "" if self._unit_approved else "approved=no"

    def _pairs(self, segment: _Segment, target_name: str) -> list[tuple[str, str]]:
        """The texts of the segments that both sides mark; else the whole texts."""
        sources = segment.parts.get("seg-source") or segment.parts.get("source")
        targets = segment.parts.get("target")
        if not sources or not targets:
            return [(segment.texts.get("source", ""), segment.texts["target"])]
        if surplus := sum(mid not in sources for mid in targets):
            self.report.left_out["no source text"] += surplus
        pairs = []
        for mid, text in sources.items():
            state = segment.trados_states.get(mid, "")
            if state in _TRADOS_UNFINISHED and not self._include_fuzzy:
                self.report.left_out[f"conf={state}"] += 1
            elif mid in targets:
                pairs.append((text, targets[mid]))
            else:
                self.report.left_out[f"no {target_name} text"] += 1
        return pairs
