"""Options of a translation; those that are not given have the values stored with the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

from regard.config.schema import SearchConfig
from regard.errors import SearchError
from regard.search.beam import BeamOptions
from regard.search.sample import SampleOptions
from regard.translation.glossary import Glossary


@dataclass(frozen=True, slots=True)
class TranslateOptions:
    """Options of a translation.

    Attributes:
        beam: Width of the beam; 1 is greedy search. None = the beam stored with the model, but at least `n_best`.
        n_best: Number of translations to return per sentence.
        attention: Whether to return the attention matrices, and with them the word alignment.
        alignment: Whether to return the word alignment.
        retry: Whether to translate a sentence again if its translation has quality flags, which are signs of a bad
            translation in its length, repetitions and attention.
        scores: Whether to return scores. If not, scores may be NaN, which makes some engines faster.
        length_penalty: α of Wu et al. 2016, eq. 14; None = the value stored with the model.
        coverage_penalty: β of Wu et al. 2016, eq. 14; None = the value stored with the model.
        min_len: Smallest number of subwords of a translation.
        sample: Options of sampling. If given, translations are drawn from the model's distribution instead of searched
            for; `beam`, `n_best`, `retry`, both penalties and `min_len` then cannot be given.

        recase: Whether a sentence in capitals, title case or lower case that the vocabulary knows better in ordinary
            case is translated from that. The translation of capitals is put into capitals, that of lower case begins
            in lower case; a warning and `Translation.read_as` say so.
        glossary: Terms with the translations that they must, or must not, have.

    Raises:
        SearchError: `sample` is combined with one of these options.
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
    recase: bool = True
    glossary: Glossary | None = None

    def __post_init__(self) -> None:
        if self.sample is None:
            return
        ranking = self.beam, self.length_penalty, self.coverage_penalty
        if any(option is not None for option in ranking) or self.n_best > 1 or self.retry or self.min_len:
            raise SearchError(
                "sample cannot be combined with beam, n_best, retry, length_penalty, coverage_penalty or min_len, "
                "because sampled translations are not ranked: leave these options out, and set num_samples for several "
                "translations"
            )

    @property
    def need_alignment(self) -> bool:
        """Whether the word alignment must be derived from the attention."""
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
        """Number of translations per sentence, searched for or sampled."""
        return self.n_best if self.sample is None else self.sample.num_samples

    def search_options(self, own: SearchConfig) -> BeamOptions | SampleOptions:
        """The options to pass to the search.

        Args:
            own: The `[search]` section of the model, for options that are None.

        Returns:
            Options of beam search (greedy search with a beam of 1), or of sampling if `sample` is set.

        Raises:
            SearchError: An option is not in its range.
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
    recase: bool
    glossary: Glossary | None
