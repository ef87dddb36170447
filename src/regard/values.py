"""The frozen values that flow from text to translation, in the order in which a sentence meets them.

Letters in shapes: B batch, S source length, T target length, H heads, D width, K key width,
V vocabulary. Torch is imported for type checking alone, so that text tools start without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

Span = tuple[int, int]
"""Characters `[start, end)` of a text."""

Links = tuple[tuple[int, int], ...]
"""A word alignment: sorted 0-based `(source word, target word)` pairs; words are what spaces separate."""


@dataclass(frozen=True, slots=True)
class Specials:
    """The four ids that are not text."""

    unk: int = 0
    pad: int = 1
    bos: int = 2
    eos: int = 3


@dataclass(frozen=True, slots=True)
class Pair:
    """A sentence and its translation, with the place that they came from.

    Attributes:
        src: Source sentence, normalized.
        tgt: Target sentence, normalized.
        line: 1-based line number in the file it was read from.
    """

    src: str
    tgt: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class Encoding:
    """A text cut into subwords, each knowing the characters it stands for.

    Attributes:
        text: The surface text that `spans` index.
        ids: One id a subword, without bos and eos.
        pieces: The subwords as the model of subwords spells them.
        spans: The characters of `text` that each subword covers; empty for a subword without surface.
    """

    text: str
    ids: tuple[int, ...]
    pieces: tuple[str, ...]
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class AlignmentTargets:
    """Where target subwords of a batch should look: a sparse `(B, T, S)` matrix G.

    Attributes:
        indices: `(3, N)` int64: row in the batch, target position, source position.
        values: `(N,)` float32; they sum to 1 over each target position that has any.
    """

    indices: Tensor
    values: Tensor


@dataclass(frozen=True, slots=True)
class Batch:
    """Sentence pairs as tensors, padded at the end.

    Attributes:
        src_ids: `(B, S)` int64, each row ends with eos.
        src_len: `(B,)` int64, lengths with eos.
        tgt_in_ids: `(B, T)` int64, bos and the target: what the decoder reads.
        tgt_out_ids: `(B, T)` int64, the target and eos: what it should say.
        tgt_len: `(B,)` int64, lengths of the two.
        indices: Number of each row's sentence in its corpus.
        num_tgt_tokens: Target tokens that are not padding, eos among them.
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
        """The same batch with its tensors on `device`; a GPU's work goes on meanwhile."""
        guide = self.alignment_targets
        return Batch(
            _placed(self.src_ids, device),
            _placed(self.src_len, device),
            _placed(self.tgt_in_ids, device),
            _placed(self.tgt_out_ids, device),
            _placed(self.tgt_len, device),
            self.indices,
            self.num_tgt_tokens,
            None if guide is None else AlignmentTargets(_placed(guide.indices, device), _placed(guide.values, device)),
        )


def _placed(tensor: Tensor, device: str) -> Tensor:
    # A copy from memory that can be paged out would wait for all that the GPU was given before, five times a step.
    if device.startswith("cuda") and not tensor.is_cuda:
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


@dataclass(frozen=True, slots=True)
class EncoderOutput:
    """What the encoder leaves for the decoder.

    Attributes:
        states: `(B, S, D)`, one annotation `h_i` a source position.
        mask: `(B, 1, 1, S)` bool, True at real positions.
        final: `(B, D)`, summary of the whole source, from which RNN decoders start; None for a Transformer.
        weights: One `(B, H, S, S)` self-attention matrix a layer; empty unless asked for.
    """

    states: Tensor
    mask: Tensor
    final: Tensor | None = None
    weights: tuple[Tensor, ...] = ()


@dataclass(frozen=True, slots=True)
class Memory:
    """Keys and values as an attention reads them: projected once a sentence.

    Attributes:
        key: `(B, H, S, K)`.
        value: `(B, H, S, D)`.
        mask: Bool, True = may attend, broadcastable to `(B, H, T, S)`; None = everything may be attended to.
        copied: `(B,)` int64, which rows are copies of one another: those with one number; None = none is.
    """

    key: Tensor
    value: Tensor
    mask: Tensor | None = None
    copied: Tensor | None = None


@dataclass(frozen=True, slots=True)
class AttentionOutput:
    """What an attention gives back.

    Attributes:
        context: `(B, T, D)`, the attention value `a_t` of each query.
        weights: `(B, H, T, S)`, the distribution `α_t` before dropout; None unless asked for.
    """

    context: Tensor
    weights: Tensor | None = None


@dataclass(frozen=True, slots=True)
class DecoderOutput:
    """A target sentence read at once (teacher forcing).

    Attributes:
        hidden: `(B, T, D)`, what the output layer projects to the vocabulary.
        weights: One `(B, H, T, S)` cross-attention matrix a layer; empty unless asked for or without attention.
    """

    hidden: Tensor
    weights: tuple[Tensor, ...] = ()


@dataclass(frozen=True, slots=True)
class StepOutput:
    """One decoding step.

    Attributes:
        logits: `(B, V)`, scores of the next token before the softmax.
        weights: One `(B, H, S)` cross-attention row a layer; empty unless asked for or without attention.
    """

    logits: Tensor
    weights: tuple[Tensor, ...] = ()


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A translation in ids, as a search found it.

    Attributes:
        ids: Tokens without bos, with the eos where the sentence was finished.
        score: What the search ranked by: log-probability after length and coverage penalties.
        log_probs: Natural logarithm of each token's probability, one an id.
        weights: One `(H, T, S)` matrix a layer, T = len(ids), S = source length with eos; empty unless asked for.
        finished: Whether eos was produced before the length limit.
    """

    ids: tuple[int, ...]
    score: float
    log_probs: tuple[float, ...]
    weights: tuple[Tensor, ...] = ()
    finished: bool = True
