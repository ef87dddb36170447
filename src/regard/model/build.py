"""The one place where a configuration becomes modules. Here, and only here, names meet classes."""

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
    FollowingWindow,
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
from regard.model.embed import Embedder, LearnedPositions, NoPositions, Positions, SinusoidalPositions, word_embedding
from regard.model.luong import LuongDecoder
from regard.model.plain import PlainDecoder
from regard.model.rnn_encoder import RNNEncoder
from regard.model.seq2seq import Seq2Seq
from regard.model.stack import DeepOutput, LinearDeepOutput, MaxoutDeepOutput, RecurrentStack
from regard.model.sublayers import RESIDUALS, feed_forward
from regard.model.transformer import DecoderLayer, EncoderLayer, TransformerDecoder, TransformerEncoder
from regard.values import Specials

ScoreFactory = Callable[[int, int], Score]
"""Makes a score from the widths of a query and a key, one head; how users bring their own (S9)."""

NORMALIZERS: dict[str, Normalizer] = {
    "softmax": masked_softmax,
    "sparsemax": sparsemax,
    "entmax15": entmax15,
    "smooth": smooth,
}
"""By `regard.config.schema.NormalizerName`."""


def build_score(
    name: str,
    query_size: int,
    key_size: int,
    *,
    num_heads: int = 1,
    size: int | None = None,
    max_source: int = LOCATION_REACH,
) -> Score:
    """The score of that name.

    Args:
        name: As in `regard.config.schema.ScoreName`.
        query_size: Q, of one head.
        key_size: K, of one head.
        num_heads: H.
        size: Hidden width of the additive score.
        max_source: Reach of the location score.

    Returns:
        A new score.

    Raises:
        ShapeError: When the score needs Q = K and they differ.
    """
    makers: dict[str, Callable[[], Score]] = {
        "dot": lambda: DotScore(query_size, key_size),
        "scaled-dot": lambda: ScaledDotScore(query_size, key_size),
        "general": lambda: GeneralScore(query_size, key_size, num_heads=num_heads),
        "additive": lambda: AdditiveScore(query_size, key_size, size=size, num_heads=num_heads),
        "concat": lambda: AdditiveScore(query_size, key_size, size=size, num_heads=num_heads),
        "location": lambda: LocationScore(query_size, max_source=max_source, num_heads=num_heads),
        "cosine": lambda: CosineScore(query_size, key_size, num_heads=num_heads),
    }
    return makers[name]()


def build_model(
    config: ModelConfig,
    *,
    src_vocab: int,
    tgt_vocab: int,
    shared: bool,
    specials: Specials | None = None,
    score: ScoreFactory | None = None,
) -> Seq2Seq:
    """Makes an untrained model.

    Args:
        config: The `[model]` section.
        src_vocab: Size of the source vocabulary.
        tgt_vocab: Size of the target vocabulary.
        shared: Whether the two are one.
        specials: Ids that are not text; the usual four when not given.
        score: A score of the user's own for the look at the source, in place of the configured one.

    Returns:
        Encoder, decoder and output layer.

    Raises:
        ConfigError: When options exclude one another.
        ShapeError: When sizes do not fit.
    """
    specials = Specials() if specials is None else specials
    if isinstance(config, TransformerConfig):
        return _transformer(config, src_vocab, tgt_vocab, shared=shared, specials=specials, score=score)
    _check_rnn(config)
    return _rnn(config, src_vocab, tgt_vocab, specials=specials, score=score)


def _check_rnn(config: RNNConfig) -> None:
    if config.bidirectional and config.hidden_size % 2:
        raise ConfigError(
            f"model.hidden_size is shared by the encoder's two directions, so it must be even, but is "
            f"{config.hidden_size}: make it even, or set model.bidirectional = false"
        )
    if config.decoder == "luong" and not config.combine and config.tie_embeddings:
        raise ConfigError(
            "model.combine = false hands [a; s] itself to the output layer, whose matrix then cannot be the target "
            "embedding: set model.tie_embeddings = false too"
        )
    attention = config.attention
    if config.decoder != "plain" and config.hidden_size % attention.heads:
        raise ConfigError(
            f"model.hidden_size is shared by the heads, so it must be a multiple of model.attention.heads, but is "
            f"{config.hidden_size} with {attention.heads} heads: change either"
        )
    if attention.window != "global" and attention.score == "location":
        raise ConfigError(
            "model.attention.score = 'location' already decides by position; a local window around it leaves some "
            "words with no place to look: use window = 'global', or another score"
        )
    if attention.location_filters and attention.score == "location":
        raise ConfigError(
            "model.attention.location_filters works through the keys, which model.attention.score = 'location' never "
            "looks at: set it to 0, or choose another score"
        )
    if attention.window in ("local-m", "local-p") and attention.heads > 1:
        raise ConfigError(
            f"local windows are defined for one head, but model.attention.heads is {attention.heads}: set it to 1, "
            "or use window = 'global'"
        )


def _window(config: AttentionConfig, query_size: int) -> Window | FollowingWindow | None:
    makers: dict[str, Callable[[], Window | FollowingWindow | None]] = {
        "global": lambda: None,
        "local-m": lambda: MonotonicWindow(config.window_size),
        "local-p": lambda: PredictiveWindow(config.window_size, query_size),
        "median": lambda: MedianWindow(config.window_size),
        "mean": lambda: MeanWindow(config.window_size),
    }
    return makers[config.window]()


