"""The tensors of a training state: weights and moments of the optimizer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from regard.store.weights import check_shapes, copy_tensors, own_tensors
from regard.train.optimizer import Updater

_WEIGHT, _OPTIMIZER = "weight.", "optimizer."
_OF_GENERATORS = "random."
"""Prefix of the states of random number generators, which format version 1 had."""


def state_tensors(model: nn.Module, updater: Updater) -> dict[str, Tensor]:
    """Collects all tensors that an interrupted training needs to resume.

    Args:
        model: Model in training.
        updater: Optimizer of the model.

    Returns:
        Weights of the model and moments of the optimizer, by name.
    """
    tensors = {f"{_WEIGHT}{name}": weight for name, weight in own_tensors(model).items()}
    return tensors | {f"{_OPTIMIZER}{name}": value for name, value in updater.state().items()}


def restore_tensors(path: Path, tensors: dict[str, Tensor], model: nn.Module, updater: Updater) -> None:
    """Restores weights and optimizer of an interrupted training.

    Args:
        path: File that the tensors were read from, for messages.
        tensors: Tensors by name that `state_tensors` returned.
        model: Model that receives the weights.
        updater: Optimizer that receives the moments.

    Raises:
        CheckpointError: The tensors belong to another model.
    """
    copy_tensors(model, check_fits(str(path), _with_prefix(tensors, _WEIGHT), model))
    updater.restore(_with_prefix(tensors, _OPTIMIZER))


def has_generator_states(tensors: Mapping[str, Tensor]) -> bool:
    """Whether a training state contains states of random number generators.

    Only earlier versions of regard saved them. Now the generators are seeded before each micro-batch.

    Args:
        tensors: Tensors of the state by name, each of any shape `(...)`.

    Returns:
        True if an earlier version of regard has written the state.
    """
    return any(name.startswith(_OF_GENERATORS) for name in tensors)


def check_fits(where: str, weights: dict[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
    """Checks that weights have the names and shapes of a model's parameters and persistent buffers.

    Args:
        where: Source of the weights, for messages.
        weights: Weights of any shape, `(...)`, by name.
        model: Model that the weights are to be loaded into.

    Returns:
        The same weights.

    Raises:
        CheckpointError: Names or shapes differ, so the weights belong to another model.
    """
    expected = {name: tuple(weight.shape) for name, weight in own_tensors(model).items()}
    check_shapes(where, expected, {name: tuple(weight.shape) for name, weight in weights.items()})
    return weights


def _with_prefix(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name[len(prefix) :]: value for name, value in tensors.items() if name.startswith(prefix)}
