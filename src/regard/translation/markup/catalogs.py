"""Gettext catalogs (.po, .pot): strings without a translation are filled in."""

from __future__ import annotations

import gettext
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from regard.data.corpora.catalog_pairs import locale_code
from regard.data.corpora.language_choice import choose_language
from regard.data.corpora.po import PoCatalog, parse_po
from regard.data.corpora.po_entry import PoEntry, PoString, header_fields
from regard.errors import DataError
from regard.text.normalize import replace_surrogates
from regard.translation.markup.accelerator_marks import Accelerator, accelerator_mark, find_accelerator
from regard.translation.markup.file_options import FileOptions
from regard.translation.markup.keep import KeepPatterns
from regard.translation.markup.markup_document import Document
from regard.translation.markup.markup_options import MarkupOptions
from regard.translation.markup.messages import contains_html, parse_message
from regard.translation.markup.placeholders import find_placeholders
from regard.translation.markup.program_formats import double_percent_signs, has_same_format, keep_pattern
from regard.translation.markup.sentence import TranslatedSentence

_PLURALS = re.compile(r"nplurals\s*=\s*([1-9])\s*;\s*plural\s*=\s*([^;]+)")
_NUMBERS = 200
"""The numbers below this one are tried to find out which have the same plural form."""


@dataclass(frozen=True, slots=True)
class _Message:
    """A text of an entry, and the strings that its translation fills.

    Attributes:
        entry: The entry.
        text: The text.
        document: Its sentences.
        places: The empty strings.
        accelerator: The keyboard shortcut that the translation gets; None = the text has none.
    """

    entry: PoEntry
    text: str
    document: Document
    places: tuple[PoString, ...]
    accelerator: Accelerator | None

    def render(self, translations: Sequence[TranslatedSentence]) -> str:
        """The translation of the text.

        Args:
            translations: One per sentence of the text.

        Returns:
            The translation with its keyboard shortcut, and with doubled percent signs where the program's format
            needs them.
        """
        text = replace_surrogates(self.document.render(translations))
        if self.accelerator is not None:
            text = self.accelerator.put_into(text)
        return double_percent_signs(self.text, text, self.entry.flags)


class CatalogFile:
    """A gettext catalog; see `regard.translation.markup.files.FileDocument`.

    Args:
        catalog: The parsed catalog.
        options: Whether to mark filled entries as fuzzy, and what is translated.
    """

    def __init__(self, catalog: PoCatalog, options: FileOptions) -> None:
        self._catalog, self._mark_fuzzy = catalog, options.mark_fuzzy
        self._messages = tuple(_messages(catalog, options.markup))
        self._sentences = tuple(sentence for message in self._messages for sentence in message.document.sentences)

    @property
    def sentences(self) -> tuple[str, ...]:
        """Source sentences of the strings that have no translation yet, in order. See `FileDocument.sentences`."""
        return self._sentences

    @property
    def needs_alignment(self) -> bool:
        """Whether a string has placeholders that word alignment places. See `FileDocument.needs_alignment`."""
        return any(message.document.needs_alignment for message in self._messages)

    def render(self, translations: Sequence[TranslatedSentence]) -> bytes:
        """Writes the catalog with its translations; see `FileDocument.render`."""
        if len(translations) != len(self._sentences):
            raise ValueError(f"expected {len(self._sentences)} translations, one per sentence, got {len(translations)}")
        texts: list[tuple[PoString, str]] = []
        fuzzy: dict[int, PoEntry] = {}
        start = 0
        for message in self._messages:
            end = start + len(message.document.sentences)
            text = message.render(translations[start:end])
            texts += [(place, text) for place in message.places]
            start = end
            if self._mark_fuzzy or not has_same_format(message.text, text, message.entry.flags):
                fuzzy[id(message.entry)] = message.entry
        return self._catalog.replace(texts, fuzzy=fuzzy.values())


def open_catalog(name: str, data: bytes, options: FileOptions) -> CatalogFile:
    """Finds the strings of a catalog that have no translation.

    Args:
        name: Name of the file, for messages.
        data: The content.
        options: Target language, and whether filled entries become fuzzy.

    Returns:
        The catalog. Its header, obsolete entries and strings with a translation, fuzzy or not, stay as they are. An
        entry for a program's format, such as `c-format`, becomes fuzzy if a part such as `%s` is lost or changed.

    Raises:
        DataError: An entry is faulty; the message names its line. Or the header names another language.
    """
    catalog = parse_po(data, name)
    _check_language(catalog, name, options.target)
    return CatalogFile(catalog, options)


