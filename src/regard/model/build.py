"""Builds models from configurations: maps the values of options, such as `score = "additive"`, to classes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import nn

from regard.attention.coverage import Coverage
from regard.attention.history import AttentionWithHistory
from regard.attention.kernels import masked_softmax
from regard.attention.location import LocationFeatures
from regard.attention.multi import MultiHeadAttention
from regard.attention.normalizers import Normalizer, Sharpened, entmax15, smooth, sparsemax
from regard.attention.scores import (
    AdditiveScore,
    CosineScore,
    DotScore,
    GeneralScore,
    LocationScore,
    ScaledDotScore,
    Score,
)
from regard.attention.single import Attention
from regard.attention.windows import (
    HistoryWindow,
    MeanWindow,
    MedianWindow,
    MonotonicWindow,
    PredictiveWindow,
    Window,
)
from regard.config.schema import LOCATION_REACH, AttentionConfig, ModelConfig, RNNConfig, TransformerConfig
from regard.errors import ConfigError
from regard.model.bahdanau import BahdanauDecoder
from regard.model.decoder import Decoder
from regard.model.deep_output import DeepOutput, LinearDeepOutput, MaxoutDeepOutput
from regard.model.embed import Embedder, LearnedPositions, NoPositions, Positions, SinusoidalPositions, word_embedding
from regard.model.luong import LuongDecoder
from regard.model.plain import PlainDecoder
from regard.model.recurrent_stack import RecurrentStack
from regard.model.rnn_encoder import RNNEncoder
from regard.model.seq2seq import Seq2Seq
from regard.model.sublayers import RESIDUALS, feed_forward
from regard.model.transformer import DecoderLayer, EncoderLayer, TransformerDecoder, TransformerEncoder
from regard.values import Specials

ScoreFactory = Callable[[int, int], Score]
"""Makes a score from the widths of a query and a key of one head; this is how users add their own scores."""

NORMALIZERS: dict[str, Normalizer] = {
    "softmax": masked_softmax,
    "sparsemax": sparsemax,
    "entmax15": entmax15,
    "smooth": smooth,
}
"""By name, as in `regard.config.schema.NormalizerName`."""


def build_score(
    name: str,
    query_size: int,
    key_size: int,
    *,
    num_heads: int = 1,
    size: int | None = None,
    max_source: int = LOCATION_REACH,
) -> Score:
    """Makes the score function with a given name.

    Args:
        name: Name of the score, one of `regard.config.schema.ScoreName`, such as `additive`.
        query_size: Q, the width of a query in one head.
        key_size: K, the width of a key in one head.
        num_heads: H, the number of attention heads.
        size: Width of the additive score's hidden layer; None = Q.
        max_source: Number of source positions, including eos, that the location-based score can attend to.

    Returns:
        The score function, with random parameters.

    Raises:
        ShapeError: The score needs queries and keys of equal width, but Q and K differ.
    """
    factories: dict[str, Callable[[], Score]] = {
        "dot": lambda: DotScore(query_size, key_size),
        "scaled-dot": lambda: ScaledDotScore(query_size, key_size),
        "general": lambda: GeneralScore(query_size, key_size, num_heads=num_heads),
        "additive": lambda: AdditiveScore(query_size, key_size, size=size, num_heads=num_heads),
        "concat": lambda: AdditiveScore(query_size, key_size, size=size, num_heads=num_heads),
        "location": lambda: LocationScore(query_size, max_source=max_source, num_heads=num_heads),
        "cosine": lambda: CosineScore(query_size, key_size, num_heads=num_heads),
    }
    return factories[name]()


def build_model(
    config: ModelConfig,
    *,
    src_vocab: int,
    tgt_vocab: int,
    shared: bool,
    specials: Specials | None = None,
    score: ScoreFactory | None = None,
) -> Seq2Seq:
    """Builds an untrained translation model from its configuration.

    Args:
        config: The `[model]` section of the configuration.
        src_vocab: Number of subwords of the source vocabulary.
        tgt_vocab: Number of subwords of the target vocabulary.
        shared: Whether source and target have the same vocabulary.
        specials: Ids of the special tokens; by default, those of `Specials()`.
        score: Function that makes your own score for attention to the source, from the widths of a query and a key;
            None = the score that the configuration names.

    Returns:
        A model with random weights.

    Raises:
        ConfigError: Options contradict one another.
        ShapeError: The score needs queries and keys of equal width, but their widths differ.
    """
    specials = Specials() if specials is None else specials
    if isinstance(config, TransformerConfig):
        return _build_transformer(config, src_vocab, tgt_vocab, shared=shared, specials=specials, score=score)
    _check_rnn_options(config)
    return _build_rnn(config, src_vocab, tgt_vocab, specials=specials, score=score)


def _check_rnn_options(config: RNNConfig) -> None:
    if config.bidirectional and config.hidden_size % 2:
        raise ConfigError(
            "model.hidden_size is divided between the encoder's two directions, so it must be even, but is "
            f"{config.hidden_size}: make it even, or set model.bidirectional = false"
        )
    if config.decoder == "luong" and not config.combine and config.tie_embeddings:
        raise ConfigError(
            "with model.combine = false the input of the output layer is [a; s] (context vector and decoder state), so "
            "that it cannot share the weights of the target embedding: set model.tie_embeddings = false too"
        )
    attention = config.attention
    if config.decoder != "plain" and config.hidden_size % attention.heads:
        raise ConfigError(
            "model.hidden_size is divided among the heads, so it must be a multiple of model.attention.heads, but is "
            f"{config.hidden_size} with {attention.heads} heads: change either"
        )
    if attention.window != "global" and attention.score == "location":
        raise ConfigError(
            "model.attention.score = 'location' depends on positions alone, so with a local window some target words "
            "could not attend to any source word: set model.attention.window = 'global', or choose another score"
        )
    if attention.location_filters and attention.score == "location":
        raise ConfigError(
            "model.attention.location_filters changes the keys, which model.attention.score = 'location' does not use: "
            "set model.attention.location_filters = 0, or choose another score"
        )
    if attention.window in ("local-m", "local-p") and attention.heads > 1:
        raise ConfigError(
            f"model.attention.window = {attention.window!r} is defined for one head only, but model.attention.heads is "
            f"{attention.heads}: set model.attention.heads = 1, or model.attention.window = 'global'"
        )


def _build_window(config: AttentionConfig, query_size: int) -> Window | HistoryWindow | None:
    factories: dict[str, Callable[[], Window | HistoryWindow | None]] = {
        "global": lambda: None,
        "local-m": lambda: MonotonicWindow(config.window_size),
        "local-p": lambda: PredictiveWindow(config.window_size, query_size),
        "median": lambda: MedianWindow(config.window_size),
        "mean": lambda: MeanWindow(config.window_size),
    }
    return factories[config.window]()


def _build_normalizer(config: AttentionConfig) -> Normalizer:
    normalizer = NORMALIZERS[config.normalizer]
    return normalizer if config.sharpness == 1.0 else Sharpened(normalizer, config.sharpness)


def _build_rnn_attention(config: RNNConfig, score: ScoreFactory | None) -> AttentionWithHistory:
    width, options = config.hidden_size, config.attention
    head_size = width // options.heads
    make_score = score or partial(
        build_score, options.score, size=options.size, max_source=options.max_source, num_heads=options.heads
    )
    # Modules are made in the order in which their random weights have always been drawn, so that a seed gives the same
    # model in every version; new parts come last.
    coverage = Coverage() if options.coverage else None
    score_module = make_score(head_size, head_size)
    window = _build_window(options, width)
    attention: Attention | MultiHeadAttention
    if options.heads == 1:
        attention = Attention(
            score_module,
            width,
            window=window if isinstance(window, Window) else None,
            dropout=options.dropout,
            normalizer=_build_normalizer(options),
        )
    else:
        attention = MultiHeadAttention(
            width, options.heads, score_module, dropout=options.dropout, normalizer=_build_normalizer(options)
        )
    return AttentionWithHistory(
        attention,
        coverage=coverage,
        location=_build_location_features(options, score_module, head_size, is_custom=score is not None),
        window=window if isinstance(window, HistoryWindow) else None,
    )


def _build_location_features(
    options: AttentionConfig, score: Score, key_size: int, *, is_custom: bool
) -> LocationFeatures | None:
    if not options.location_filters:
        return None
    size = None if is_custom else score.projected_size
    if size is None:  # the width P of projected keys is not known for a user's score: project one key
        size = score.project_key(torch.zeros(1, options.heads, 1, key_size)).shape[-1]
    return LocationFeatures(options.location_filters, options.location_reach, size, num_heads=options.heads)


def _build_rnn(
    config: RNNConfig, src_vocab: int, tgt_vocab: int, *, specials: Specials, score: ScoreFactory | None
) -> Seq2Seq:
    src_embedding = word_embedding(src_vocab, config.embed_size, specials.pad)
    tgt_embedding = word_embedding(tgt_vocab, config.embed_size, specials.pad)
    encoder = RNNEncoder(
        src_embedding,
        config.cell,
        config.hidden_size,
        config.encoder_layers,
        bidirectional=config.bidirectional,
        residual=config.residual,
        dropout=config.dropout,
    )
    decoder = _build_rnn_decoder(config, tgt_embedding, encoder.summary_size, score)
    tied = tgt_embedding if config.tie_embeddings else None
    return Seq2Seq(encoder, decoder, tgt_vocab=tgt_vocab, specials=specials, tied=tied)


def _build_rnn_decoder(
    config: RNNConfig, embedding: nn.Embedding, summary_size: int, score: ScoreFactory | None
) -> Decoder:
    width, dropout = config.hidden_size, config.dropout
    out_size = config.embed_size if config.tie_embeddings else width

    def build_stack(context_size: int) -> RecurrentStack:
        return RecurrentStack(
            config.cell,
            config.embed_size,
            context_size,
            width,
            config.decoder_layers,
            summary_size,
            residual=config.residual,
            dropout=dropout,
        )

    if config.decoder == "plain":
        return PlainDecoder(embedding, build_stack(0), DeepOutput(width, out_size, dropout), dropout=dropout)
    attention = _build_rnn_attention(config, score)
    joined_size = width + attention.context_size
    if config.decoder == "luong":
        readout = (
            DeepOutput(joined_size, out_size, dropout) if config.combine else LinearDeepOutput(joined_size, dropout)
        )
        feeding_size = readout.out_size if config.input_feeding else 0
        return LuongDecoder(
            embedding,
            build_stack(feeding_size),
            attention,
            readout,
            input_feeding=config.input_feeding,
            dropout=dropout,
        )
    deep_output = (
        MaxoutDeepOutput(joined_size + config.embed_size, out_size, dropout)
        if config.deep_output
        else DeepOutput(width, out_size, dropout)
    )
    return BahdanauDecoder(
        embedding,
        build_stack(attention.context_size),
        attention,
        deep_output,
        deep_output=config.deep_output,
        dropout=dropout,
    )


def _build_positions(config: TransformerConfig) -> Positions:
    factories: dict[str, Callable[[], Positions]] = {
        "sinusoidal": SinusoidalPositions,
        "learned": lambda: LearnedPositions(config.max_positions, config.width),
        "rotary": NoPositions,
    }
    return factories[config.position]()


def _build_transformer(
    config: TransformerConfig,
    src_vocab: int,
    tgt_vocab: int,
    *,
    shared: bool,
    specials: Specials,
    score: ScoreFactory | None,
) -> Seq2Seq:
    if config.width % (2 * config.heads):
        raise ConfigError(
            f"model.width must be a multiple of twice model.heads, but is {config.width} with {config.heads} heads: "
            "change either"
        )
    width, heads = config.width, config.heads
    tgt_embedding = word_embedding(tgt_vocab, width, specials.pad)
    share_embedding = shared and config.tie_embeddings
    src_embedding = tgt_embedding if share_embedding else word_embedding(src_vocab, width, specials.pad)
    residual = partial(RESIDUALS[config.norm], width, dropout=config.dropout)
    normalizer = NORMALIZERS[config.normalizer]
    attention = partial(MultiHeadAttention, width, heads, dropout=config.attention_dropout, normalizer=normalizer)
    self_attention = partial(
        attention, ScaledDotScore(width // heads, width // heads), rotary=config.position == "rotary"
    )

    def cross_attention() -> MultiHeadAttention:
        make_score = score or partial(build_score, config.cross_score, num_heads=heads)
        return attention(make_score(width // heads, width // heads))

    def new_feed_forward() -> nn.Module:
        return feed_forward(config.activation, width, config.ff_size, dropout=config.dropout)

    def final_norm() -> nn.Module:
        return nn.LayerNorm(width) if config.norm == "pre" else nn.Identity()

    encoder_layers = [
        EncoderLayer(self_attention(), new_feed_forward(), residual) for _ in range(config.encoder_layers)
    ]
    decoder_layers = [
        DecoderLayer(self_attention(), cross_attention(), new_feed_forward(), residual)
        for _ in range(config.decoder_layers)
    ]
    src_embedder, tgt_embedder = (
        Embedder(embedding, _build_positions(config), dropout=config.dropout)
        for embedding in (src_embedding, tgt_embedding)
    )
    encoder = TransformerEncoder(src_embedder, encoder_layers, final_norm(), recompute=config.recompute)
    decoder = TransformerDecoder(tgt_embedder, decoder_layers, final_norm(), recompute=config.recompute)
    tied = tgt_embedding if config.tie_embeddings else None
    return Seq2Seq(encoder, decoder, tgt_vocab=tgt_vocab, specials=specials, tied=tied)
