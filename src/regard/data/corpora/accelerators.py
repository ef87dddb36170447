"""Removes the marks of keyboard shortcuts, such as `&` in `&Open`, from texts of menus."""

from __future__ import annotations

import re
from functools import cache

_MARKS = "&_"
"""Marks of Qt and Windows, and of GTK; tried in this order if the catalog does not name its mark."""


def remove_accelerators(src: str, tgt: str, mark: str | None = None) -> tuple[str, str]:
    """Removes the mark of a keyboard shortcut from a text and its translation.

    Marks are removed only if the source has exactly one, and if that is not inside an identifier, such as `file_name`,
    that the translation contains as well. Doubled marks then become single ones, and a shortcut that the translation
    adds in parentheses, such as `(&O)`, is removed.

    Args:
        src: Source text.
        tgt: Translation.
        mark: The mark, such as `"&"`; None = `&` if the source has one, or else `_`.

    Returns:
        Both texts without the mark.

    >>> remove_accelerators("&Open...", "ファイルを開く(&O)...")
    ('Open...', 'ファイルを開く...')
    >>> remove_accelerators("Sa_ve %(file_name)s", "_Enregistrer %(file_name)s")
    ('Save %(file_name)s', 'Enregistrer %(file_name)s')
    >>> remove_accelerators("AT&amp;T", "AT&amp;T")
    ('AT&amp;T', 'AT&amp;T')
    """
    for candidate in (mark,) if mark else _MARKS:
        marks = [match for match in _scanner(candidate).finditer(src) if match["mark"]]
        if len(marks) == 1 and not _is_identifier(marks[0], tgt):
            return _without(src, candidate), _without(tgt, candidate)
    return src, tgt


@cache
def _scanner(mark: str) -> re.Pattern[str]:
    """Finds marks before a letter or digit; first what only looks like a mark: placeholders, tags, entities."""
    escaped = re.escape(mark)
    return re.compile(
        rf"%\(\w*\)\w?|\{{\w*\}}|<[^<>]*>|&(?:[a-zA-Z]+|#\d+|#x[\da-fA-F]+);|(?P<double>{escaped}{escaped})"
        rf"|(?P<added>\s*[(（]{escaped}\w[)）])|(?P<mark>{escaped}(?=\w))"
    )


def _is_identifier(mark: re.Match[str], tgt: str) -> bool:
    """Whether the mark is within a word that the translation has as well."""
    before = re.search(r"\w*$", mark.string[: mark.start()])
    after = re.match(r"\w+", mark.string[mark.end() :])
    return bool(before and before[0] and after and f"{before[0]}{mark[0]}{after[0]}" in tgt)


def _without(text: str, mark: str) -> str:
    def replaced(match: re.Match[str]) -> str:
        if match["double"]:
            return mark
        return "" if match["added"] or match["mark"] else match[0]

    return _scanner(mark).sub(replaced, text)
