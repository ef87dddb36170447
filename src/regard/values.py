"""Frozen data classes passed between modules, in the order from text to translation.

Letters in shapes: B batch size, S source length, T target length, H heads, D width, K key width, V vocabulary size.
Torch is imported for type checking only, so text tools start without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

Span = tuple[int, int]
"""A range of characters, `[start, end)`."""

Links = tuple[tuple[int, int], ...]
"""A word alignment: sorted 0-based pairs `(source word, target word)`; words are separated by spaces."""


@dataclass(frozen=True, slots=True)
class Specials:
    """Vocabulary ids of the four special tokens.

    Attributes:
        unk: Id of the unknown token.
        pad: Id of the padding token.
        bos: Id of the beginning-of-sentence token.
        eos: Id of the end-of-sentence token.
    """

    unk: int = 0
    pad: int = 1
    bos: int = 2
    eos: int = 3


@dataclass(frozen=True, slots=True)
class Pair:
    """A sentence and its translation, with their line number in the corpus.

    Attributes:
        src: Source sentence, normalized by `regard.text.normalize`.
        tgt: Target sentence, normalized in the same way.
        line: 1-based line number of the pair in the file it was read from; 0 = unknown.
    """

    src: str
    tgt: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class Encoding:
    """A text segmented into subwords, with the characters that each subword covers.

    Attributes:
        text: The text that was segmented, normalized by `regard.text.normalize`; `spans` count its characters.
        ids: Vocabulary id of each subword, without bos and eos.
        pieces: The subwords as the SentencePiece model spells them, with `▁` for a space.
        spans: Per subword, the range `[start, end)` of the characters of `text` that it covers; empty for a subword
            that covers none.
    """

    text: str
    ids: tuple[int, ...]
    pieces: tuple[str, ...]
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class AlignmentTargets:
    """Attention weights that guided alignment trains a head towards: a sparse `(B, T, S)` tensor.

    The N nonzero weights are stored. They come from word links of the training pairs.

    Attributes:
        indices: Coordinates of the nonzero weights, `(3, N)` int64: sentence in the batch, target position, source
            position.
        values: The nonzero weights, `(N,)` float32; those of each target position sum to 1.
    """

    indices: Tensor
    values: Tensor


@dataclass(frozen=True, slots=True)
class Batch:
    """A training batch of B sentence pairs as tensors of token ids, each row padded at the end.

    Attributes:
        src_ids: Source tokens, `(B, S)` int64; each row ends with eos, then padding.
        src_len: Source lengths with eos, without padding, `(B,)` int64.
        tgt_in_ids: Input of the decoder, `(B, T)` int64: bos, then the target tokens.
        tgt_out_ids: Tokens to predict, `(B, T)` int64: the target tokens, then eos.
        tgt_len: Lengths of the rows of `tgt_in_ids`, and also of `tgt_out_ids`, without padding, `(B,)` int64.
        indices: Index of each row's sentence pair in the corpus.
        num_tgt_tokens: Number of target tokens in the whole batch, with eos, without padding.
        alignment_targets: Attention weights that guided alignment trains towards; None without guided alignment.
    """

    src_ids: Tensor
    src_len: Tensor
    tgt_in_ids: Tensor
    tgt_out_ids: Tensor
    tgt_len: Tensor
    indices: tuple[int, ...]
    num_tgt_tokens: int
    alignment_targets: AlignmentTargets | None = None

    def to(self, device: str) -> Batch:
        """The same batch with its tensors on `device`, such as `cpu` or `cuda`; copying to a GPU is asynchronous."""
        targets = self.alignment_targets
        return Batch(
            _move(self.src_ids, device),
            _move(self.src_len, device),
            _move(self.tgt_in_ids, device),
            _move(self.tgt_out_ids, device),
            _move(self.tgt_len, device),
            self.indices,
            self.num_tgt_tokens,
            None
            if targets is None
            else AlignmentTargets(_move(targets.indices, device), _move(targets.values, device)),
        )


def _move(tensor: Tensor, device: str) -> Tensor:
    # A copy from pageable memory would wait for all work queued on the GPU, five times per step.
    if device.startswith("cuda") and not tensor.is_cuda:
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


@dataclass(frozen=True, slots=True)
class EncoderOutput:
    """The output of the encoder for a batch of source sentences, which the decoder attends to.

    Attributes:
        states: Encoder states, `(B, S, D)`: one vector `h_i` per source position.
        mask: `(B, 1, 1, S)` bool, True at real tokens, False at padding.
        final: Final states of the encoder, `(B, D)`, from which RNN decoders start; None for a Transformer.
        weights: One tensor of self-attention weights per encoder layer, `(B, H, S, S)`; empty unless requested.
    """

    states: Tensor
    mask: Tensor
    final: Tensor | None = None
    weights: tuple[Tensor, ...] = ()


@dataclass(frozen=True, slots=True)
class Memory:
    """Projected keys and values of an attention layer, computed once per source sentence and reused in every step.

    Attributes:
        key: Projected keys, `(B, H, S, K)`.
        value: Projected values, `(B, H, S, D)`, D = width of one head's values.
        mask: Bool, True = the position may be attended to, broadcastable to `(B, H, T, S)`; None = all may.
        copy_ids: `(B,)` int64: rows with equal numbers are copies of the same source sentence, as for the hypotheses of
            a beam; None = no row is a copy.
    """

    key: Tensor
    value: Tensor
    mask: Tensor | None = None
    copy_ids: Tensor | None = None


@dataclass(frozen=True, slots=True)
class AttentionOutput:
    """The output of an attention layer.

    Attributes:
        context: Context vectors, `(B, T, D)`: the weighted sum of the values, one per query.
        weights: Attention weights before dropout, `(B, H, T, S)`; None unless requested.
    """

    context: Tensor
    weights: Tensor | None = None


@dataclass(frozen=True, slots=True)
class DecoderOutput:
    """The decoder's output for whole target sentences (teacher forcing).

    Attributes:
        hidden: Decoder states, `(B, T, D)`, which the output layer maps to logits.
        weights: One tensor of cross-attention weights per decoder layer with cross-attention, `(B, H, T, S)`; empty
            unless requested.
    """

    hidden: Tensor
    weights: tuple[Tensor, ...] = ()


@dataclass(frozen=True, slots=True)
class StepOutput:
    """The decoder's output for one step of decoding, that is, for one target position of every sentence.

    Attributes:
        logits: Scores of the next token before the softmax, `(B, V)`.
        weights: One tensor of cross-attention weights of this step per decoder layer with cross-attention, `(B, H, S)`;
            empty unless requested.
    """

    logits: Tensor
    weights: tuple[Tensor, ...] = ()


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A translation found by a search, as token ids.

    Attributes:
        ids: Target token ids without bos; the last one is eos if the hypothesis is finished.
        score: Log-probability of the hypothesis after length and coverage penalties; the search ranks by it.
        log_probs: Natural logarithm of each token's probability, one per id.
        weights: One tensor of cross-attention weights per decoder layer with cross-attention, `(H, T, S)`,
            T = `len(ids)`, S = source length with eos; empty unless requested.
        finished: Whether the search produced eos before the length limit.
    """

    ids: tuple[int, ...]
    score: float
    log_probs: tuple[float, ...]
    weights: tuple[Tensor, ...] = ()
    finished: bool = True
