"""Every option there is, with its default and its range: one typed tree, unknown keys refused.

A value of None means "derive it from the corpus" (see `regard.config.derive`); the resolved
configuration, in which nothing is None that training needs, is stored with the model.

Ranges are wide: their ends are what no machine could do or no arithmetic could hold, not what is advisable.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

ScoreName = Literal["dot", "scaled-dot", "general", "additive", "concat", "location", "cosine"]
WindowName = Literal["global", "local-m", "local-p", "median", "mean"]
NormalizerName = Literal["softmax", "sparsemax", "entmax15", "smooth"]
CellName = Literal["rnn", "gru", "lstm"]
DecoderName = Literal["plain", "luong", "bahdanau"]
EngineName = Literal["ctranslate2", "marian", "onnx"]


def _no_mistaken_number(value: object) -> object:
    """Python takes True for 1, and pydantic "3" for 3: whoever wrote it meant something else."""
    if isinstance(value, (bool, str)):
        raise PydanticCustomError("number_type", "expected a number")
    return value


NUMBER = BeforeValidator(_no_mistaken_number)
Switch = Annotated[bool, Field(strict=True)]
Fraction = Annotated[float, NUMBER, Field(ge=0.0, lt=1.0)]
Layers = Annotated[int, NUMBER, Field(ge=1, le=256)]
Heads = Annotated[int, NUMBER, Field(ge=1, le=1024)]
Width = Annotated[int, NUMBER, Field(ge=1, le=65_536)]
Subwords = Annotated[int, NUMBER, Field(ge=1, le=100_000)]
"""Of a sentence."""
Count = Annotated[int, NUMBER, Field(ge=1, le=1_000_000_000)]
"""Steps, sentences and the like, which only time limits."""
Seed = Annotated[int, NUMBER, Field(ge=0, le=2**63 - 1)]
Minutes = Annotated[float, NUMBER, Field(ge=0.0001, le=10_000_000)]

Tokenize = Literal[
    "auto", "13a", "intl", "char", "zh", "ja-mecab", "ko-mecab", "spm", "flores101", "flores200", "spBLEU-1K", "none"
]
"""Tokenizers of sacreBLEU."""
ADDED_LATER = "later"
"""Marks an option that came after the first models were stored. It is written down only where it is not its default:
so settings that were there before keep their text, and with it their signature."""


class Section(BaseModel):
    """A part of the configuration: frozen, and a misspelled key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


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


class AttentionConfig(Section):
    """How a query meets the keys; the same options serve every decoder."""

    score: ScoreName = "general"
    """`concat` is Luong's name of `additive`."""
    heads: Heads = 1
    size: Width | None = None
    """Width of the additive score's hidden layer; the query's width when not given."""
    window: WindowName = "global"
    window_size: Subwords = 10
    """D of Luong 2015 §3.2: any window but `global` reaches D words to each side."""
    coverage: Switch = False
    """Let past attention influence present scores (Tu et al. 2016)."""
    max_source: Subwords = 256
    """Positions that a location-based score can reach; later ones get no weight (Luong 2015, §3.1)."""
    dropout: Fraction = 0.0
    normalizer: Annotated[NormalizerName, ADDED_LATER] = "softmax"
    """What makes a distribution of the scores; `sparsemax` and `entmax15` give most positions exactly nothing."""
    sharpness: Annotated[float, NUMBER, Field(gt=0, le=1000), ADDED_LATER] = 1.0
    """β of Chorowski et al. 2015 §2.3: scores are multiplied by it before they are normalized."""
    location_filters: Annotated[int, NUMBER, Field(ge=0, le=1024), ADDED_LATER] = 0
    """k of Chorowski et al. 2015, eq. 8: filters through which the last step's weights enter the scores; 0 = none."""
    location_reach: Annotated[int, NUMBER, Field(ge=1, le=1024), ADDED_LATER] = 5
    """Positions to each side that such a filter sees."""


class RNNConfig(Section):
    """Recurrent encoder-decoders: S1, S3-S8."""

    kind: Literal["rnn"] = "rnn"
    decoder: DecoderName = "luong"
    cell: CellName = "lstm"
    embed_size: Width = 256
    hidden_size: Width = 512
    """Width of the decoder, and of the encoder's two directions together."""
    encoder_layers: Layers = 1
    decoder_layers: Layers = 1
    bidirectional: Switch = True
    residual: Switch = False
    """Add each layer's input to its output, from the second layer on."""
    dropout: Fraction = 0.2
    input_feeding: Switch = False
    """Luong: the attentional state joins the next step's input (Luong 2015 §3.3)."""
    combine: Switch = True
    """Luong: `tanh(W_c [a; s])` before the output layer (S3); without it `[a; s]` itself (S3b)."""
    deep_output: Switch = True
    """Bahdanau: predict from state, context and last word (appendix A.2.2) rather than from the state alone."""
    tie_embeddings: Switch = True
    """Use the target embedding as the output layer's matrix."""
    export: EngineName | None = None
    """An engine that must be able to run the model: options that it lacks are refused before training."""
    attention: AttentionConfig = AttentionConfig()


class TransformerConfig(Section):
    """The Transformer (Vaswani et al. 2017): S11."""

    kind: Literal["transformer"] = "transformer"
    width: Width = 256
    ff_size: Annotated[int, NUMBER, Field(ge=1, le=1_048_576)] = 1024
    heads: Heads = 4
    encoder_layers: Layers = 3
    decoder_layers: Layers = 3
    norm: Literal["pre", "post"] = "pre"
    position: Literal["sinusoidal", "learned", "rotary"] = "sinusoidal"
    max_positions: Subwords = 1024
    """Longest sentence that learned positions can hold."""
    activation: Literal["relu", "gelu", "silu", "swiglu"] = "relu"
    """Curve of the feed-forward networks; `silu` is Marian's swish, `swiglu` multiplies it with a second map."""
    dropout: Fraction = 0.1
    attention_dropout: Fraction = 0.0
    tie_embeddings: Switch = True
    """Use the target embedding as the output layer's matrix; with a shared vocabulary the source's too."""
    cross_score: ScoreName = "scaled-dot"
    """How target queries meet source keys; self-attention is always scaled dot."""
    normalizer: Annotated[NormalizerName, ADDED_LATER] = "softmax"
    """What makes a distribution of the scores, in cross-attention and self-attention."""
    export: EngineName | None = None
    """An engine that must be able to run the model: options that it lacks are refused before training."""
    recompute: Switch = False
    """Training computes each layer's activations a second time in the backward pass instead of keeping them: less
    memory for about a third more time (Chen et al. 2016, "sublinear memory cost")."""


ModelConfig = Annotated[RNNConfig | TransformerConfig, Field(discriminator="kind")]


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
