"""Sentence pairs of gettext catalogs: languages, plural forms, contexts and marks of unfinished translations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from regard.data.corpora.accelerators import remove_accelerators
from regard.data.corpora.file_reader import FileReader
from regard.data.corpora.language_choice import choose_language
from regard.data.corpora.plural_forms import PluralForms, placeholders
from regard.data.corpora.unit import ReadOptions, ReadReport, Unit
from regard.errors import ConfigError, DataError
from regard.files.compression import open_input
from regard.text.languages import canonical

_SCRIPTS = {"latin": "Latn", "cyrillic": "Cyrl", "arabic": "Arab", "devanagari": "Deva"}
"""Modifiers of locales that name a script, as in `sr@latin`."""


class Message(NamedTuple):
    """A message of a catalog.

    Attributes:
        msgid: Source string.
        forms: Translations by number of the plural form; only form 0 if the message has no plural.
        plural: Source string of the plural (`msgid_plural`); None if there is no plural.
        line: Line of the message; in a format without lines, the number of the message, from 1.
    """

    msgid: str
    forms: Mapping[int, str]
    plural: str | None
    line: int


class CatalogReader(FileReader):
    """Base class of the readers of catalogs. An error that ends reading is reported as a fault of the file."""

    def units(self) -> Iterator[Unit]:
        """Reads the catalog, and pairs the strings of each message. See `UnitReader.units`."""
        with open_input(self._source) as self._file:  # a missing file is an error also if faults are skipped
            try:
                yield from self._read(self._file)
            except DataError as error:
                message = str(error)
            else:
                return
        self.report.fault(message)


class CatalogPairs:
    """Turns the messages of one catalog into units.

    Args:
        name: Name of the file, for messages.
        options: Options of the reader, of which `langs` and `accelerators` are used: the languages, and whether to
            remove accelerators (the marks of keyboard shortcuts, such as `&` in `&Open`).
        report: Where left-out messages are counted.

    Attributes:
        is_reversed: Whether the catalog translates from the requested target into the requested source.
        plural_forms: The plural forms of the catalog's target language.
    """

    def __init__(self, name: str, options: ReadOptions, report: ReadReport) -> None:
        self.name = name
        self.is_reversed = False
        self.plural_forms = PluralForms()
        self._options = options
        self._report = report
        self._languages: tuple[str, ...] = ()
        self._mark: str | None = None

    def read_header(self, fields: Mapping[str, str]) -> None:
        """Takes languages, plural forms and the mark of keyboard shortcuts, such as `&`, from the header.

        Args:
            fields: Fields of the catalog's header, by name in lower case, such as `plural-forms`.

        Raises:
            DataError: The catalog is in other languages than the options say.
        """
        self.plural_forms = PluralForms.parse(fields.get("plural-forms", ""))
        self._mark = fields.get("x-accelerator-marker") or None
        target, source = locale_code(fields.get("language", "")), locale_code(fields.get("x-source-language", ""))
        self._languages = tuple(code for code in (source, target) if code)
        if self._options.langs is not None and target:
            self.is_reversed = self._is_reversed(self._options.langs, target)

    def units(self, message: Message) -> Iterator[Unit]:
        """Makes the sentence pairs of a message.

        Args:
            message: The message.

        Yields:
            The source with its translation. For a message with plural: the singular with the form for the number 1,
            and the plural with each other form.
        """
        if not any(message.forms.values()):
            self._report.left_out["untranslated"] += 1
            return
        for src, tgt in self._pairs(message):
            self._report.languages.update(self._languages)
            if self._options.accelerators:
                src, tgt = remove_accelerators(src, tgt, self._mark)
            self._report.num_exchanged += self.is_reversed
            yield Unit(tgt, src, message.line) if self.is_reversed else Unit(src, tgt, message.line)

    def _pairs(self, message: Message) -> Iterator[tuple[str, str]]:
        if message.plural is None:
            yield message.msgid, message.forms[0]
        elif self.plural_forms.num_forms == 1:
            yield from self._single_form(message.msgid, message.plural, message.forms.get(0, ""))
        else:
            yield from self._several_forms(message, message.plural)

    def _single_form(self, singular: str, plural: str, form: str) -> Iterator[tuple[str, str]]:
        """Pairs of a language without plural, whose form contains the number if the plural does."""
        if placeholders(singular) == placeholders(form):
            yield singular, form
        else:
            self._report.left_out["singular without the placeholders of the only form"] += 1
        yield plural, form

    def _several_forms(self, message: Message, plural: str) -> Iterator[tuple[str, str]]:
        done = set()
        for form, text in sorted(message.forms.items()):
            pair = (message.msgid if form == self.plural_forms.singular else plural, text)
            if not text:
                self._report.left_out["untranslated plural form"] += 1
            elif form in self.plural_forms.of_single_number:
                self._report.left_out["plural form for a single number"] += 1
            elif pair in done:
                self._report.left_out["plural form equal to another one"] += 1
            else:
                done.add(pair)
                yield pair

    def _is_reversed(self, langs: tuple[str, str], target: str) -> bool:
        where = f"{self.name}: header"
        src, tgt = langs
        if target != src and choose_language(tgt, [target], where=where):
            return False
        if choose_language(src, [target], where=where):
            return True
        raise DataError(
            f"{self.name}: expected a catalog of translations into {tgt} (or {src}), found Language: {target} in its "
            "header: name its languages with --langs, or correct the header"
        )


def locale_code(locale: str) -> str:
    """The language of a locale.

    Args:
        locale: Locale as in the header of a catalog, such as `pt_BR` or `sr@latin`.

    Returns:
        Its canonical code, such as `pt-BR` or `sr-Latn`; empty if there is none, or it is not valid.
    """
    language, _, modifier = locale.partition("@")
    parts = language.strip().partition(".")[0].replace("-", "_").split("_")
    if modifier.lower() in _SCRIPTS:
        parts.insert(1, _SCRIPTS[modifier.lower()])
    try:
        return canonical("-".join(parts))
    except ConfigError:
        return ""
