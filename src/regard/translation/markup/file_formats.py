"""Formats of files to be translated, by the extensions of their names.

They are apart from the readers in `regard.translation.markup.files`, because a command that translates lines needs only
the names.
"""

from __future__ import annotations

CATALOG_FORMATS: tuple[str, ...] = (".po", ".pot")
"""Extensions of gettext catalogs."""
FILE_FORMATS: tuple[str, ...] = (
    ".txt",
    ".html",
    ".htm",
    ".xhtml",
    ".xml",
    ".md",
    ".markdown",
    ".srt",
    ".vtt",
    ".xlf",
    ".xliff",
    ".tmx",
    ".csv",
    ".tsv",
    ".jsonl",
    *CATALOG_FORMATS,
    ".docx",
    ".pptx",
    ".odt",
    ".odp",
    ".epub",
)
"""Extensions of the formats that `regard.translation.markup.files.open_file` reads."""
