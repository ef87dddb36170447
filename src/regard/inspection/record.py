"""The attention of one translated sentence: the matrices, with the tokenized source and target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import torch
from torch import Tensor

from regard.errors import DataError, ShapeError
from regard.text.words import word_of_piece, word_spans, words_of
from regard.values import Encoding

END = "</s>"
"""Label of the end-of-sentence token; at word level, label of the column for all weight that belongs to no word."""

Level = Literal["word", "subword"]
"""Unit of the rows and columns of an attention matrix: whitespace-separated words, or the model's subwords."""


@dataclass(frozen=True, slots=True)
class Grid:
    """One attention matrix with its row and column labels, as drawn by the visualizations.

    Attributes:
        weights: Attention weights, `(T, S)` float32.
        tgt_labels: T labels, one per row.
        src_labels: S labels, one per column; the last is `</s>`.
    """

    weights: Tensor
    tgt_labels: tuple[str, ...]
    src_labels: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class AttentionRecord:
    """The cross-attention of one translated sentence, with all layers and heads.

    Rows are the target subwords and, if the translation was finished, its `</s>`; columns are the source subwords and
    `</s>`. Two records are equal only if they are the same object.

    Attributes:
        src: Tokenized source sentence.
        tgt: Tokenized target sentence.
        layers: Attention weights of each layer, a float tensor `(H, T, S)`, T = target subwords (+ 1 if finished),
            S = source subwords + 1. Stored as float32 on the CPU, without gradient.
        layer_names: One name per layer; if empty, the layers are named by number.

    Raises:
        ShapeError: The shapes of `layers` do not match the numbers of subwords.
        DataError: A weight is negative or not finite.
    """

    src: Encoding
    tgt: Encoding
    layers: tuple[Tensor, ...]
    layer_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        layers = tuple(layer.detach().to(device="cpu", dtype=torch.float32) for layer in self.layers)
        names = tuple(self.layer_names) or _default_names(len(layers))
        if not layers:
            raise ShapeError(
                "an attention record needs at least one layer, got none: a model without attention has no record"
            )
        if len(names) != len(layers):
            raise ShapeError(
                f"expected layer_names to have a name for each of the {len(layers)} layers of attention weights, got "
                f"{len(names)}: {names}"
            )
        for name, layer in zip(names, layers, strict=True):
            _check_layer(name, layer, num_src=len(self.src.ids), num_tgt=len(self.tgt.ids))
        if len({layer.shape[1] for layer in layers}) > 1:
            raise ShapeError(
                "expected attention weights with the same number of target rows in every layer, got layers of the "
                f"shapes (heads, target rows, source columns) {[tuple(layer.shape) for layer in layers]}"
            )
        object.__setattr__(self, "layers", layers)
        object.__setattr__(self, "layer_names", names)

    @property
    def src_labels(self) -> tuple[str, ...]:
        """Labels of the S columns: source subwords and `</s>`."""
        return (*self.src.pieces, END)

    @property
    def tgt_labels(self) -> tuple[str, ...]:
        """Labels of the T rows: target subwords, and `</s>` if the translation was finished."""
        return (*self.tgt.pieces, END)[: self.layers[0].shape[1]]

    @property
    def src_words(self) -> tuple[str, ...]:
        """The whitespace-separated words of the source."""
        return words_of(self.src.text)

    @property
    def tgt_words(self) -> tuple[str, ...]:
        """The whitespace-separated words of the target."""
        return words_of(self.tgt.text)

    def matrix(self, layer: int | None = None, head: int | None = None) -> Tensor:
        """The attention matrix over subwords, of one layer and head or of a mean.

        Args:
            layer: 0-based layer, or a negative number counted from the last layer; None = mean over the layers.
            head: 0-based head, or a negative number counted from the last head; None = mean over the heads of each
                layer.

        Returns:
            Attention weights, `(T, S)`. They may share memory with the record, so do not modify them.

        Raises:
            ShapeError: The record does not have the layer or head.
        """
        chosen = self.layers if layer is None else (self.layers[_pick(layer, len(self.layers), "layer")],)
        if head is None:
            matrices = [weights.mean(dim=0) if len(weights) > 1 else weights[0] for weights in chosen]
        else:
            matrices = [weights[_pick(head, len(weights), "head")] for weights in chosen]
        # A single matrix may be large, so it is not copied.
        return matrices[0] if len(matrices) == 1 else torch.stack(matrices).mean(dim=0)

    def subwords(self, layer: int | None = None, head: int | None = None, *, shifted: bool = False) -> Tensor:
        """The attention matrix with one row per target subword, and no row for the target `</s>`.

        Args:
            layer: 0-based layer; None = mean over the layers. See `matrix`.
            head: 0-based head; None = mean over the heads. See `matrix`.
            shifted: If False, the row of a subword has the attention of the decoding step that generated the subword;
                if True, that of the next step, which reads the subword as input.

        Returns:
            Attention weights, `(T, S)` for T target subwords. If `shifted` and the translation was not finished, the
            row of the last subword is missing, because there was no next step.
        """
        first = int(shifted)
        return self.matrix(layer, head)[first : first + len(self.tgt.ids)]

    def words(self, layer: int | None = None, head: int | None = None, *, shifted: bool = False) -> Tensor:
        """The attention matrix over words: sum over source subwords, maximum over target subwords.

        Pictures, the attention page and word links all use this matrix. It takes the maximum over target subwords
        because one subword of a target word often decides which source word is translated, and a mean with the other
        subwords would dilute the weight. The last column has the weight that belongs to no source word, mainly that of
        `</s>`. A subword that consists of only the space before a word counts as part of that word, in source and
        target. A target word without subwords has a row of zeros. The target `</s>` has no row.

        Args:
            layer: 0-based layer; None = mean over the layers. See `matrix`.
            head: 0-based head; None = mean over the heads. See `matrix`.
            shifted: If False, the row of a subword has the attention of the decoding step that generated the subword;
                if True, that of the next step, which reads the subword as input.

        Returns:
            Attention weights, `(target words, source words + 1)`.
        """
        weights = self.subwords(layer, head, shifted=shifted)
        num_src, num_tgt = len(word_spans(self.src.text)), len(word_spans(self.tgt.text))
        if len(weights) < len(self.tgt.ids):
            missing = torch.zeros(len(self.tgt.ids) - len(weights), weights.shape[1])
            weights = torch.cat((weights, missing))
        # A subword of no word goes to the last column, or to a row that is cut off.
        columns = torch.tensor([*_word_numbers(self.src, num_src), num_src])
        summed = torch.zeros(len(weights), num_src + 1).index_add_(1, columns, weights)
        rows = torch.tensor(_word_numbers(self.tgt, num_tgt), dtype=torch.int64)[:, None].expand_as(summed)
        return torch.zeros(num_tgt + 1, num_src + 1).scatter_reduce_(0, rows, summed, "amax")[:num_tgt]

    def grid(self, layer: int | None = None, head: int | None = None, *, level: Level = "word") -> Grid:
        """The attention matrix with its labels, as the visualizations draw it.

        Args:
            layer: 0-based layer; None = mean over the layers. See `matrix`.
            head: 0-based head; None = mean over the heads. See `matrix`.
            level: `word` for one row and column per word, `subword` for one per subword.

        Returns:
            The weights with row and column labels.
        """
        if level == "word":
            return Grid(self.words(layer, head), self.tgt_words, (*self.src_words, END))
        return Grid(self.matrix(layer, head), self.tgt_labels, self.src_labels)

    def to_dict(self) -> dict[str, object]:
        """Converts the record to JSON-compatible data; weights are rounded to six decimals."""
        layers = [
            {
                "name": name,
                "weights": [[[round(weight, 6) for weight in row] for row in head] for head in layer.tolist()],
            }
            for name, layer in zip(self.layer_names, self.layers, strict=True)
        ]
        return {"src": _encoding_to_dict(self.src), "tgt": _encoding_to_dict(self.tgt), "layers": layers}

    @classmethod
    def from_dict(cls, data: Mapping[str, object]) -> AttentionRecord:
        """Restores a record from the result of `to_dict`.

        Args:
            data: The result of `to_dict`, such as parsed from JSON.

        Returns:
            The record, with weights that were rounded to six decimals by `to_dict`.

        Raises:
            DataError: A key is missing, or a value is invalid.
            ShapeError: The shapes of the attention weights do not match the numbers of subwords.
        """
        try:
            layers = cast("Sequence[Mapping[str, object]]", data["layers"])
            return cls(
                _encoding_from_dict(cast("Mapping[str, object]", data["src"])),
                _encoding_from_dict(cast("Mapping[str, object]", data["tgt"])),
                tuple(torch.tensor(layer["weights"], dtype=torch.float32) for layer in layers),
                tuple(str(layer["name"]) for layer in layers),
            )
        except KeyError as error:
            raise DataError(
                f"attention record without the key {error}: expected the result of `AttentionRecord.to_dict`: make the "
                "record again"
            ) from error
        except (TypeError, ValueError, OverflowError, RuntimeError) as error:
            raise DataError(
                f"not an attention record: expected the result of `AttentionRecord.to_dict`, but {error}: make the "
                "record again"
            ) from error