def _normalizer(config: AttentionConfig) -> Normalizer:
    normalizer = NORMALIZERS[config.normalizer]
    return normalizer if config.sharpness == 1.0 else Sharpened(normalizer, config.sharpness)


def _rnn_attention(config: RNNConfig, score: ScoreFactory | None) -> AttentionWithHistory:
    width, options = config.hidden_size, config.attention
    head = width // options.heads
    make = partial(
        build_score, options.score, size=options.size, max_source=options.max_source, num_heads=options.heads
    )
    # In this order, and what came later last: it is the order in which first weights are drawn.
    coverage = Coverage() if options.coverage else None
    one = score(head, head) if score else make(head, head)
    window = _window(options, width)
    attention: Attention | MultiHeadAttention
    if options.heads == 1:
        attention = Attention(
            one,
            width,
            window=window if isinstance(window, Window) else None,
            dropout=options.dropout,
            normalizer=_normalizer(options),
        )
    else:
        attention = MultiHeadAttention(
            width, options.heads, one, dropout=options.dropout, normalizer=_normalizer(options)
        )
    return AttentionWithHistory(
        attention,
        coverage=coverage,
        location=_location(options, one, head, tried=score is not None),
        window=window if isinstance(window, FollowingWindow) else None,
    )


def _location(options: AttentionConfig, score: Score, key_size: int, *, tried: bool) -> LocationFeatures | None:
    if not options.location_filters:
        return None
    size = None if tried else score.projected_size
    if size is None:  # P; a user's score may choose it
        size = score.project_key(torch.zeros(1, options.heads, 1, key_size)).shape[-1]
    return LocationFeatures(options.location_filters, options.location_reach, size, num_heads=options.heads)


def _rnn(
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
    decoder = _rnn_decoder(config, tgt_embedding, encoder.summary_size, score)
    tied = tgt_embedding if config.tie_embeddings else None
    return Seq2Seq(encoder, decoder, tgt_vocab=tgt_vocab, specials=specials, tied=tied)


def _rnn_decoder(config: RNNConfig, embedding: nn.Embedding, summary_size: int, score: ScoreFactory | None) -> Decoder:
    width, dropout = config.hidden_size, config.dropout
    out_size = config.embed_size if config.tie_embeddings else width

    def stack(context_size: int) -> RecurrentStack:
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
        return PlainDecoder(embedding, stack(0), DeepOutput(width, out_size, dropout), dropout=dropout)
    attention = _rnn_attention(config, score)
    joined = width + attention.context_size
    if config.decoder == "luong":
        readout = DeepOutput(joined, out_size, dropout) if config.combine else LinearDeepOutput(joined, dropout)
        fed_size = readout.out_size if config.input_feeding else 0
        return LuongDecoder(
            embedding, stack(fed_size), attention, readout, input_feeding=config.input_feeding, dropout=dropout
        )
    deep = config.deep_output
    last = (
        MaxoutDeepOutput(joined + config.embed_size, out_size, dropout)
        if deep
        else DeepOutput(width, out_size, dropout)
    )
    return BahdanauDecoder(embedding, stack(attention.context_size), attention, last, deep_output=deep, dropout=dropout)


def _positions(config: TransformerConfig) -> Positions:
    makers: dict[str, Callable[[], Positions]] = {
        "sinusoidal": SinusoidalPositions,
        "learned": lambda: LearnedPositions(config.max_positions, config.width),
        "rotary": NoPositions,
    }
    return makers[config.position]()


def _transformer(
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
            f"model.width must be a multiple of twice model.heads, but is {config.width} with {config.heads} heads"
        )
    width, heads = config.width, config.heads
    tgt_embedding = word_embedding(tgt_vocab, width, specials.pad)
    one_table = shared and config.tie_embeddings
    src_embedding = tgt_embedding if one_table else word_embedding(src_vocab, width, specials.pad)
    residual = partial(RESIDUALS[config.norm], width, dropout=config.dropout)
    normalizer = NORMALIZERS[config.normalizer]
    attention = partial(MultiHeadAttention, width, heads, dropout=config.attention_dropout, normalizer=normalizer)
    self_attention = partial(
        attention, ScaledDotScore(width // heads, width // heads), rotary=config.position == "rotary"
    )

    def cross_attention() -> MultiHeadAttention:
        head = width // heads
        return attention(score(head, head) if score else build_score(config.cross_score, head, head, num_heads=heads))

    def network() -> nn.Module:
        return feed_forward(config.activation, width, config.ff_size, dropout=config.dropout)

    def last_norm() -> nn.Module:
        return nn.LayerNorm(width) if config.norm == "pre" else nn.Identity()

    encoder_layers = [EncoderLayer(self_attention(), network(), residual) for _ in range(config.encoder_layers)]
    decoder_layers = [
        DecoderLayer(self_attention(), cross_attention(), network(), residual) for _ in range(config.decoder_layers)
    ]
    embedder = partial(Embedder, dropout=config.dropout)
    src_embedder, tgt_embedder = (embedder(table, _positions(config)) for table in (src_embedding, tgt_embedding))
    encoder = TransformerEncoder(src_embedder, encoder_layers, last_norm(), recompute=config.recompute)
    decoder = TransformerDecoder(tgt_embedder, decoder_layers, last_norm(), recompute=config.recompute)
    tied = tgt_embedding if config.tie_embeddings else None
    return Seq2Seq(encoder, decoder, tgt_vocab=tgt_vocab, specials=specials, tied=tied)
