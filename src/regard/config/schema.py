"""Every option there is, with its default and its range: one typed tree, unknown keys refused.

A value of None means "derive it from the corpus" (see `regard.config.derive`); the resolved
configuration, in which nothing is None that training needs, is stored with the model.

Ranges are wide: their ends are what no machine could do or no arithmetic could hold, not what is advisable.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from regard.config.model_sections import (
    LOCATION_REACH,
    UNLIMITED,
    AttentionConfig,
    CellName,
    DecoderName,
    EngineName,
    ModelConfig,
    ModelSection,
    NormalizerName,
    RNNConfig,
    ScoreName,
    TransformerConfig,
    WindowName,
)
from regard.config.section import ADDED_LATER, NUMBER, Count, Fraction, Minutes, Section, Seed, Switch

__all__ = [
    "ADDED_LATER",
    "LOCATION_REACH",
    "NUMBER",
    "UNLIMITED",
    "AttentionConfig",
    "CellName",
    "Config",
    "Count",
    "DataConfig",
    "DecoderName",
    "EngineName",
    "Minutes",
    "ModelConfig",
    "ModelSection",
    "NormalizerName",
    "RNNConfig",
    "ScoreName",
    "SearchConfig",
    "Section",
    "Seed",
    "SubwordConfig",
    "Switch",
    "Tokenize",
    "TrainConfig",
    "TransformerConfig",
    "WindowName",
]

Tokenize = Literal[
    "auto", "13a", "intl", "char", "zh", "ja-mecab", "ko-mecab", "spm", "flores101", "flores200", "spBLEU-1K", "none"
]
"""Tokenizers of sacreBLEU."""


class DataConfig(Section):
    """Where the parallel text lies."""

    src: str | None = None
    """Training source: plain text or .gz, one sentence a line; or a .tsv with both sides (then `tgt` stays empty)."""
    tgt: str | None = None
    """Training target, line-aligned with `src`."""
    val_src: str | None = None
    """Validation source; when not given, a small seeded share of the training pairs is held out."""
    val_tgt: str | None = None
    """Validation target."""
    max_len: Annotated[int, NUMBER, Field(ge=1, le=1_000_000)] = 256
    """Training pairs with more subwords than this on either side are left out (and counted)."""


class SubwordConfig(Section):
    """The SentencePiece vocabulary."""

    kind: Literal["unigram", "bpe"] = "unigram"
    vocab_size: Annotated[int, NUMBER, Field(ge=1, le=1_000_000)] | None = None
    """Number of subwords; derived from the size of the corpus when not given."""
    shared: Switch = True
    """One vocabulary for both languages."""
    sample_alpha: Annotated[float, NUMBER, Field(ge=0.0, le=10.0)] = 0.0
    """Subword regularization (Kudo 2018): smoothing of the sampled segmentation in training; 0 = off."""


class TrainConfig(Section):
    """How the model learns."""

    steps: Count | None = None
    """Updates at most; derived from the corpus when neither this nor `epochs` is given."""
    epochs: Annotated[float, NUMBER, Field(gt=0, le=1_000_000)] | None = None
    max_minutes: Minutes | None = None
    """Stop (with validation and averaging) after this wall-clock time. Where it is too short for all steps, the
    schedule of the learning rate is shortened to what there is time for, and a message says so."""
    batch_tokens: Annotated[int, NUMBER, Field(ge=1, le=100_000_000)] | None = None
    """Padded target tokens a batch at most."""
    accumulate: Annotated[int, NUMBER, Field(ge=1, le=1000)] = 1
    """Batches a step."""
    learning_rate: Annotated[float, NUMBER, Field(gt=0, le=100)] = 1e-3
    """Peak of the schedule."""
    schedule: Literal["constant", "noam", "inverse-sqrt", "cosine", "plateau"] = "inverse-sqrt"
    warmup: Annotated[int, NUMBER, Field(ge=0, le=1_000_000_000)] = 400
    """Steps of linear warm-up."""
    min_learning_rate: Annotated[float, NUMBER, Field(ge=0, le=100)] = 0.0
    """What the rate never falls below after the warm-up; at most `learning_rate`."""
    betas: tuple[Fraction, Fraction] = (0.9, 0.98)
    weight_decay: Annotated[float, NUMBER, Field(ge=0, le=100)] = 0.0
    label_smoothing: Fraction = 0.1
    guided_weight: Annotated[float, NUMBER, Field(ge=0, le=1000)] = 0.0
    """λ of guided attention: how much the word links of `guided_file` count beside the translation; 0 = off."""
    guided_file: str | None = None
    """Word links of the training text in Pharaoh format, line-aligned with it (Chen et al. 2016); "eflomal" = made by
    this aligner, once."""
    guided_layer: Annotated[int, NUMBER, Field(ge=0, le=255)] | None = None
    """The decoder layer that learns from the links; the last but one when not given (Garg et al. 2019)."""
    guided_head: Annotated[int, NUMBER, Field(ge=0, le=1023)] = 0
    """The head of that layer that learns from them; the others stay free."""
    guided_shift: Annotated[Switch, ADDED_LATER] = False
    """Whether a word's links guide the step after the one in which it is said, whose query has read it (Chen et al.
    2020): a Transformer's head then aligns what is known and need not foresee it. Words without a link look at the
    end of the source."""
    clip_norm: Annotated[float, NUMBER, Field(ge=0, le=1_000_000)] = 1.0
    """Largest gradient norm; 0 = no clipping."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """`auto` takes bfloat16 where a measurement on this machine shows that it is faster."""
    validate_every: Count | None = None
    """Steps between validations; derived when not given."""
    validate_sentences: Count = 500
    """Validation sentences that are translated for BLEU and chrF; the loss is taken over all."""
    metric: Literal["loss", "bleu", "chrf"] = "bleu"
    """What early stopping and the choice of the best checkpoint look at; the loss where BLEU or chrF is still 0."""
    bleu_tokenize: Annotated[Tokenize, ADDED_LATER] = "auto"
    """sacreBLEU's tokenizer for BLEU in validation; `auto` chooses by the script of the validation targets."""
    patience: Annotated[int, NUMBER, Field(ge=0, le=1_000_000)] = 0
    """Validations without improvement before stopping; 0 = never stop early."""
    keep: Annotated[int, NUMBER, Field(ge=1, le=10_000)] = 5
    """Checkpoints kept on disk."""
    average: Literal["best", "last", "none"] = "last"
    """Which of the kept checkpoints are averaged into the final model."""
    seed: Seed = 1
    threads: Annotated[int, NUMBER, Field(ge=1, le=1024)] | None = None
    """CPU threads; all cores when not given."""
    device: str = "auto"
    tensorboard: Switch = True


class SearchConfig(Section):
    """How a translation is sought when the user does not say."""

    beam: Annotated[int, NUMBER, Field(ge=1, le=1000)] = 5
    length_penalty: Annotated[float, NUMBER, Field(ge=0, le=10)] = 1.0
    """α of Wu et al. 2016, eq. 14; 0 = none."""
    coverage_penalty: Annotated[float, NUMBER, Field(ge=0, le=100)] = 0.0
    """β of Wu et al. 2016, eq. 14."""
    max_len_ratio: Annotated[float, NUMBER, Field(gt=0, le=100)] = 2.0
    """A translation may have `max_len_ratio * source subwords + max_len_offset` subwords."""
    max_len_offset: Annotated[int, NUMBER, Field(ge=1, le=1000)] = 20


class Config(Section):
    """The whole of it: one TOML file."""

    preset: str | None = None
    """Name of the preset that the other values override."""
    data: DataConfig = DataConfig()
    subword: SubwordConfig = SubwordConfig()
    model: ModelConfig = RNNConfig()
    train: TrainConfig = TrainConfig()
    search: SearchConfig = SearchConfig()
