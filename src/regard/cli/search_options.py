"""Options that say how translations are searched for or sampled, in the commands that translate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from regard.cli.options import Beam
from regard.errors import SearchError

if TYPE_CHECKING:
    from regard.translation.options import Changes

_SEARCH, _SAMPLING = "Search", "Sampling"
"""Titles of the groups in the help text."""


@dataclass(frozen=True)
class SearchOptions:
    """Options of beam search: beam size, lengths, repetitions, diverse groups, and retries."""

    beam: Beam = None
    retry: Annotated[
        bool,
        typer.Option("--retry", help="Check the attention, and translate again where it looks wrong."),
    ] = False
    no_repeat_ngram: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="Let no sequence of N subwords occur twice in a translation.",
            show_default="off",
            rich_help_panel=_SEARCH,
        ),
    ] = 0
    repetition_penalty: Annotated[
        float,
        typer.Option(
            metavar="X",
            help="Multiply the log-probability of subwords that the translation contains already by X, at least 1.",
            show_default="off",
            rich_help_panel=_SEARCH,
        ),
    ] = 1.0
    min_len_ratio: Annotated[
        float,
        typer.Option(
            metavar="X",
            help="Smallest number of subwords of a translation per source subword.",
            show_default="none",
            rich_help_panel=_SEARCH,
        ),
    ] = 0.0
    max_len_ratio: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            help="Largest number of subwords of a translation per source subword.",
            show_default="from the model, usually 2, and 20 more",
            rich_help_panel=_SEARCH,
        ),
    ] = None
    groups: Annotated[
        int,
        typer.Option(
            metavar="G",
            help="Divide the beam into G groups that choose different words (diverse beam search).",
            show_default="off",
            rich_help_panel=_SEARCH,
        ),
    ] = 1
    diversity: Annotated[
        float | None,
        typer.Option(
            metavar="X", help="How strongly groups avoid each other.", show_default="0.5", rich_help_panel=_SEARCH
        ),
    ] = None

    def to_fields(self) -> Changes:
        """Converts the options to arguments of `TranslateOptions`, as a dictionary by field name."""
        return {
            "beam": self.beam,
            "retry": self.retry,
            "no_repeat_ngram": self.no_repeat_ngram,
            "repetition_penalty": self.repetition_penalty,
            "min_len_ratio": self.min_len_ratio,
            "max_len_ratio": self.max_len_ratio,
            "groups": self.groups,
            "diversity": self.diversity,
        }


DEFAULT_SEARCH = SearchOptions()
"""Search options of the model."""


@dataclass(frozen=True)
class SamplingOptions:
    """Options of sampling, and of minimum Bayes risk decoding, which uses samples."""

    sample: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Draw N translations per line at random instead of searching; more than one needs --json.",
            show_default=False,
            rich_help_panel=_SAMPLING,
        ),
    ] = None
    mbr: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Draw N samples, and choose the translation that agrees best with them by chrF, of the samples and "
            "the beam (minimum Bayes risk).",
            show_default=False,
            rich_help_panel=_SAMPLING,
        ),
    ] = None
    temperature: Annotated[
        float | None,
        typer.Option(
            metavar="T",
            help="Below 1, likely words become likelier; above 1, less likely.",
            show_default="1",
            rich_help_panel=_SAMPLING,
        ),
    ] = None
    top_k: Annotated[
        int | None,
        typer.Option(
            metavar="K",
            help="Sample from the K most probable subwords.",
            show_default="all",
            rich_help_panel=_SAMPLING,
        ),
    ] = None
    top_p: Annotated[
        float | None,
        typer.Option(
            metavar="P",
            help="Sample from the most probable subwords with a total probability of P.",
            show_default="1",
            rich_help_panel=_SAMPLING,
        ),
    ] = None
    epsilon: Annotated[
        float | None,
        typer.Option(
            metavar="P",
            help="Sample from subwords with at least this probability.",
            show_default="0; 0.02 with --mbr",
            rich_help_panel=_SAMPLING,
        ),
    ] = None
    seed: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Seed of the random numbers; equal seeds give equal samples.",
            show_default="0",
            rich_help_panel=_SAMPLING,
        ),
    ] = None

    @property
    def num_samples(self) -> int:
        """Number of translations to print per line; 1 if none are sampled."""
        return 1 if self.sample is None else self.sample

    def to_fields(self) -> Changes:
        """Converts the options to an argument of `TranslateOptions`, as a dictionary by field name.

        Returns:
            The field `sample` if `--sample` is given, or `mbr` if `--mbr` is given; otherwise empty.

        Raises:
            SearchError: Options cannot be used together, or a number is out of its range.
        """
        options = ("temperature", "top_k", "top_p", "epsilon", "seed")
        given = {name: value for name in options if (value := getattr(self, name)) is not None}
        if self.sample is not None and self.mbr is not None:
            raise SearchError("--sample prints samples, --mbr chooses one translation by them: give only one of both")
        if self.sample is None and self.mbr is None:
            for name in given:
                raise SearchError(f"--{name.replace('_', '-')} is an option of sampling: add --sample N or --mbr N")
            return {}
        if self.sample is not None:
            from regard.search.sample import SampleOptions

            return {"sample": SampleOptions(self.sample, **given)}
        assert self.mbr is not None
        from regard.translation.options import MBR_SAMPLES

        return {"mbr": replace(MBR_SAMPLES, num_samples=self.mbr, **given)}


NO_SAMPLING = SamplingOptions()
"""Translations are searched for."""


@dataclass(frozen=True)
class PrefixOptions:
    """Options that say how a translation begins."""

    prefix: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="Text with which the translation of each line begins.",
            show_default=False,
            rich_help_panel=_SEARCH,
        ),
    ] = None
    alternatives: Annotated[
        int | None,
        typer.Option(
            metavar="K",
            help="Print K translations that continue with different words after the prefix, as n_best; needs --json.",
            show_default=False,
            rich_help_panel=_SEARCH,
        ),
    ] = None


NO_PREFIX = PrefixOptions()
"""Translations may begin in any way."""
