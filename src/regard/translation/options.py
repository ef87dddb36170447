"""Options of a translation; those that are not given have the values stored with the model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypedDict

from regard.config.schema import SearchConfig
from regard.errors import SearchError
from regard.search.beam import BeamOptions
from regard.search.restrictions import MAX_RATIO
from regard.search.sample import SampleOptions
from regard.translation.glossary import Glossary

MBR_SAMPLES = SampleOptions(num_samples=64, epsilon=0.02)
"""Samples for minimum Bayes risk decoding: ε of Freitag et al. 2023, and as many samples as a CPU can afford."""


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
            for; `beam`, `n_best`, `retry`, both penalties, `groups` and `mbr` then cannot be given.
        min_len_ratio: Smallest number of subwords of a translation per source subword, 0 to 100.
        max_len_ratio: Largest number of subwords of a translation per source subword, above 0 and at most 100; the
            limits of the model hold as well. A translation that is cut off there may have one more subword. None = only
            the limits of the model.
        no_repeat_ngram: Size of the sequences of subwords that may occur only once in a translation, 0 to 100; 0 = no
            restriction.
        repetition_penalty: Factor by which the log-probability of a subword is multiplied if the translation contains
            it already, 1 to 100. Scores include it.
        groups: Number of groups of diverse beam search, a divisor of `beam`; 1 = usual beam search.
        diversity: Strength λ of diverse beam search, 0 to 100; None = 0.5. It needs `groups` of at least 2.
        mbr: Options of the samples for minimum Bayes risk decoding, such as `MBR_SAMPLES`. If given, the translation
            that agrees best with the samples by chrF is chosen from the samples and the results of the beam; see
            `regard.translation.mbr`.
        recase: Whether to convert a sentence in capitals, title case or lower case to ordinary case before translation,
            if the vocabulary fits that better. The translation of capitals is put into capitals, that of lower case
            begins in lower case; a warning and `Translation.read_as` contain the converted sentence.
        glossary: Terms with the translations that they must, or must not, have.
        terms_in_source: Whether the first translation of each term of the glossary is written into the source behind
            the term, instead of being required by the search; for models that were trained with `train.terms`. The
            model may inflect it or leave it out. The search still excludes translations that a term must not have.
        to: Code of the target language, for a model with several; None = each sentence begins with the tag of its
            target language, such as `>>fr<<`, or the model has only one.
        source: Code of the source language, for a warning if the model was never trained to translate from it; None =
            no warning.

    Raises:
        SearchError: Options do not fit together, or `max_len_ratio` is out of its range.
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
    min_len_ratio: float = 0.0
    max_len_ratio: float | None = None
    no_repeat_ngram: int = 0
    repetition_penalty: float = 1.0
    groups: int = 1
    diversity: float | None = None
    mbr: SampleOptions | None = None
    recase: bool = True
    glossary: Glossary | None = None
    terms_in_source: bool = False
    to: str | None = None
    source: str | None = None

    def __post_init__(self) -> None:
        if self.max_len_ratio is not None and not 0 < self.max_len_ratio <= MAX_RATIO:
            raise SearchError(f"expected a max_len_ratio above 0 and at most {MAX_RATIO:g}, got {self.max_len_ratio}")
        if self.max_len_ratio is not None and self.min_len_ratio > self.max_len_ratio:
            raise SearchError(
                f"expected a min_len_ratio of at most max_len_ratio, {self.max_len_ratio}, got {self.min_len_ratio}: "
                "lower min_len_ratio or raise max_len_ratio"
            )
        if self.diversity is not None and self.groups == 1:
            raise SearchError("diversity has no effect without groups: set groups to 2 or more, or leave diversity out")
        ranking = self.beam, self.length_penalty, self.coverage_penalty, self.mbr
        several = self.n_best > 1 or self.groups > 1
        if self.sample is not None and (any(option is not None for option in ranking) or several or self.retry):
            raise SearchError(
                "sample cannot be combined with beam, n_best, retry, length_penalty, coverage_penalty, groups or mbr, "
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
            own: The `[search]` section of the model's configuration, whose values replace options that are None.

        Returns:
            Options of beam search (greedy search with a beam of 1), or of sampling if `sample` is set.

        Raises:
            SearchError: An option is not in its range.
        """
        if self.sample is not None:
            return self.sample_options(self.sample)
        return BeamOptions(
            beam=max(own.beam, self.n_best) if self.beam is None else self.beam,
            n_best=self.n_best,
            length_penalty=own.length_penalty if self.length_penalty is None else self.length_penalty,
            coverage_penalty=own.coverage_penalty if self.coverage_penalty is None else self.coverage_penalty,
            groups=self.groups,
            diversity=0.5 if self.diversity is None else self.diversity,
            min_len=self.min_len,
            min_len_ratio=self.min_len_ratio,
            no_repeat_ngram=self.no_repeat_ngram,
            repetition_penalty=self.repetition_penalty,
        )

    def sample_options(self, sample: SampleOptions) -> SampleOptions:
        """Adds restrictions of the translation, such as `min_len`, to options of sampling.

        Args:
            sample: Options of sampling: the field `sample` of these options, or the field `mbr`.

        Returns:
            The options of sampling, in which `min_len`, `min_len_ratio`, `no_repeat_ngram` and `repetition_penalty` are
            replaced by those of the translation that differ from their defaults.

        Raises:
            SearchError: An option is not in its range.
        """
        return replace(
            sample,
            min_len=self.min_len or sample.min_len,
            min_len_ratio=self.min_len_ratio or sample.min_len_ratio,
            no_repeat_ngram=self.no_repeat_ngram or sample.no_repeat_ngram,
            repetition_penalty=sample.repetition_penalty if self.repetition_penalty == 1.0 else self.repetition_penalty,
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
    min_len_ratio: float
    max_len_ratio: float | None
    no_repeat_ngram: int
    repetition_penalty: float
    groups: int
    diversity: float | None
    mbr: SampleOptions | None
    recase: bool
    glossary: Glossary | None
    terms_in_source: bool
    to: str | None
    source: str | None
