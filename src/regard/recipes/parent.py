"""The parent, which is the model that a training starts from: its architecture, vocabulary and weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from regard.config.interactions import flattened
from regard.config.schema import Config
from regard.errors import CheckpointError, ConfigError
from regard.model.freezing import freeze
from regard.model.low_rank import add_low_rank_updates
from regard.model.seq2seq import Seq2Seq
from regard.store import StoredModel, load_model
from regard.store.weights import copy_tensors, own_tensors
from regard.text.subword import Subword

_UNKNOWN = (
    "the vocabulary of the parent, imported from another toolkit, cannot spell every character: those that it lacks "
    "become unknown; train.parent_vocabulary = new learns a vocabulary that can"
)


@dataclass(frozen=True, slots=True)
class CarriedRows:
    """How many embeddings of a new vocabulary come from the parent, the model that a training starts from.

    Attributes:
        num_same: Number of subwords that are in the parent's vocabulary; they get the parent's embedding.
        num_composed: Number of other subwords that the parent can spell with several of its subwords; they get the mean
            of the embeddings of these.
        num_new: Number of all other subwords; they keep their random embedding.
    """

    num_same: int
    num_composed: int
    num_new: int

    def __str__(self) -> str:
        total = self.num_same + self.num_composed + self.num_new
        return (
            f"of {total:,} subwords, {self.num_same:,} have the parent's embedding, {self.num_composed:,} the mean of "
            f"the subwords that the parent spells them with, and {self.num_new:,} a random one"
        )


def load_parent(config: Config) -> StoredModel:
    """Loads the model that a training starts from.

    Args:
        config: Configuration with `train.parent`.

    Returns:
        The model on the CPU.

    Raises:
        ConfigError: The model's architecture differs from that of the configuration.
        CheckpointError: The directory contains no model, or the model is damaged.
    """
    path = str(config.train.parent)
    try:
        parent = load_model(path)
    except CheckpointError as error:
        raise CheckpointError(
            f"train.parent: {error}; if the model was made by another toolkit, convert it with `regard import` first"
        ) from None
    wrong = _differences(parent.config, config)
    if wrong:
        raise ConfigError(
            f"{path}: a training that starts from a model keeps its architecture, but {', '.join(wrong)} would change "
            "it: leave these options out"
        )
    return parent


def choose_weights(model: Seq2Seq, config: Config, subwords: tuple[Subword, Subword], *, has_state: bool) -> list[str]:
    """Sets the initial weights of a training, and chooses which of them are trained.

    Args:
        model: The new model, with random weights.
        config: Configuration, of which `train.parent`, `train.freeze` and `train.lora_rank` are used.
        subwords: Source and target vocabulary of the new model.
        has_state: Whether a saved training state will replace the weights, so that the parent is not loaded.

    Returns:
        Notes for the user: where embeddings come from, and how many parameters are trained.

    Raises:
        ConfigError: The parent's architecture differs from the configuration, or no parameter would be left to train.
        CheckpointError: The parent cannot be loaded.
    """
    train, notes = config.train, []
    if train.parent is not None and not has_state:
        parent = load_parent(config)
        carried = start_from(model, parent, subwords)
        notes += [f"the training starts from {train.parent}"] if carried is None else _carried_notes(carried, config)
        notes += [] if all(subword.spells_everything for subword in subwords) else [_UNKNOWN]
    if train.freeze:
        freeze(model, train.freeze)
    if train.lora_rank:
        add_low_rank_updates(model, rank=train.lora_rank, alpha=train.lora_alpha)
    if train.freeze or train.lora_rank:
        trained = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
        total = sum(parameter.numel() for parameter in model.parameters())
        notes.append(f"{trained:,} of {total:,} parameters are trained")
    return notes


def add_parent_share(model: Seq2Seq, config: Config) -> None:
    """Averages a trained model with its parent, the model its training started from (Wortsman et al. 2022, eq. 1).

    Args:
        model: The trained model, which must have the parent's vocabulary; its weights are changed in place.
        config: Configuration, of which `train.parent` and `train.parent_share`, the parent's share of the average, are
            used.

    Raises:
        CheckpointError: The parent cannot be loaded.
    """
    given, share = own_tensors(load_parent(config).model), config.train.parent_share
    for name, own in own_tensors(model).items():
        own.lerp_(given[name].to(own), share)


def _carried_notes(carried: tuple[CarriedRows, CarriedRows], config: Config) -> list[str]:
    if config.subword.shared:
        return [f"the training starts from {config.train.parent}: {carried[1]}"]
    return [
        f"the training starts from {config.train.parent}: in the {side} vocabulary, {rows}"
        for side, rows in zip(("source", "target"), carried, strict=True)
    ]


def start_from(
    model: Seq2Seq, parent: StoredModel, subwords: tuple[Subword, Subword]
) -> tuple[CarriedRows, CarriedRows] | None:
    """Copies the weights of a parent to a new model, whose vocabularies may differ from the parent's.

    Args:
        model: The new model, with random weights and the parent's architecture.
        parent: The model to start the training from.
        subwords: Source and target vocabulary of the new model.

    Returns:
        Where the embeddings of the source and the target vocabulary come from; None if both vocabularies are the
        parent's.
    """
    old = (parent.src_subword, parent.tgt_subword)
    given = own_tensors(parent.model)
    if all(new.fingerprint() == known.fingerprint() for new, known in zip(subwords, old, strict=True)):
        copy_tensors(model, given)
        return None
    sides = _vocabulary_sides(model)
    rows, counts = zip(*(_parent_rows(new, known) for new, known in zip(subwords, old, strict=True)), strict=True)
    values = {
        name: _carry(given[name], own, rows[sides[name]]) if name in sides else given[name]
        for name, own in own_tensors(model).items()
    }
    copy_tensors(model, values)
    return counts[0], counts[1]


def _carry(given: Tensor, own: Tensor, rows: Sequence[Sequence[int]]) -> Tensor:
    """A tensor over the new vocabulary whose rows are means of rows of the parent's tensor, where it has any."""
    result = own.clone()
    for row, parts in enumerate(rows):
        if parts:
            result[row] = given[list(parts)].mean(0)
    return result