def _word_numbers(encoding: Encoding, no_word: int) -> list[int]:
    return [no_word if word is None else word for word in word_of_piece(encoding)]


def _default_names(count: int) -> tuple[str, ...]:
    return ("attention",) if count == 1 else tuple(f"layer {number}" for number in range(1, count + 1))


def _pick(number: int, count: int, what: str) -> int:
    if not -count <= number < count:
        raise ShapeError(
            f"there is no {what} {number}: expected 0 to {count - 1}, or a negative number counted from the last {what}"
        )
    return number % count


def _check_layer(name: str, layer: Tensor, *, num_src: int, num_tgt: int) -> None:
    shape = tuple(layer.shape)
    is_valid = len(shape) == 3 and min(shape) >= 1 and shape[1] in (num_tgt, num_tgt + 1) and shape[2] == num_src + 1
    if not is_valid:
        raise ShapeError(
            f"{name}: expected attention weights of shape (heads, {num_tgt} or {num_tgt + 1} target rows, "
            f"{num_src + 1} source columns), one per subword and one for </s> (optional in the target), got {shape}"
        )
    if not bool(torch.isfinite(layer).all()) or bool((layer < 0).any()):
        raise DataError(f"{name}: expected finite attention weights of at least 0, got {_first_invalid(layer)}")


