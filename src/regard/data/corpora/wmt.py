"""Readers of the test sets of WMT: SGM files, and XML files from 2021 on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from regard.data.corpora.file_languages import Direction, FileLanguages
from regard.data.corpora.file_reader import Source
from regard.data.corpora.inline_elements import InlineElements
from regard.data.corpora.sgm_segments import SgmDocument, SgmSegments
from regard.data.corpora.unit import ReadOptions, ReadReport, Unit
from regard.data.corpora.unit_elements import UnitElements, XmlFault, checked_text
from regard.data.corpora.xml_encoding import Utf8Chunks
from regard.data.corpora.xml_events import MAX_UNIT
from regard.data.corpora.xml_reader import XmlReader
from regard.files.compression import InputFile, open_input, source_name

_DEFAULT_REFERENCE = "ref:A"


class WmtReader(XmlReader):
    """Reader of an XML file of a WMT test set, the format of the test sets since 2021.

    Each document has the source text, some references by different translators, and sometimes outputs of systems. The
    source and the reference by translator A are read; without that reference, the first one of the document. Sentences
    of other references and systems are left out, and counted in `report.left_out`.

    Args:
        source: Path of the file, or the open file; None = standard input.
        options: How to read the file. Its `columns` choose other texts, such as `("src", "ref:B")` or
            `("src", "hyp:Online-A")`.
    """

    format = "wmt"

    def _elements(self) -> UnitElements:
        return _WmtElements(self.name, self.report, self._options)


@dataclass(slots=True)
class _Version:
    """The source text of a document, or one of its translations.

    Attributes:
        lang: Language of the text; empty if the file does not name it.
        texts: Text and line of each sentence, by identifier.
    """

    lang: str
    texts: dict[str, tuple[str, int]] = field(default_factory=dict)


class _WmtElements(InlineElements):
    """Elements of a WMT test set: sentences (`seg`) of the versions (`src`, `ref`, `hyp`) of documents (`doc`).

    Args:
        name: Name of the file, for messages.
        report: Where faults and units that are left out are counted.
        options: How to read the file.
    """

    def __init__(self, name: str, report: ReadReport, options: ReadOptions) -> None:
        super().__init__(
            name,
            report,
            keep_subflows=False,
            root_tags=("dataset", "collection"),
            unit_tags=("seg",),
            container_tags=("dataset", "collection", "doc", "src", "ref", "hyp", "p"),
        )
        self._languages = FileLanguages(options.langs, report)
        self._columns = options.columns
        self._versions: dict[str, _Version] = {}
        """Versions of the open document, by name: `src`, `ref`, `ref:B`, `hyp:Online-A`."""
        self._version: _Version | None = None
        self._seg_id = ""
        self._doc_line = 1
        self._num_chars = 0

    def open_element(self, name: str, attributes: dict[str, str]) -> None:
        """Handles the start tag of a sentence, or of an element in or around one. See `UnitElements.open_element`."""
        tag = self.tags.get(name)
        if tag is None:
            tag = self.resolve(name)
        if tag == "seg":
            self.begin_unit()
            self.text.clear()
            self.in_text = True
            self._seg_id = attributes.get("id", "")
        elif self.in_text:
            self.open_inline(tag, attributes)
        else:
            self._start_container(name, tag, attributes)

    def close_element(self, name: str) -> None:
        """Handles the end tag of a sentence, or of an element in or around one. See `UnitElements.close_element`."""
        if self.close_inline():
            return
        if self.in_text:
            self._end_segment()
        else:
            self.close_container()
            if self.tags.get(name) == "doc":
                self.finish()

    def finish(self) -> None:
        """Pairs the sentences of the open document, where it ends or where reading stops within it."""
        versions, self._versions, self._version = self._versions, {}, None
        self._num_chars = 0
        source = versions.get(self._columns[0] if self._columns else "src")
        if source is None:
            self._count_without_source(versions)
            return
        target, target_name = self._target(versions)
        target_lang = "" if target is None else target.lang
        place = f"{self.name}:{self._doc_line}"
        direction = self._languages.direction(source.lang, target_lang, place, num_units=len(source.texts))
        if direction is not None:
            self._pair(source, target, direction, target_name)
        for name, version in versions.items():
            if version is not source and version is not target:
                reason = "output of a system" if name.startswith("hyp") else "another reference"
                self.report.left_out[reason] += len(version.texts)

    def _start_container(self, name: str, tag: str, attributes: dict[str, str]) -> None:
        self.open_container(name, tag)
        if tag == "doc":
            self.finish()  # of one that was not closed
            self._doc_line = self.line()
        elif tag in ("src", "ref", "hyp"):
            label = attributes.get("translator" if tag == "ref" else "system", "") if tag != "src" else ""
            lang = attributes.get("lang") or attributes.get("language") or ""
            self._version = self._versions.setdefault(f"{tag}:{label}" if label else tag, _Version(lang))

    def _end_segment(self) -> None:
        text, _ = self.take_text()
        if self._version is None:
            raise XmlFault("expected <seg> within <src>, <ref> or <hyp>, found it elsewhere: correct the file")
        self._num_chars += len(text)
        if self._num_chars > MAX_UNIT:
            raise XmlFault(f"expected documents of at most {MAX_UNIT:,} characters, found more: split the document")
        texts = self._version.texts
        texts.setdefault(self._seg_id or f"#{len(texts) + 1}", (checked_text(text), self.unit_line))
        self.in_unit = self.in_text = False

    def _target(self, versions: dict[str, _Version]) -> tuple[_Version | None, str]:
        """The translation that is read, and its name."""
        if self._columns:
            return versions.get(self._columns[1]), self._columns[1]
        references = [name for name in versions if name.startswith("ref")]
        name = _DEFAULT_REFERENCE if _DEFAULT_REFERENCE in references else next(iter(references), "ref")
        return versions.get(name), name

    def _pair(self, source: _Version, target: _Version | None, direction: Direction, target_name: str) -> None:
        texts = {} if target is None else target.texts
        missing = target_name if self._columns else direction.target_name
        for identifier, (src, line) in source.texts.items():
            if identifier not in texts:
                self.report.left_out[f"no {missing} text"] += 1
                continue
            tgt = texts[identifier][0]
            self.units.append(Unit(*((tgt, src) if direction.is_reversed else (src, tgt)), line))
            self._languages.count(direction)
        if surplus := len(texts.keys() - source.texts.keys()):
            self.report.left_out["no source text"] += surplus

    def _count_without_source(self, versions: dict[str, _Version]) -> None:
        for name, version in versions.items():
            if name.startswith("ref"):
                self.report.left_out["no source text"] += len(version.texts)


class SgmReader:
    """Reader of two SGM files of a WMT test set, of 2020 or before: the source and one reference.

    These files need not be well-formed XML: an `&` may be unescaped. Documents are matched by order and `docid`,
    sentences by `id`. If the second file has several references, the first one is read.

    Args:
        src: File of the source text, or the open file; None = standard input.
        tgt: File of the reference.
        options: How to read them.

    Attributes:
        name: Names of the files, for messages.
        format: Name of the format.
        report: What was left out so far.
    """

    format = "sgm"

    def __init__(self, src: Source, tgt: Source, options: ReadOptions) -> None:
        self._sources = (src, tgt)
        self._names = [source_name(source) for source in (src, tgt)]
        self.name = " and ".join(self._names)
        self.report = ReadReport(options.on_error)
        self._options = options
        self._file: InputFile | None = None

    def units(self) -> Iterator[Unit]:
        """Reads both files, and pairs the sentences of their documents. See `UnitReader.units`."""
        with open_input(self._sources[0]) as src_file, open_input(self._sources[1]) as tgt_file:
            self._file = src_file
            src_docs, tgt_docs = (
                SgmSegments(Utf8Chunks(file, name, self._options.encoding), name, self.report).documents()
                for file, name in zip((src_file, tgt_file), self._names, strict=True)
            )
            while True:
                src_doc, tgt_doc = next(src_docs, None), next(tgt_docs, None)
                if src_doc is not None and tgt_doc is not None:
                    yield from self._pair(src_doc, tgt_doc)
                elif src_doc is not tgt_doc:
                    self._report_surplus(src_doc, tgt_doc)
                else:
                    return

    def fraction_read(self) -> float | None:
        """Fraction of the source file read so far, 0 to 1; None if not known. See `UnitReader.fraction_read`."""
        return None if self._file is None else self._file.fraction_read()

    def _pair(self, src_doc: SgmDocument, tgt_doc: SgmDocument) -> Iterator[Unit]:
        if src_doc.docid.lower() != tgt_doc.docid.lower():
            self.report.fault(
                f"{self._names[1]}:{tgt_doc.line}: expected the document {src_doc.docid!r} as in line {src_doc.line} "
                f"of {self._names[0]}, found {tgt_doc.docid!r}: check that the files belong together"
            )
            return
        src_name, tgt_name = self._options.langs or ("source", "target")
        for identifier, (src, line) in src_doc.texts.items():
            if identifier in tgt_doc.texts:
                yield Unit(src, tgt_doc.texts[identifier][0], line)
            else:
                self.report.left_out[f"no {tgt_name} text"] += 1
        if surplus := len(tgt_doc.texts.keys() - src_doc.texts.keys()):
            self.report.left_out[f"no {src_name} text"] += surplus

    def _report_surplus(self, src_doc: SgmDocument | None, tgt_doc: SgmDocument | None) -> None:
        """Reports a document that only one of the files has."""
        doc, has, lacks = (tgt_doc, 1, 0) if src_doc is None else (src_doc, 0, 1)
        if doc is not None:
            self.report.fault(
                f"{self._names[has]}:{doc.line}: expected as many documents as in {self._names[lacks]}, found the "
                f"document {doc.docid!r} besides: check that the files belong together"
            )
