"""Files to be translated: text, Markdown, HTML, subtitles, office documents, catalogs, memories, tables."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Protocol

from regard.errors import DataError
from regard.files.printable import on_one_line
from regard.translation.markup.archive import MAX_TEXT, Archive, read_archive, write_archive
from regard.translation.markup.catalogs import open_catalog
from regard.translation.markup.dialects import HTML, PLAIN, XHTML, XML, Dialect
from regard.translation.markup.document import parse_dialect
from regard.translation.markup.encoding import DecodedText, decode_text
from regard.translation.markup.file_formats import CATALOG_FORMATS, FILE_FORMATS
from regard.translation.markup.file_options import DEFAULT_OPTIONS, FileOptions
from regard.translation.markup.json_lines import parse_json_lines
from regard.translation.markup.markdown import parse_markdown
from regard.translation.markup.markup_document import Document, document_of
from regard.translation.markup.office import OPEN_DOCUMENT, SLIDES, WORD, join_fields
from regard.translation.markup.pieces import split_document
from regard.translation.markup.sentence import TranslatedSentence
from regard.translation.markup.subtitles import parse_subtitles
from regard.translation.markup.tables import parse_csv, parse_tsv
from regard.translation.markup.tmx import parse_tmx
from regard.translation.markup.tokens import tokenize
from regard.translation.markup.web_subtitles import parse_web_subtitles
from regard.translation.markup.xliff import parse_xliff


class FileDocument(Protocol):
    """A file with sentences to be translated."""

    @property
    def sentences(self) -> tuple[str, ...]:
        """The sentences to be translated, in order."""
        ...

    @property
    def needs_alignment(self) -> bool:
        """Whether `render` uses the word alignments of the translations."""
        ...

    def render(self, translations: Sequence[TranslatedSentence]) -> bytes:
        """Writes the file with translated sentences.

        Args:
            translations: One per sentence, in order.

        Returns:
            A file of the same format. If no sentence changes, it is the original file, except for translations that
            are written beside the sentences, as in a catalog.

        Raises:
            ValueError: There are more or fewer translations than sentences.
        """
        ...


Parse = Callable[[str, str, FileOptions], Document]
"""A function of a file's name and text, and of the options."""


class TextFile:
    """A file that is text itself, such as .txt or .html; see `FileDocument`.

    Args:
        data: The content of the file.
        decoded: The content as text.
        document: The document that was parsed from the text, with its sentences.
        references: Whether characters that the encoding lacks may be written as character references.
    """

    def __init__(self, data: bytes, decoded: DecodedText, document: Document, *, references: bool) -> None:
        self._data, self._decoded, self._document, self._references = data, decoded, document, references

    @property
    def sentences(self) -> tuple[str, ...]:
        """The sentences of the text to be translated, in order; see `FileDocument.sentences`."""
        return self._document.sentences

    @property
    def needs_alignment(self) -> bool:
        """Whether `render` uses word alignments, to place tags and placeholders among the translated words."""
        return self._document.needs_alignment

    def render(self, translations: Sequence[TranslatedSentence]) -> bytes:
        """Writes the file with its translations; see `FileDocument.render`."""
        text = self._document.render(translations)
        return self._data if text == self._decoded.text else self._decoded.encode(text, references=self._references)


@dataclass(frozen=True, slots=True)
class _TranslatedEntry:
    """A file in an archive that contains text.

    Attributes:
        position: Index of the file in `Archive.names`.
        file: The file.
    """

    position: int
    file: TextFile


