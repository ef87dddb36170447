"""The recurrent encoder: one annotation `h_i` per source word, from both directions (Bahdanau 2015, §3.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from regard.attention.masks import padding_mask
from regard.model.autocast_rnn import run_rnn
from regard.model.lstm import has_lstm_kernel, lstm_sequence, packed_lstm_sequence
from regard.native.dropout import Dropout
from regard.native.packed import pack_linear
from regard.values import EncoderOutput

LSTMFunction = Callable[..., tuple[Tensor, Tensor]]
"""`lstm_sequence` with the weights of one direction: takes x, `batch_sizes` and `backwards`, returns h and c."""

RNN_TYPES: dict[str, type[nn.RNN] | type[nn.GRU] | type[nn.LSTM]] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
"""By `RNNConfig.cell`."""


class RNNEncoder(nn.Module):
    """Recurrent encoder: an embedding and recurrent layers, usually in both directions (Bahdanau 2015, §3.2).

    Args:
        embedding: Embedding of source tokens, of width E.
        cell: Type of the layers: `rnn` (Elman), `gru` or `lstm`.
        hidden_size: D, the width of a layer's output, both directions together.
        num_layers: Number of layers.
        bidirectional: Whether to read the source in both directions; otherwise only from its start.
        residual: Whether to add a layer's input to its output, from the second layer on.
        dropout: Dropout rate of the embeddings and between layers.

    Attributes:
        summary_size: Width of the final states of all layers and directions, concatenated.
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
            RNN_TYPES[cell](size, width, batch_first=True, bidirectional=bidirectional) for size in sizes
        )
        self.hidden_size = hidden_size
        self.summary_size = num_layers * hidden_size * (2 if cell == "lstm" else 1)

    def pack(self, precision: str) -> None:
        """Prepares the weights for fast inference: with `int8`, LSTM layers are quantized; others stay unchanged.

        Args:
            precision: Type of the matrix products: `float32`, `bfloat16` or `int8`.
        """
        for number, layer in enumerate(self.layers):
            if precision == "int8" and isinstance(layer, nn.LSTM):
                self.layers[number] = QuantizedLSTM(layer)

    def forward(self, src_ids: Tensor, src_len: Tensor, *, need_weights: bool = False) -> EncoderOutput:
        """Encodes source sentences; neither direction reads padding.

        Args:
            src_ids: Source tokens, `(B, S)` int64; each row ends with eos, then padding.
            src_len: Source lengths with eos, without padding, `(B,)` int64.
            need_weights: Has no effect, because this encoder has no self-attention.

        Returns:
            Encoder states, `(B, S, D)`; the padding mask; and the final states of all layers and directions,
            `(B, summary_size)`.
        """
        x = self.dropout(self.embedding(src_ids))
        packed = pack_padded_sequence(x, src_len.cpu(), batch_first=True, enforce_sorted=False)
        summary: list[Tensor] = []
        for number, layer in enumerate(self.layers):
            if number:
                packed = _with_data(packed, self.dropout(packed.data))
            output, final = _run_layer(layer, packed)  # type: ignore[arg-type]
            if number and self.residual:
                output = _with_data(output, output.data + packed.data)
            packed = output
            # (directions, B, width) each -> one row per sentence
            summary += [part.transpose(0, 1).flatten(1) for part in (final if isinstance(final, tuple) else (final,))]
        states, _ = pad_packed_sequence(packed, batch_first=True, total_length=src_ids.shape[1])
        return EncoderOutput(states, padding_mask(src_len, src_ids.shape[1]), torch.cat(summary, dim=-1))


class QuantizedLSTM(nn.Module):
    """An LSTM layer for inference with weights quantized to 8 bits, in one or two directions.

    Args:
        layer: The LSTM layer to quantize; only 8-bit copies of its weights are kept.
    """

    def __init__(self, layer: nn.LSTM) -> None:
        super().__init__()
        for number, (input_weight, hidden_weight, bias) in enumerate(_weights(layer)):
            self.add_module(f"input_{number}", pack_linear(input_weight, bias, precision="int8"))
            self.add_module(f"hidden_{number}", pack_linear(hidden_weight, precision="int8"))
        self.num_directions = 1 + layer.bidirectional

    def directions(self) -> list[LSTMFunction]:
        """Functions that run the LSTM over packed sentences, one per direction: forward, then backward if any."""
        maps = [[self.get_submodule(f"{kind}_{n}") for kind in ("input", "hidden")] for n in range(self.num_directions)]
        return [partial(packed_lstm_sequence, input_map=input_map, hidden_map=hidden) for input_map, hidden in maps]


def _weights(layer: nn.LSTM) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """W, U and the sum of the biases of each direction."""
    for suffix in ("", "_reverse")[: 1 + layer.bidirectional]:
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        input_weight, hidden_weight, *biases = (layer.get_parameter(f"{name}_l0{suffix}") for name in names)
        yield input_weight, hidden_weight, biases[0] + biases[1]


def _directions(layer: nn.LSTM | QuantizedLSTM) -> list[LSTMFunction]:
    if isinstance(layer, QuantizedLSTM):
        return layer.directions()
    return [partial(lstm_sequence, input_weight=w, hidden_weight=u, bias=b) for w, u, b in _weights(layer)]


def _run_layer(
    layer: nn.RNNBase | QuantizedLSTM, packed: PackedSequence
) -> tuple[PackedSequence, Tensor | tuple[Tensor, ...]]:
    """Outputs and final state of a layer for a packed sequence, in the form of PyTorch's layers."""
    if isinstance(layer, nn.RNNBase) and not (isinstance(layer, nn.LSTM) and has_lstm_kernel(packed.data)):
        return run_rnn(layer, packed)
    sizes = packed.batch_sizes
    sentences = torch.arange(int(sizes[0]))  # the longest first
    lengths = (sizes[:, None] > sentences).sum(0)
    last_words = (sizes.cumsum(0) - sizes)[lengths - 1] + sentences  # the row of each sentence's last word
    outputs, finals = [], []
    for number, (run, final_rows) in enumerate(zip(_directions(layer), (last_words, sentences), strict=False)):
        states = run(packed.data, batch_sizes=sizes.tolist(), backwards=number == 1)
        outputs.append(states[0])
        finals.append([part.index_select(0, final_rows) for part in states])
    order = packed.unsorted_indices
    return _with_data(packed, torch.cat(outputs, dim=-1)), tuple(
        torch.stack([part if order is None else part.index_select(0, order) for part in parts])
        for parts in zip(*finals, strict=True)
    )


def _with_data(packed: PackedSequence, data: Tensor) -> PackedSequence:
    return PackedSequence(data, packed.batch_sizes, packed.sorted_indices, packed.unsorted_indices)