def _first_invalid(layer: Tensor) -> str:
    head, row, column = (~torch.isfinite(layer) | (layer < 0)).nonzero()[0].tolist()
    return f"{float(layer[head, row, column])} at head {head}, row {row}, column {column}"


def _encoding_to_dict(encoding: Encoding) -> dict[str, object]:
    return {
        "text": encoding.text,
        "ids": list(encoding.ids),
        "pieces": list(encoding.pieces),
        "spans": [list(span) for span in encoding.spans],
    }


def _encoding_from_dict(data: Mapping[str, object]) -> Encoding:
    text, ids, pieces = data["text"], cast("Sequence[int]", data["ids"]), cast("Sequence[str]", data["pieces"])
    spans = tuple((int(start), int(end)) for start, end in cast("Sequence[tuple[int, int]]", data["spans"]))
    if not isinstance(text, str) or not len(ids) == len(pieces) == len(spans):
        raise DataError(
            "not an attention record: expected a text with equal numbers of ids, pieces and spans, got "
            f"{len(ids)}, {len(pieces)} and {len(spans)}: make the record again with `AttentionRecord.to_dict`"
        )
    for number, (start, end) in enumerate(spans, start=1):
        if not 0 <= start <= end <= len(text):
            raise DataError(
                f"not an attention record: subword {number} has the span {start} to {end}, but the text has "
                f"{len(text)} characters: make the record again with `AttentionRecord.to_dict`"
            )
    return Encoding(text, tuple(int(piece_id) for piece_id in ids), tuple(str(piece) for piece in pieces), spans)