class ArchiveFile:
    """A zip archive in which some files contain text, such as .docx or .epub; see `FileDocument`.

    Args:
        archive: The archive.
        translated: The files in the archive whose text is to be translated.
    """

    def __init__(self, archive: Archive, translated: Sequence[_TranslatedEntry]) -> None:
        self._archive, self._translated = archive, translated
        self._sentences = tuple(sentence for entry in translated for sentence in entry.file.sentences)

    @property
    def sentences(self) -> tuple[str, ...]:
        """The sentences to be translated of all files in the archive, in order; see `FileDocument.sentences`."""
        return self._sentences

    @property
    def needs_alignment(self) -> bool:
        """Whether `render` uses word alignments, to place the tags of any file among the translated words."""
        return any(entry.file.needs_alignment for entry in self._translated)

    def render(self, translations: Sequence[TranslatedSentence]) -> bytes:
        """Writes the archive with its translations; see `FileDocument.render`."""
        if len(translations) != len(self._sentences):
            raise ValueError(f"expected {len(self._sentences)} translations, one per sentence, got {len(translations)}")
        changed: dict[int, bytes] = {}
        start = 0
        for entry in self._translated:
            end = start + len(entry.file.sentences)
            content = entry.file.render(translations[start:end])
            if content != self._archive.contents[entry.position]:
                changed[entry.position] = content
            start = end
        return write_archive(self._archive, changed) if changed else self._archive.data


@dataclass(frozen=True, slots=True)
class _ArchiveFormat:
    """A format of zip archives.

    Attributes:
        required: An entry that shows that an archive has this format.
        content: The entries that contain text.
        parse: Finds the sentences of an entry.
    """

    required: str
    content: re.Pattern[str]
    parse: Parse


def _parse_as(dialect: Dialect) -> Parse:
    return lambda name, text, options: parse_dialect(text, dialect, options.markup)


def _parse_word(name: str, text: str, options: FileOptions) -> Document:
    return document_of(split_document(join_fields(tokenize(text, xml=True)), WORD, options.markup), WORD)


def _parse_book(name: str, text: str, options: FileOptions) -> Document:
    return parse_dialect(text, XML if name.lower().endswith(".ncx") else XHTML, options.markup)


_TEXT_FILES: dict[str, Parse] = {
    ".txt": _parse_as(PLAIN),
    ".html": _parse_as(HTML),
    ".htm": _parse_as(HTML),
    ".xhtml": _parse_as(XHTML),
    ".xml": _parse_as(XML),
    ".md": parse_markdown,
    ".markdown": parse_markdown,
    ".srt": parse_subtitles,
    ".vtt": parse_web_subtitles,
    ".xlf": parse_xliff,
    ".xliff": parse_xliff,
    ".tmx": parse_tmx,
    ".csv": parse_csv,
    ".tsv": parse_tsv,
    ".jsonl": parse_json_lines,
}
_OPEN_CONTENT = re.compile(r"(?:content|styles)\.xml")
_ARCHIVES = {
    ".docx": _ArchiveFormat(
        "word/document.xml",
        re.compile(r"word/(?:document|header\d*|footer\d*|footnotes|endnotes)\.xml"),
        _parse_word,
    ),
    ".pptx": _ArchiveFormat(
        "ppt/presentation.xml",
        re.compile(r"ppt/(?:slides/slide|notesSlides/notesSlide|diagrams/data)\d+\.xml"),
        _parse_as(SLIDES),
    ),
    ".odt": _ArchiveFormat("content.xml", _OPEN_CONTENT, _parse_as(OPEN_DOCUMENT)),
    ".odp": _ArchiveFormat("content.xml", _OPEN_CONTENT, _parse_as(OPEN_DOCUMENT)),
    ".epub": _ArchiveFormat("META-INF/container.xml", re.compile(r"(?i).+\.(?:xhtml|html|htm|ncx)"), _parse_book),
}
_MARKUP_FILES = frozenset({".html", ".htm", ".xhtml", ".xml", ".xlf", ".xliff", ".tmx"})
_ENCRYPTION = ("META-INF/manifest.xml", "META-INF/encryption.xml")
"""Files that name the encrypted files of an archive, in OpenDocument and EPUB."""
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_REFUSED = {
    ".pdf": "PDF files contain positions of letters rather than paragraphs, so a translation cannot be written back: "
    "export it from its program as .docx, .odt or .html",
    ".doc": "the old binary format of Word: save it as .docx",
    ".ppt": "the old binary format of PowerPoint: save it as .pptx",
    ".rtf": "Rich Text Format: save it as .docx or .odt",
}


