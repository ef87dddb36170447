"""What a model attended to while it wrote one sentence: the matrices, and the text that they are about."""

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
"""How the end of a sentence is written; at word level the column of all mass that lies on no word."""

Level = Literal["word", "subword"]
"""Words are what spaces separate; subwords are what the model reads."""


@dataclass(frozen=True, slots=True)
class Grid:
    """One matrix with the names of its rows and columns: what gets drawn.

    Attributes:
        weights: `(T, S)` float32.
        tgt_labels: T names, one a row.
        src_labels: S names, one a column; the last is `</s>`.
    """

    weights: Tensor
    tgt_labels: tuple[str, ...]
    src_labels: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class AttentionRecord:
    """The attention of one translated sentence, all layers and heads kept.

    Rows are target subwords and, where the sentence was finished, its `</s>`; columns are source subwords
    and `</s>`. Two records are equal only if they are the same object.

    Attributes:
        src: Source sentence and its subwords.
        tgt: Target sentence and its subwords.
        layers: One `(H, T, S)` float tensor a layer, T = target subwords (+ 1 if finished), S = source
            subwords + 1. Kept as float32 on the CPU, without a gradient.
        layer_names: One name a layer; made up where none is given.

    Raises:
        ShapeError: Where the tensors do not fit the subwords.
        DataError: Where a weight is negative or not finite.
    """

    src: Encoding
    tgt: Encoding
    layers: tuple[Tensor, ...]
    layer_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        layers = tuple(layer.detach().to(device="cpu", dtype=torch.float32) for layer in self.layers)
        names = tuple(self.layer_names) or _default_names(len(layers))
        if not layers:
            raise ShapeError("an attention record needs at least one layer; a model without attention has none to show")
        if len(names) != len(layers):
            raise ShapeError(f"expected one name for each of the {len(layers)} layers, got {len(names)}: {names}")
        for name, layer in zip(names, layers, strict=True):
            _check_layer(name, layer, num_src=len(self.src.ids), num_tgt=len(self.tgt.ids))
        if len({layer.shape[1] for layer in layers}) > 1:
            raise ShapeError(f"layers differ in their target length: {[tuple(layer.shape) for layer in layers]}")
        object.__setattr__(self, "layers", layers)
        object.__setattr__(self, "layer_names", names)

    @property
    def src_labels(self) -> tuple[str, ...]:
        """Names of the S columns: source subwords and `</s>`."""
        return (*self.src.pieces, END)

    @property
    def tgt_labels(self) -> tuple[str, ...]:
        """Names of the T rows: target subwords, and `</s>` where the sentence was finished."""
        return (*self.tgt.pieces, END)[: self.layers[0].shape[1]]

    @property
    def src_words(self) -> tuple[str, ...]:
        """The words of the source, as spaces separate them."""
        return words_of(self.src.text)

    @property
    def tgt_words(self) -> tuple[str, ...]:
        """The words of the target, as spaces separate them."""
        return words_of(self.tgt.text)

    def matrix(self, layer: int | None = None, head: int | None = None) -> Tensor:
        """One matrix over subwords.

        Args:
            layer: Number of the layer, negative from the last; None = mean over the layers.
            head: Number of the head, negative from the last; None = mean over the heads of each layer.

        Returns:
            `(T, S)` weights, not to be written to.

        Raises:
            ShapeError: Where there is no such layer or head.
        """
        chosen = self.layers if layer is None else (self.layers[_pick(layer, len(self.layers), "layer")],)
        if head is None:
            found = [one.mean(dim=0) if len(one) > 1 else one[0] for one in chosen]
        else:
            found = [one[_pick(head, len(one), "head")] for one in chosen]
        return found[0] if len(found) == 1 else torch.stack(found).mean(dim=0)  # one may take much room

    def words(self, layer: int | None = None, head: int | None = None) -> Tensor:
        """One matrix over words: summed over a source word's subwords, averaged over a target word's.

        The last column holds what lies on no source word: `</s>` above all. A subword that is only the space
        before a word counts for that word, on either side. So each row has the mean sum of the rows it was
        made from. A target word that no subword reaches has a row of zeros. The target's own
        `</s>` has no row.

        Args:
            layer: As for `matrix`.
            head: As for `matrix`.

        Returns:
            `(target words, source words + 1)` weights.
        """
        weights = self.matrix(layer, head)
        num_src, num_tgt = len(word_spans(self.src.text)), len(word_spans(self.tgt.text))
        columns = torch.zeros(weights.shape[1], num_src + 1)  # (S, source words + 1)
        for place, word in enumerate((*word_of_piece(self.src), None)):
            columns[place, num_src if word is None else word] = 1
        rows = torch.zeros(num_tgt, weights.shape[0])  # (target words, T)
        for place, word in enumerate(word_of_piece(self.tgt)):
            if word is not None:
                rows[word, place] = 1
        rows /= rows.sum(dim=1, keepdim=True).clamp(min=1)
        return rows @ weights @ columns

    def grid(self, layer: int | None = None, head: int | None = None, *, level: Level = "word") -> Grid:
        """One matrix with its labels, as the pictures draw it.

        Args:
            layer: As for `matrix`.
            head: As for `matrix`.
            level: Over words or over subwords.

        Returns:
            The weights and the names of rows and columns.
        """
        if level == "word":
            return Grid(self.words(layer, head), self.tgt_words, (*self.src_words, END))
        return Grid(self.matrix(layer, head), self.tgt_labels, self.src_labels)

    def to_dict(self) -> dict[str, object]:
        """The record as JSON has it; weights are rounded to six decimals."""
        layers = [
            {"name": name, "weights": [[[round(one, 6) for one in row] for row in head] for head in layer.tolist()]}
            for name, layer in zip(self.layer_names, self.layers, strict=True)
        ]
        return {"src": _encoding_to_dict(self.src), "tgt": _encoding_to_dict(self.tgt), "layers": layers}

    @classmethod
    def from_dict(cls, data: Mapping[str, object]) -> AttentionRecord:
        """The record that `to_dict` described.

        Args:
            data: What was read from JSON.

        Returns:
            The record, its weights equal to six decimals.

        Raises:
            DataError: Where a part is missing or is not what it should be.
            ShapeError: Where the parts do not fit together.
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
            raise DataError(f"an attention record without {error}: expected what `to_dict` writes") from error
        except (TypeError, ValueError, OverflowError, RuntimeError) as error:
            raise DataError(f"not an attention record as `to_dict` writes it: {error}") from error


def _default_names(count: int) -> tuple[str, ...]:
    return ("attention",) if count == 1 else tuple(f"layer {number}" for number in range(1, count + 1))


def _pick(number: int, count: int, what: str) -> int:
    if not -count <= number < count:
        raise ShapeError(f"there is no {what} {number}: expected 0 to {count - 1}, or negative from the last")
    return number % count


def _check_layer(name: str, layer: Tensor, *, num_src: int, num_tgt: int) -> None:
    shape = tuple(layer.shape)
    fits = len(shape) == 3 and min(shape) >= 1 and shape[1] in (num_tgt, num_tgt + 1) and shape[2] == num_src + 1
    if not fits:
        raise ShapeError(
            f"{name}: expected weights (heads, {num_tgt + 1} target rows, {num_src + 1} source columns), "
            f"the subwords and </s>, got {shape}"
        )
    if not bool(torch.isfinite(layer).all()) or bool((layer < 0).any()):
        raise DataError(f"{name}: expected finite weights of at least 0, got {_first_bad(layer)}")


def _first_bad(layer: Tensor) -> str:
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
        raise DataError(f"expected as many ids, pieces and spans, got {len(ids)}, {len(pieces)} and {len(spans)}")
    for number, (start, end) in enumerate(spans, start=1):
        if not 0 <= start <= end <= len(text):
            raise DataError(f"subword {number} spans the characters {start} to {end} of a text of {len(text)}")
    return Encoding(text, tuple(int(one) for one in ids), tuple(str(piece) for piece in pieces), spans)
