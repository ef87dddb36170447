"""What a caller may choose for a translation; what is left open is the model's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

from regard.config.schema import SearchConfig
from regard.errors import SearchError
from regard.search.beam import BeamOptions
from regard.search.sample import SampleOptions


@dataclass(frozen=True, slots=True)
class TranslateOptions:
    """Options of a translation.

    Attributes:
        beam: Width of the beam; 1 is greedy; None = the model's own, or `n_best` where that is larger.
        n_best: Translations returned per sentence.
        attention: Whether to return the attention matrices, and with them the word alignment.
        alignment: Whether to return the word alignment.
        retry: Whether to check the attention of every translation, and to translate again where it looks wrong.
        scores: Whether to return scores; without them they may be NaN, where an engine is faster without.
        length_penalty: α of Wu et al. 2016, eq. 14; None = the model's own.
        coverage_penalty: β of the same; None = the model's own.
        min_len: Fewest subwords of a translation.
        sample: Draw translations from the model's distribution instead of searching for the most probable ones; the
            options of a search cannot be combined with it.

    Raises:
        SearchError: Options of a search are combined with `sample`.
    """

    beam: int | None = None
    n_best: int = 1
    attention: bool = False
    alignment: bool = False
    retry: bool = False
    scores: bool = True
    length_penalty: float | None = None
    coverage_penalty: float | None = None
    min_len: int = 0
    sample: SampleOptions | None = None

    def __post_init__(self) -> None:
        if self.sample is None:
            return
        ranking = self.beam, self.length_penalty, self.coverage_penalty
        if any(option is not None for option in ranking) or self.n_best > 1 or self.retry or self.min_len:
            raise SearchError(
                "sample excludes beam, n_best, retry, length_penalty, coverage_penalty and min_len: translations are "
                "drawn, not ranked; leave these out, and give num_samples for several translations"
            )

    @property
    def need_alignment(self) -> bool:
        """Whether the word alignment is read off the attention."""
        return self.attention or self.alignment

    @property
    def need_weights(self) -> bool:
        """Whether the search must return attention weights."""
        return self.need_alignment or self.retry

    @property
    def need_scores(self) -> bool:
        """Whether the search must return scores."""
        return self.scores or self.retry

    @property
    def num_translations(self) -> int:
        """Translations per sentence."""
        return self.n_best if self.sample is None else self.sample.num_samples

    def search_options(self, own: SearchConfig) -> BeamOptions | SampleOptions:
        """The options of the search.

        Args:
            own: The model's search section, for what the caller left open.

        Returns:
            Options of a beam search (greedy with a beam of 1), or of sampling.

        Raises:
            SearchError: A number is out of its range.
        """
        if self.sample is not None:
            return self.sample
        return BeamOptions(
            beam=max(own.beam, self.n_best) if self.beam is None else self.beam,
            n_best=self.n_best,
            length_penalty=own.length_penalty if self.length_penalty is None else self.length_penalty,
            coverage_penalty=own.coverage_penalty if self.coverage_penalty is None else self.coverage_penalty,
            min_len=self.min_len,
        )


class Changes(TypedDict, total=False):
    """Fields of `TranslateOptions` by name, for calls such as `translate(text, beam=1)`."""

    beam: int | None
    n_best: int
    attention: bool
    alignment: bool
    retry: bool
    scores: bool
    length_penalty: float | None
    coverage_penalty: float | None
    min_len: int
    sample: SampleOptions | None