def open_file(name: str, data: bytes, options: FileOptions = DEFAULT_OPTIONS) -> FileDocument:
    """Finds the sentences of a file.

    Args:
        name: Name of the file; its extension, in lower or upper case, gives the format.
        data: The content.
        options: What is translated; and languages and columns of files that contain texts beside their translations.

    Returns:
        The file's sentences, and the means to write it with translations.

    Raises:
        DataError: The format is not supported, or the file is damaged, encrypted, too large or in an unknown encoding,
            or does not have the languages or columns of the options.
    """
    extension = PurePosixPath(name.replace("\\", "/")).suffix.lower()
    shown = on_one_line(name[-80:])
    if data.startswith(b"%PDF-"):
        extension = ".pdf"
    if extension in _REFUSED:
        raise DataError(f"{shown}: cannot be translated: {_REFUSED[extension]}")
    if extension in _ARCHIVES:
        return _open_archive(shown, data, extension, options)
    if extension not in FILE_FORMATS:
        raise DataError(f"{shown}: expected a file of type {', '.join(FILE_FORMATS)}: convert it to one of them")
    if len(data) > MAX_TEXT:
        raise DataError(f"{shown}: contains {len(data)} bytes of text; at most {MAX_TEXT} are read: split it")
    if extension in CATALOG_FORMATS:
        return open_catalog(shown, data, options)
    return _open_text(shown, data, _TEXT_FILES[extension], options, markup=extension in _MARKUP_FILES)


def _open_text(name: str, data: bytes, parse: Parse, options: FileOptions, *, markup: bool) -> TextFile:
    decoded = decode_text(name, data, declared=markup)
    if "\0" in decoded.text:
        raise DataError(
            f"{name}: expected text, found a NUL character at position {decoded.text.index(chr(0))}: "
            "it is a binary file, or UTF-16 without a byte order mark; save it as UTF-8"
        )
    return TextFile(data, decoded, parse(name, decoded.text, options), references=markup)


def _open_archive(name: str, data: bytes, extension: str, options: FileOptions) -> ArchiveFile:
    if data.startswith(_OLE):
        raise DataError(
            f"{name}: encrypted, or in the old binary format: remove the password or save it as {extension}"
        )
    if not data.startswith(b"PK"):
        raise DataError(
            f"{name}: expected a {extension} file, a zip archive that begins with PK, found other data: open it in its "
            f"program and save it as {extension}"
        )
    format = _ARCHIVES[extension]
    archive = read_archive(name, data, lambda inner: inner in _ENCRYPTION or bool(format.content.fullmatch(inner)))
    if format.required not in archive.names:
        raise DataError(
            f"{name}: expected a {extension} file, found an archive without {format.required}: open it in its program "
            f"and save it as {extension}"
        )
    _check_not_encrypted(name, archive)
    translated = [
        _TranslatedEntry(
            position,
            _open_text(f"{name}: {on_one_line(archive.names[position])}", content, format.parse, options, markup=True),
        )
        for position, content in archive.contents.items()
        if archive.names[position] not in _ENCRYPTION
    ]
    return ArchiveFile(archive, translated)


def _check_not_encrypted(name: str, archive: Archive) -> None:
    for position, content in archive.contents.items():
        texts = [inner.encode() for inner in archive.names if inner.endswith("html")]
        marks = {_ENCRYPTION[0]: [b"encryption-data"], _ENCRYPTION[1]: texts}.get(archive.names[position], [])
        if any(mark in content for mark in marks):
            raise DataError(f"{name}: encrypted: open it in its program, and save it without a password or protection")