def _check_language(catalog: PoCatalog, name: str, target: str | None) -> None:
    header = next((entry for entry in catalog.entries if entry.is_header), None)
    if header is None or target is None:
        return
    language = header_fields(next(iter(header.msgstr.values())).text).get("language", "")
    code = locale_code(language)
    if code and not choose_language(target, [code], where=name):
        raise DataError(
            f"{name}: expected a catalog of translations into {target}, found Language: {language} in its header: "
            "choose a model for this language, name the languages of the model with --langs, or correct the header"
        )


@dataclass(frozen=True, slots=True)
class _PluralForms:
    """How the strings of an entry with plural depend on the number.

    Attributes:
        count: Number of the forms; 0 = the header does not say.
        singular: The form for exactly one; -1 if a single form is for all numbers.
        is_shared: Whether other numbers than one have the form for one, such as 21 in Russian and 0 in French.
    """

    count: int
    singular: int
    is_shared: bool


def _messages(catalog: PoCatalog, options: MarkupOptions) -> Iterator[_Message]:
    header = next((entry for entry in catalog.entries if entry.is_header), None)
    fields = header_fields("" if header is None or 0 not in header.msgstr else header.msgstr[0].text)
    forms = _plural_forms(fields.get("plural-forms", ""))
    mark = accelerator_mark((entry.msgid.text for entry in catalog.entries), fields.get("x-accelerator-marker"))
    with_formats = _OptionsOfFormats(options)
    for entry in catalog.entries:
        if entry.is_header or entry.obsolete or not entry.msgstr or not entry.msgid.text.strip():
            continue
        if entry.msgid_plural is None:
            groups = [(entry.msgid, [string for string in entry.msgstr.values() if not string.text])]
        else:
            groups = _plural_groups(entry, entry.msgid_plural, forms, catalog.newline)
        for source, places in groups:
            if places:
                accelerator = find_accelerator(source.text, mark) if mark and not contains_html(source.text) else None
                text = source.text if accelerator is None else accelerator.text
                document = parse_message(text, with_formats.choose(entry.flags))
                yield _Message(entry, source.text, document, tuple(places), accelerator)


class _OptionsOfFormats:
    """Options by which what a program replaces is not translated, one object per format.

    Args:
        options: What is translated and what is not, in entries without a format.
    """

    def __init__(self, options: MarkupOptions) -> None:
        self._options = options
        self._by_pattern: dict[str, MarkupOptions] = {}

    def choose(self, flags: Sequence[str]) -> MarkupOptions:
        """The options for an entry with these flags."""
        pattern = keep_pattern(flags)
        if pattern is None:
            return self._options
        if pattern not in self._by_pattern:
            patterns = self._options.keep.patterns if self._options.keep is not None else ()
            self._by_pattern[pattern] = replace(self._options, keep=KeepPatterns((*patterns, pattern)))
        return self._by_pattern[pattern]


def _plural_groups(
    entry: PoEntry, plural: PoString, forms: _PluralForms, newline: str
) -> list[tuple[PoString, list[PoString]]]:
    """The empty strings for one, and those for other numbers, with the string that each group translates."""
    last = max(entry.msgstr.values(), key=lambda string: string.end)
    strings = dict(entry.msgstr)
    for number in range(forms.count):  # a form that the file lacks is written after the last one
        strings.setdefault(number, PoString(f"{newline}msgstr[{number}]", "", last.end, last.end, last.line))
    singular = forms.singular
    if forms.is_shared and _placeholders(entry.msgid.text) != _placeholders(plural.text):
        singular = -1  # such as "one file", which is wrong for 21 files
    empty = {number: string for number, string in sorted(strings.items()) if not string.text}
    singular_strings = [string for number, string in empty.items() if number == singular]
    plural_strings = [string for number, string in empty.items() if number != singular]
    return [(entry.msgid, singular_strings), (plural, plural_strings)]


def _placeholders(text: str) -> list[str]:
    return sorted(text[start:end] for start, end in find_placeholders(text))


def _plural_forms(field: str) -> _PluralForms:
    match = _PLURALS.search(field)
    if match is None:
        return _PluralForms(0, 0, False)
    count = int(match[1])
    if count == 1:
        return _PluralForms(1, -1, False)
    try:
        form = gettext.c2py(match[2])
        forms = [form(number) for number in range(_NUMBERS)]
    except (ValueError, OverflowError, ZeroDivisionError, RecursionError):
        return _PluralForms(count, 0, False)
    return _PluralForms(count, forms[1], forms.count(forms[1]) > 1)
