"""Options for glossaries, and reports of how often translations used the terms as the glossary requires."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regard.cli.loading import loading
from regard.cli.messages import warn
from regard.cli.options import parse_path
from regard.errors import SearchError

if TYPE_CHECKING:
    from regard.translation.glossary import Glossary
    from regard.translation.glossary_files import GlossaryFiles
    from regard.translation.options import Changes
    from regard.translation.result import Translation
    from regard.translation.term_use import TermStatistics

TermFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--terms",
        parser=parse_path,
        metavar="FILE",
        help="Glossary, as .tsv, .csv or .tbx: terms, the translations that they must or must not have, and flags; may "
        "be repeated.",
        show_default=False,
    ),
]


@dataclass(frozen=True)
class TermOptions:
    """Options that name glossaries."""

    terms: TermFiles = None


NO_TERMS = TermOptions()
"""No glossary."""


@dataclass(frozen=True)
class UsedTermOptions(TermOptions):
    """Options that name glossaries, and say whether the search or the source text makes translations use them."""

    terms_in_source: Annotated[
        bool,
        typer.Option(
            "--terms-in-source",
            help="Write terms into the source instead of requiring them in the search: hardly slower, but "
            "meets fewer of them; needs --terms, and a model trained with train.terms.",
        ),
    ] = False

    @property
    def in_source(self) -> bool:
        """Whether terms are written into the source; `--terms-in-source` without `--terms` raises a `SearchError`."""
        if self.terms_in_source and not self.terms:
            raise SearchError("--terms-in-source has no effect without a glossary: add --terms FILE, or leave it out")
        return self.terms_in_source

    def to_fields(self) -> Changes:
        """Converts `--terms-in-source` to an argument of `TranslateOptions`, as a dictionary by field name."""
        return {"terms_in_source": True} if self.in_source else {}


NO_USED_TERMS = UsedTermOptions()
"""No glossary."""


def find_terms(options: TermOptions, models: Sequence[Path], langs: str | None = None) -> GlossaryFiles | None:
    """Finds the files of the glossary that `--terms` names, and the languages to read from them.

    Args:
        options: The options for glossaries.
        models: Directories of the models; if `langs` is None, the languages stored in the first are used.
        langs: Source and target language, such as `en-fr`, or None.

    Returns:
        Files and languages; None if `--terms` is not given.
    """
    if not options.terms:
        return None
    with loading():
        from regard.text.languages import parse_direction
        from regard.translation.glossary_files import GlossaryFiles
        from regard.translation.loading import stored_languages

    langs = langs or stored_languages(models[0])
    return GlossaryFiles(tuple(options.terms), parse_direction(langs) if langs else None)


def read_terms(options: TermOptions, models: Sequence[Path], langs: str | None = None) -> Glossary | None:
    """Reads the glossary that `--terms` names.

    Args:
        options: The options for glossaries.
        models: Directories of the models; if `langs` is None, the languages stored in the first are used.
        langs: Source and target language, such as `en-fr`, or None.

    Returns:
        The glossary; None if `--terms` is not given.
    """
    files = find_terms(options, models, langs)
    return None if files is None else files.read()


def counting(
    translations: Iterable[Translation], statistics: TermStatistics | None
) -> Iterator[tuple[Translation, list[dict[str, object]] | None]]:
    """Passes translations on, and counts how often they use the terms of a glossary.

    Args:
        translations: The translations.
        statistics: Counts of the glossary's terms, to which each translation is added; None = no counting.

    Yields:
        Each translation, with its glossary terms as JSON objects (None without counting).
    """
    for translation in translations:
        if statistics is None:
            yield translation, None
        else:
            uses = statistics.add(translation.source, translation.text)
            yield translation, [use.to_dict() for use in uses]


def start_counting(glossary: Glossary | None) -> TermStatistics | None:
    """Makes an object that counts how often translations use the terms of a glossary.

    Args:
        glossary: The glossary; None = no glossary.

    Returns:
        Counts, all zero; None without a glossary.
    """
    if glossary is None:
        return None
    from regard.translation.term_use import TermStatistics

    return TermStatistics(glossary)


def report_terms(statistics: TermStatistics | None) -> None:
    """Prints on standard error how often translations used each term as the glossary requires.

    Args:
        statistics: The counts of terms; None = nothing is printed.
    """
    for line in [] if statistics is None else statistics.report():
        warn(line)


def report_terms_of(translations: Iterable[Translation], glossary: Glossary | None) -> None:
    """Prints on standard error how often translations use each term as a glossary requires.

    Args:
        translations: The translations.
        glossary: The glossary; None = nothing is printed.
    """
    if glossary is not None:
        from regard.translation.term_use import count_terms

        pairs = ((translation.source, translation.text) for translation in translations)
        report_terms(count_terms(glossary, pairs))
