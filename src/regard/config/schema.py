"""All options with their defaults and ranges, as one typed tree.

None means "derive the value from the corpus" (see `regard.config.derive`). The resolved configuration, in which every
value that training needs is set, is stored with the model (see `regard.config.resolved`).

Ranges exclude only what no machine can compute; they are no recommendations.
"""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field

from regard.config.data_section import CorpusConfig, DataConfig
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
    "CorpusConfig",
    "Count",
    "DataConfig",
    "DecoderName",
    "EngineName",
    "Minutes",
    "ModelConfig",
    "ModelSection",
    "NormalizerName",
    "PartName",
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

PartName = Literal["embeddings", "encoder", "cross-attention", "decoder", "output"]
"""Parts of a model that a training can leave unchanged; together they are the whole model."""

Tokenize = Literal[
    "auto", "13a", "intl", "char", "zh", "ja-mecab", "ko-mecab", "spm", "flores101", "flores200", "spBLEU-1K", "none"
]
"""Tokenizers of sacreBLEU."""


NoiseKind = Literal["capitals", "title", "lower", "unpunctuated", "typos"]
NOISE_KINDS: tuple[NoiseKind, ...] = get_args(NoiseKind)
"""Alterations of source sentences in training."""


class SubwordConfig(Section):
    """Options of the section `[subword]`: the SentencePiece vocabulary."""

    kind: Literal["unigram", "bpe"] = "unigram"
    vocab_size: Annotated[int, NUMBER, Field(ge=1, le=1_000_000)] | None = None
    """Number of subwords; by default, derived from the size of the corpus."""
    shared: Switch = True
    """One vocabulary for both languages."""
    sample_alpha: Annotated[float, NUMBER, Field(ge=0.0, le=10.0)] = 0.0
    """Subword regularization (Kudo 2018): smoothing α of sampled segmentations in training; 0 = off."""