def _parent_rows(new: Subword, old: Subword) -> tuple[list[tuple[int, ...]], CarriedRows]:
    """The parent's ids for each subword of a new vocabulary, its own or those it is spelled with; and their counts."""
    ids = {piece: row for row, piece in enumerate(old.pieces)}
    ids |= {new.pieces[own]: known for own, known in zip(_special_ids(new), _special_ids(old), strict=True)}
    rows = [(ids[piece],) if piece in ids else _spelling(piece, old) for piece in new.pieces]
    num_same = sum(piece in ids for piece in new.pieces)
    num_new = sum(not parts for parts in rows)
    return rows, CarriedRows(num_same, len(rows) - num_same - num_new, num_new)


def _spelling(piece: str, old: Subword) -> tuple[int, ...]:
    """Ids that the parent spells a subword with; empty if it cannot, or if the subword is no text."""
    text = piece.replace("▁", " ").strip()
    if not text:
        return ()
    ids = old.encode(text).ids
    if not piece.startswith("▁") and ids and old.pieces[ids[0]] == "▁":  # the space before a text is a subword alone
        ids = ids[1:]
    return () if old.specials.unk in ids else tuple(ids)


def _special_ids(subword: Subword) -> tuple[int, int, int, int]:
    specials = subword.specials
    return specials.unk, specials.pad, specials.bos, specials.eos


def _vocabulary_sides(model: Seq2Seq) -> dict[str, int]:
    """The side of each tensor that has one row per subword: 0 = source, 1 = target (or both, if they share it)."""
    sides = {
        id(parameter): int(name.startswith("decoder"))
        for name, module in model.named_modules()
        if isinstance(module, nn.Embedding)
        for parameter in module.parameters()
    }
    sides |= {id(model.output_weight): 1, id(model.output_bias): 1}
    return {name: sides[id(tensor)] for name, tensor in model.state_dict(keep_vars=True).items() if id(tensor) in sides}


def _differences(old: Config, new: Config) -> list[str]:
    """Options of the model that differ and change its weights."""
    if old.model.kind != new.model.kind:
        return [f"model.kind = {new.model.kind}"]
    before, after = flattened(old.model), flattened(new.model)
    names = [name for name in after if "dropout" not in name and name not in ("export", "recompute")]
    wrong = [f"model.{name} = {after[name]}" for name in names if after[name] != before.get(name)]
    if old.subword.shared != new.subword.shared:
        wrong.append(f"subword.shared = {new.subword.shared}")
    return wrong
