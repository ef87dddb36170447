"""Options of documents that contain a text and its translation side by side, and of tables."""

from __future__ import annotations

from dataclasses import dataclass

from regard.translation.markup.markup_options import DEFAULT_MARKUP, MarkupOptions


@dataclass(frozen=True, slots=True)
class FileOptions:
    """How to fill in the translations of a document.

    Attributes:
        source: Canonical code of the source language; None = as the document says.
        target: Canonical code of the target language; None = as the document says.
        column: Name or 1-based number of the column of a table, or name of the field of JSON lines, with the text;
            None = the one named after the source language, or else `text`, `source`, `src` or `sentence`.
        result_column: Name or number of the column or field for the translations; None = the one named after the target
            language, or else `translation`, `target` or `tgt`; if there is none, or if `column` is a number, one is
            added. If it is the same as `column`, the translations replace the text.
        mark_fuzzy: Whether to mark the translations that are filled into a PO catalog as fuzzy.
        markup: What is translated and what is not, in any format.
    """

    source: str | None = None
    target: str | None = None
    column: str | None = None
    result_column: str | None = None
    mark_fuzzy: bool = False
    markup: MarkupOptions = DEFAULT_MARKUP


DEFAULT_OPTIONS = FileOptions()
