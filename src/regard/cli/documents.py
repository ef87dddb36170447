"""Documents on the command line: which inputs are documents, their options, and how they are translated."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regard.cli.messages import warn
from regard.cli.progress import with_progress
from regard.cli.term_options import counting, report_terms, start_counting
from regard.errors import ConfigError, DataError
from regard.files.compression import source_name
from regard.translation.markup.file_formats import CATALOG_FORMATS, FILE_FORMATS

if TYPE_CHECKING:
    from regard.translation.markup.file_options import FileOptions
    from regard.translation.options import TranslateOptions
    from regard.translation.result import Translation
    from regard.translation.translator import Translator

LINES = "lines"
"""Format of a text with one sentence per line."""
_TABLES = (".csv", ".tsv", ".jsonl")
_WITH_ATTRIBUTES = (
    ".html",
    ".htm",
    ".xhtml",
    ".xml",
    ".epub",
    *CATALOG_FORMATS,
    *_TABLES,
    ".xlf",
    ".xliff",
    ".tmx",
)
_TEXT = ".txt"
"""Type of a text that is translated as a document, with its placeholders."""


@dataclass(frozen=True)
class DocumentOptions:
    """Options of `regard translate` for documents."""

    format: Annotated[
        str | None,
        typer.Option(
            metavar="TYPE",
            help="lines: one sentence per line; or the type of a document: text, html, xml, markdown, po, xliff, ...",
            show_default="from the name of --input; lines for .txt",
        ),
    ] = None
    langs: Annotated[
        str | None,
        typer.Option(
            metavar="CODES",
            help="Source and target language of a document, such as en-fr.",
            show_default="from the model",
        ),
    ] = None
    column: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Column of a .csv or .tsv (name or number), or field of a .jsonl, to translate.",
            show_default="text, or the source language",
        ),
    ] = None
    result_column: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Column or field for the translations; added if there is none.",
            show_default="translation, or the target language",
        ),
    ] = None
    mark_fuzzy: Annotated[
        bool, typer.Option("--mark-fuzzy", help="Mark the translations that are filled into a .po as fuzzy.")
    ] = False
    keep: Annotated[
        list[str] | None,
        typer.Option(
            metavar="REGEX",
            help="Text of a document that is not translated, such as product names; may be repeated.",
            show_default="placeholders and addresses only",
        ),
    ] = None
    translate_attributes: Annotated[
        bool,
        typer.Option("--translate-attributes", help="Translate alt, title, placeholder and aria-label of HTML, too."),
    ] = False


NO_OPTIONS = DocumentOptions()


def document_type(source: Path | None, options: DocumentOptions) -> str | None:
    """Finds out whether the input is a document.

    Args:
        source: The input file; None = standard input.
        options: The options for documents.

    Returns:
        The extension of the document's type, such as `.po`; None for lines.

    Raises:
        ConfigError: The type is unknown, or an option cannot be used with an input of this type.
    """
    if options.format is None:
        extension = "" if source is None else source.suffix.lower()
        extension = extension if extension in FILE_FORMATS and extension != _TEXT else ""
        extension = extension or _TEXT * bool(options.keep)  # patterns are for documents
    else:
        extension = "" if options.format == LINES else f".{options.format.lower().removeprefix('.')}"
        extension = _TEXT if extension == ".text" else extension
        if extension and extension not in FILE_FORMATS:
            types = ", ".join(known.removeprefix(".") for known in FILE_FORMATS)
            raise ConfigError(f"--format: expected lines or one of {types}, got {options.format!r:.40}: choose one")
    for given, option, known_types in (
        (options.column is not None, "--column", _TABLES),
        (options.result_column is not None, "--result-column", _TABLES),
        (options.mark_fuzzy, "--mark-fuzzy", CATALOG_FORMATS),
        (options.translate_attributes, "--translate-attributes", _WITH_ATTRIBUTES),
        (bool(options.keep), "--keep", FILE_FORMATS),
    ):
        if given and extension not in known_types:
            found = extension or "lines of text"
            raise ConfigError(
                f"{option}: expected an input of type {', '.join(known_types)}, got {found}: remove the option, or "
                "name the type with --format"
            )
    return extension or None


def translate_file(
    translator: Translator,
    models: list[Path],
    files: tuple[Path | None, Path | None],
    options: tuple[TranslateOptions, DocumentOptions],
) -> None:
    """Translates a document.

    Args:
        translator: The translator.
        models: Directories of its models; the languages of a glossary are those stored in the first one, if it has any.
        files: Input and output file; None = a standard stream.
        options: Options of the translation, and options of the document, for which `document_type` is not None.

    Raises:
        DataError: The document cannot be read, or would be written to a terminal or a directory that is not there.
    """
    from regard.files.atomic import write_output
    from regard.translation.documents import find_stand_ins, translate_document
    from regard.translation.markup.files import open_file

    (source, output), (search, chosen) = files, options
    if output is None and sys.stdout.isatty():
        raise DataError("expected a file for the translated document, got the terminal: add --output FILE")
    if output is not None and not output.parent.is_dir():  # known only when the translation is written, otherwise
        raise DataError(f"{output.parent}: no such directory: make it, or choose another path for {output.name}")
    extension = document_type(source, chosen) or ""
    name = source_name(source)
    shown = name if name.lower().endswith(extension) else name + extension
    file_options = _file_options(models, chosen)
    markup = replace(file_options.markup, stand_ins=find_stand_ins(translator))
    document = open_file(shown, _read(source), replace(file_options, markup=markup))

    statistics = start_counting(search.glossary)

    def observe(translations: Iterator[Translation]) -> Iterator[Translation]:
        shown = with_progress(translations, total=len(document.sentences))
        for translation, _ in counting(shown, statistics):
            for warning in translation.warnings:
                warn(f"{name}: {warning}")
            yield translation

    content = translate_document(translator, document, search, observe=observe)
    if output is None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    else:
        write_output(output, lambda temporary: temporary.write_bytes(content))
    report_terms(statistics)


def _file_options(models: list[Path], chosen: DocumentOptions) -> FileOptions:
    from regard.text.languages import parse_direction
    from regard.translation.loading import stored_languages
    from regard.translation.markup.file_options import FileOptions
    from regard.translation.markup.keep import KeepPatterns
    from regard.translation.markup.markup_options import MarkupOptions

    langs = chosen.langs or stored_languages(models[0])
    source, target = parse_direction(langs) if langs else (None, None)
    markup = MarkupOptions(KeepPatterns(chosen.keep) if chosen.keep else None, chosen.translate_attributes)
    return FileOptions(source, target, chosen.column, chosen.result_column, chosen.mark_fuzzy, markup)


def _read(source: Path | None) -> bytes:
    """The whole input, up to the limit for documents."""
    from regard.files.compression import open_binary
    from regard.files.reading import named_read_errors
    from regard.translation.markup.archive import MAX_EXPANDED

    if source is None:
        if sys.stdin is None:
            raise DataError("standard input is closed: name a file with --input, or pipe a document in")
        data = sys.stdin.buffer.read(MAX_EXPANDED + 1)
    else:
        with open_binary(source) as file, named_read_errors(source, remedy="copy it", error=DataError):
            data = file.read(MAX_EXPANDED + 1)
    if len(data) > MAX_EXPANDED:
        raise DataError(
            f"{source or 'standard input'}: expected at most {MAX_EXPANDED} bytes, found more: split the document"
        )
    return data