class TrainConfig(Section):
    """Options of the section `[train]`: training, validation and checkpoints."""

    steps: Count | None = None
    """Number of updates, at most; derived from the corpus if neither this nor `epochs` is set."""
    epochs: Annotated[float, NUMBER, Field(gt=0, le=1_000_000)] | None = None
    max_minutes: Minutes | None = None
    """Stop, with validation and averaging, after this wall-clock time. If it is too short for all steps, the
    learning-rate schedule is shortened to the steps there is time for, and a message says so."""
    batch_tokens: Annotated[int, NUMBER, Field(ge=1, le=100_000_000)] | None = None
    """Padded tokens per batch on either side, at most."""
    accumulate: Annotated[int, NUMBER, Field(ge=1, le=1000)] = 1
    """Batches per update (gradient accumulation)."""
    learning_rate: Annotated[float, NUMBER, Field(gt=0, le=100)] = 1e-3
    """Peak learning rate of the schedule."""
    schedule: Literal["constant", "noam", "inverse-sqrt", "cosine", "plateau"] = "inverse-sqrt"
    warmup: Annotated[int, NUMBER, Field(ge=0, le=1_000_000_000)] = 400
    """Steps of linear warm-up."""
    min_learning_rate: Annotated[float, NUMBER, Field(ge=0, le=100)] = 0.0
    """Lowest learning rate after the warm-up; at most `learning_rate`."""
    betas: tuple[Fraction, Fraction] = (0.9, 0.98)
    weight_decay: Annotated[float, NUMBER, Field(ge=0, le=100)] = 0.0
    label_smoothing: Fraction = 0.1
    guided_weight: Annotated[float, NUMBER, Field(ge=0, le=1000)] = 0.0
    """λ of guided alignment: weight of the alignment loss beside the translation loss; 0 = off."""
    guided_file: str | None = None
    """Word links of the training text in Pharaoh format, line by line (Chen et al. 2016); "eflomal" = run this aligner
    once before training. Guided alignment and `terms` use them."""
    guided_layer: Annotated[int, NUMBER, Field(ge=0, le=255)] | None = None
    """Decoder layer that learns from the links; by default, the last but one (Garg et al. 2019)."""
    guided_head: Annotated[int, NUMBER, Field(ge=0, le=1023)] = 0
    """Head of that layer that learns from the links; the others are not supervised."""
    guided_shift: Annotated[Switch, ADDED_LATER] = False
    """Supervise the step after the one that predicts a word, when the word is the decoder's input (Chen et al. 2020):
    the head aligns a word that it knows instead of one that it has yet to predict. Words without a link attend to the
    end of the source."""
    noise: Annotated[float, NUMBER, Field(ge=0, le=1), ADDED_LATER] = 0.0
    """Share of the training pairs whose source is altered; each epoch draws other pairs. 0 = none."""
    noise_kinds: Annotated[tuple[NoiseKind, ...], Field(min_length=1), ADDED_LATER] = NOISE_KINDS
    """Alterations, one for each altered pair: all in capitals, in title case, in lower case, without the final mark,
    with one or two typos."""
    terms: Annotated[float, NUMBER, Field(ge=0, le=1), ADDED_LATER] = 0.0
    """Share of the training pairs into whose source terms are inserted (Dinu et al. 2019): the target words that are
    linked to some source words, behind these; each epoch draws other pairs and terms. Needs `guided_file`. 0 = none."""
    r_drop: Annotated[float, NUMBER, Field(ge=0, le=1000), ADDED_LATER] = 0.0
    """α of R-Drop (Wu et al. 2021): every batch is computed twice with different dropout, and predictions that differ
    are penalized. A step takes about twice as long. 0 = off."""
    word_dropout: Annotated[Fraction, ADDED_LATER] = 0.0
    """Probability that a token of the source or of the decoder's input is replaced by the unknown token in training."""
    clip_norm: Annotated[float, NUMBER, Field(ge=0, le=1_000_000)] = 1.0
    """Maximum gradient norm; 0 = no clipping."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """`auto` chooses bfloat16 if a measurement on this machine shows that it is faster."""
    validate_every: Count | None = None
    """Steps between validations; by default, derived from the number of steps."""
    validate_sentences: Count = 500
    """Number of validation sentences translated for BLEU and chrF; the loss uses all of them."""
    metric: Literal["loss", "bleu", "chrf"] = "bleu"
    """Metric for early stopping and for the best checkpoint; the loss while BLEU or chrF is still 0."""
    bleu_tokenize: Annotated[Tokenize, ADDED_LATER] = "auto"
    """sacreBLEU tokenizer for BLEU in validation; `auto` chooses it by the script of the validation targets."""
    patience: Annotated[int, NUMBER, Field(ge=0, le=1_000_000)] = 0
    """Validations without improvement before stopping; 0 = never stop early."""
    keep: Annotated[int, NUMBER, Field(ge=1, le=10_000)] = 5
    """Checkpoints kept on disk."""
    average: Literal["best", "last", "none"] = "last"
    """Checkpoints that are averaged into the final model."""
    save_minutes: Annotated[float, NUMBER, Field(ge=0, le=10_000_000), ADDED_LATER] = 10.0
    """Minutes between two saves of the training state; 0 = only after validations and when training is stopped."""
    seed: Seed = 1
    threads: Annotated[int, NUMBER, Field(ge=1, le=1024)] | None = None
    """CPU threads; by default, one per core."""
    device: str = "auto"
    tensorboard: Switch = True
    parent: Annotated[str | None, ADDED_LATER] = None
    """Directory of the model whose weights the training starts from; by default, random weights."""
    parent_vocabulary: Annotated[Literal["keep", "new"], ADDED_LATER] = "keep"
    """`keep` uses the parent's vocabulary; `new` learns one, in which a subword that the parent has keeps its
    embedding, and any other gets the mean of those that the parent spells it with."""
    parent_share: Annotated[Fraction, ADDED_LATER] = 0.0
    """Share of the parent in the final weights, the rest being the trained ones (Wortsman et al. 2022): what the parent
    could do is forgotten less; 0 = the trained weights alone."""
    freeze: Annotated[tuple[PartName, ...], ADDED_LATER] = ()
    """Parts of the model whose weights are not trained."""
    lora_rank: Annotated[int, NUMBER, Field(ge=0, le=4096), ADDED_LATER] = 0
    """r of Hu et al. 2021: train only low-rank updates of the linear maps, which are added to the weights at the end;
    0 = train all weights."""
    lora_alpha: Annotated[float, NUMBER, Field(gt=0, le=10_000), ADDED_LATER] = 16.0
    """α of Hu et al. 2021: the updates are scaled by α / r."""


class SearchConfig(Section):
    """Options of the section `[search]`: the defaults of the search for translations."""

    beam: Annotated[int, NUMBER, Field(ge=1, le=1000)] = 5
    length_penalty: Annotated[float, NUMBER, Field(ge=0, le=10)] = 1.0
    """α of Wu et al. 2016, eq. 14; 0 = no penalty."""
    coverage_penalty: Annotated[float, NUMBER, Field(ge=0, le=100)] = 0.0
    """β of Wu et al. 2016, eq. 14; 0 = no penalty."""
    max_len_ratio: Annotated[float, NUMBER, Field(gt=0, le=100)] = 2.0
    """A translation has at most `max_len_ratio * source subwords + max_len_offset` subwords."""
    max_len_offset: Annotated[int, NUMBER, Field(ge=1, le=1000)] = 20


class Config(Section):
    """The whole configuration of a model and its training: all options, as in one TOML file."""

    preset: str | None = None
    """Name of the preset that the other values override."""
    data: DataConfig = DataConfig()
    subword: SubwordConfig = SubwordConfig()
    model: ModelConfig = RNNConfig()
    train: TrainConfig = TrainConfig()
    search: SearchConfig = SearchConfig()
