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
    """Ids of the four special tokens."""

    unk: int = 0
    pad: int = 1
    bos: int = 2
    eos: int = 3


@dataclass(frozen=True, slots=True)
class Pair:
    """A sentence and its translation, with their line number.

    Attributes:
        src: Source sentence, normalized.
        tgt: Target sentence, normalized.
        line: 1-based line number in the file that they were read from; 0 = unknown.
    """

    src: str
    tgt: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class Encoding:
    """A text segmented into subwords, with the characters that each subword covers.

    Attributes:
        text: The surface text that `spans` refer to.
        ids: One id per subword, without bos and eos.
        pieces: The subwords as spelled by the subword model.
        spans: The characters of `text` that each subword covers; an empty span for a subword without surface text.
    """

    text: str
    ids: tuple[int, ...]
    pieces: tuple[str, ...]
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class AlignmentTargets:
    """Target weights for guided alignment: a sparse `(B, T, S)` matrix G.

    Attributes:
        indices: `(3, N)` int64: row in the batch, target position, source position.
        values: `(N,)` float32; those of one target position sum to 1.
    """

    indices: Tensor
    values: Tensor


@dataclass(frozen=True, slots=True)
class Batch:
    """Sentence pairs as tensors, padded at the end.

    Attributes:
        src_ids: `(B, S)` int64, each row ends with eos.
        src_len: `(B,)` int64, lengths with eos.
        tgt_in_ids: `(B, T)` int64, bos and the target: the decoder's input.
        tgt_out_ids: `(B, T)` int64, the target and eos: the tokens to predict.
        tgt_len: `(B,)` int64, lengths of `tgt_in_ids` and `tgt_out_ids`.
        indices: Index of each row's sentence in the corpus.
        num_tgt_tokens: Number of target tokens with eos, without padding.
        alignment_targets: Where each target position should attend, for guided alignment.
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
        """The same batch with its tensors on `device`; the copy to a GPU is asynchronous."""
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
    """The encoder's output, as the decoder reads it.

    Attributes:
        states: `(B, S, D)`, one annotation `h_i` per source position.
        mask: `(B, 1, 1, S)` bool, True at real positions.
        final: `(B, D)`, summary of the source, the initial state of RNN decoders; None for a Transformer.
        weights: One `(B, H, S, S)` self-attention tensor per layer; empty unless requested.
    """

    states: Tensor
    mask: Tensor
    final: Tensor | None = None
    weights: tuple[Tensor, ...] = ()


@dataclass(frozen=True, slots=True)
class Memory:
    """Keys and values of an attention, projected once per sentence.

    Attributes:
        key: `(B, H, S, K)`.
        value: `(B, H, S, D)`.
        mask: Bool, True = may attend, broadcastable to `(B, H, T, S)`; None = everything may be attended to.
        copy_ids: `(B,)` int64, equal numbers for rows that are copies of each other; None = no row is a copy.
    """

    key: Tensor
    value: Tensor
    mask: Tensor | None = None
    copy_ids: Tensor | None = None


@dataclass(frozen=True, slots=True)
class AttentionOutput:
    """The output of an attention.

    Attributes:
        context: `(B, T, D)`, the weighted sum of values `a_t` of each query.
        weights: `(B, H, T, S)`, the distribution `α_t` before dropout; None unless requested.
    """

    context: Tensor
    weights: Tensor | None = None


@dataclass(frozen=True, slots=True)
class DecoderOutput:
    """The decoder's output for whole target sentences (teacher forcing).

    Attributes:
        hidden: `(B, T, D)`, the input of the output layer.
        weights: One `(B, H, T, S)` cross-attention tensor per layer; empty unless requested, or without attention.
    """

    hidden: Tensor
    weights: tuple[Tensor, ...] = ()


@dataclass(frozen=True, slots=True)
class StepOutput:
    """The output of one decoding step.

    Attributes:
        logits: `(B, V)`, scores of the next token before the softmax.
        weights: One `(B, H, S)` cross-attention tensor per layer; empty unless requested, or without attention.
    """

    logits: Tensor
    weights: tuple[Tensor, ...] = ()


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A translation found by a search, in ids.

    Attributes:
        ids: Tokens without bos, with eos if the sentence was finished.
        score: The log-probability after length and coverage penalties, by which the search ranks.
        log_probs: Natural logarithm of each token's probability, one per id.
        weights: One `(H, T, S)` tensor per layer, T = len(ids), S = source length with eos; empty unless requested.
        finished: Whether eos was produced before the length limit.
    """

    ids: tuple[int, ...]
    score: float
    log_probs: tuple[float, ...]
    weights: tuple[Tensor, ...] = ()
    finished: bool = True
