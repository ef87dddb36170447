"""The tensors of a training's state: weights, moments of the optimizer, random numbers."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from regard.store.weights import check_shapes, copy_tensors, own_tensors
from regard.train.optimizer import Updater

_WEIGHT, _OPTIMIZER, _CPU, _CUDA = "weight.", "optimizer.", "random.cpu", "random.cuda"


def state_tensors(model: nn.Module, updater: Updater, device: str) -> dict[str, Tensor]:
    """All tensors that an interrupted training needs again.

    Args:
        model: As it is now.
        updater: Likewise.
        device: Where they are.

    Returns:
        The tensors by name.
    """
    tensors = {f"{_WEIGHT}{name}": weight for name, weight in own_tensors(model).items()}
    tensors |= {f"{_OPTIMIZER}{name}": value for name, value in updater.state().items()}
    tensors[_CPU] = torch.get_rng_state()
    if device.startswith("cuda"):
        tensors[_CUDA] = torch.cuda.get_rng_state(device)
    return tensors


def restore_tensors(path: Path, tensors: dict[str, Tensor], model: nn.Module, updater: Updater, device: str) -> None:
    """Takes up what `state_tensors` gave.

    Args:
        path: File that they come from, for messages.
        tensors: By name.
        model: Gets the weights.
        updater: Gets the moments.
        device: Where they go.

    Raises:
        CheckpointError: They are of another model.
    """
    copy_tensors(model, fitting(str(path), _within(tensors, _WEIGHT), model))
    updater.restore(_within(tensors, _OPTIMIZER))
    torch.set_rng_state(tensors[_CPU])
    if _CUDA in tensors and device.startswith("cuda"):
        torch.cuda.set_rng_state(tensors[_CUDA], device)


def fitting(where: str, weights: dict[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
    """Weights that are those of a model.

    Args:
        where: What to call their place in messages.
        weights: Of any shape, `(...)`, by name.
        model: What they should fit.

    Returns:
        The same weights.

    Raises:
        CheckpointError: They are of another model.
    """
    expected = {name: tuple(own.shape) for name, own in own_tensors(model).items()}
    check_shapes(where, expected, {name: tuple(found.shape) for name, found in weights.items()})
    return weights


def _within(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name[len(prefix) :]: value for name, value in tensors.items() if name.startswith(prefix)}
