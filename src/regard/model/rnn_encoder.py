"""The recurrent encoder: an annotation `h_i` for each source word, from both directions (Bahdanau 2015, §3.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from regard.attention.masks import padding_mask
from regard.model.autocast_rnn import run_rnn
from regard.model.lstm import has_kernel, lstm_sequence, packed_lstm_sequence
from regard.native.dropout import Dropout
from regard.native.packed import pack_linear
from regard.values import EncoderOutput

Direction = Callable[..., tuple[Tensor, Tensor]]
"""Called with rows, `batch_sizes` and `backwards` as `lstm_sequence`: h and c after each step."""

KINDS: dict[str, type[nn.RNN] | type[nn.GRU] | type[nn.LSTM]] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


class RNNEncoder(nn.Module):
    """Embedding and recurrent layers over the source.

    Args:
        embedding: Source words to `(B, S, E)`.
        cell: `rnn`, `gru` or `lstm`.
        hidden_size: D, both directions together.
        num_layers: How many layers.
        bidirectional: Read from both ends.
        residual: Add a layer's input to its output, from the second layer on.
        dropout: On embeddings and between layers.

    Attributes:
        summary_size: Width of the summary: last states of every layer and direction.
    """

    def __init__(
        self,
        embedding: nn.Embedding,
        cell: str,
        hidden_size: int,
        num_layers: int,
        *,
        bidirectional: bool = True,
        residual: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.embedding = embedding
        self.residual = residual
        self.dropout = Dropout(dropout)
        width = hidden_size // 2 if bidirectional else hidden_size
        sizes = [embedding.embedding_dim] + [hidden_size] * (num_layers - 1)
        self.layers = nn.ModuleList(
            KINDS[cell](size, width, batch_first=True, bidirectional=bidirectional) for size in sizes
        )
        self.hidden_size = hidden_size
        self.summary_size = num_layers * hidden_size * (2 if cell == "lstm" else 1)

    def pack(self, precision: str) -> None:
        """Lays out the weights for searches, where that makes them faster: LSTMs in 8 bits.

        Args:
            precision: As `pack_linear` takes it.
        """
        for number, layer in enumerate(self.layers):
            if precision == "int8" and isinstance(layer, nn.LSTM):
                self.layers[number] = RoundedLSTM(layer)

    def forward(self, src_ids: Tensor, src_len: Tensor, *, need_weights: bool = False) -> EncoderOutput:
        """Reads the sources; padding is never seen by either direction.

        Args:
            src_ids: `(B, S)` int64.
            src_len: `(B,)` int64.
            need_weights: Without effect, there is no self-attention here.

        Returns:
            States `(B, S, D)`, mask, and the last states of every layer and direction as summary.
        """
        x = self.dropout(self.embedding(src_ids))
        packed = pack_padded_sequence(x, src_len.cpu(), batch_first=True, enforce_sorted=False)
        summary: list[Tensor] = []
        for number, layer in enumerate(self.layers):
            if number:
                packed = _with_data(packed, self.dropout(packed.data))
            output, last = _read(layer, packed)  # type: ignore[arg-type]
            if number and self.residual:
                output = _with_data(output, output.data + packed.data)
            packed = output
            # (directions, B, width) each -> one row a sentence
            summary += [part.transpose(0, 1).flatten(1) for part in (last if isinstance(last, tuple) else (last,))]
        states, _ = pad_packed_sequence(packed, batch_first=True, total_length=src_ids.shape[1])
        return EncoderOutput(states, padding_mask(src_len, src_ids.shape[1]), torch.cat(summary, dim=-1))


class RoundedLSTM(nn.Module):
    """A layer whose products are in 8 bits, for searches; its weights are kept in no other form.

    Args:
        layer: What it is made of.
    """

    def __init__(self, layer: nn.LSTM) -> None:
        super().__init__()
        for number, (wide, deep, bias) in enumerate(_weights(layer)):
            self.add_module(f"input_{number}", pack_linear(wide, bias, precision="int8"))
            self.add_module(f"hidden_{number}", pack_linear(deep, precision="int8"))
        self.num_directions = 1 + layer.bidirectional

    def directions(self) -> list[Direction]:
        """What reads a packed sentence, from its beginning and perhaps from its end."""
        maps = [[self.get_submodule(f"{kind}_{n}") for kind in ("input", "hidden")] for n in range(self.num_directions)]
        return [partial(packed_lstm_sequence, input_map=one, hidden_map=other) for one, other in maps]


def _weights(layer: nn.LSTM) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """W, U and the sum of the biases of each direction."""
    for suffix in ("", "_reverse")[: 1 + layer.bidirectional]:
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        wide, deep, one, other = (layer.get_parameter(f"{name}_l0{suffix}") for name in names)
        yield wide, deep, one + other


def _directions(layer: nn.LSTM | RoundedLSTM) -> list[Direction]:
    if isinstance(layer, RoundedLSTM):
        return layer.directions()
    return [partial(lstm_sequence, input_weight=w, hidden_weight=u, bias=b) for w, u, b in _weights(layer)]


def _read(
    layer: nn.RNNBase | RoundedLSTM, packed: PackedSequence
) -> tuple[PackedSequence, Tensor | tuple[Tensor, ...]]:
    """What PyTorch's layer gives for a packed sequence."""
    if isinstance(layer, nn.RNNBase) and not (isinstance(layer, nn.LSTM) and has_kernel(packed.data)):
        return run_rnn(layer, packed)
    sizes = packed.batch_sizes
    sentences = torch.arange(int(sizes[0]))  # the longest first
    lengths = (sizes[:, None] > sentences).sum(0)
    end = (sizes.cumsum(0) - sizes)[lengths - 1] + sentences  # the row of each one's last word
    found, ends = [], []
    for number, (run, row) in enumerate(zip(_directions(layer), (end, sentences), strict=False)):
        states = run(packed.data, batch_sizes=sizes.tolist(), backwards=number == 1)
        found.append(states[0])
        ends.append([part.index_select(0, row) for part in states])
    order = packed.unsorted_indices
    return _with_data(packed, torch.cat(found, dim=-1)), tuple(
        torch.stack([part if order is None else part.index_select(0, order) for part in parts])
        for parts in zip(*ends, strict=True)
    )


def _with_data(packed: PackedSequence, data: Tensor) -> PackedSequence:
    return PackedSequence(data, packed.batch_sizes, packed.sorted_indices, packed.unsorted_indices)
