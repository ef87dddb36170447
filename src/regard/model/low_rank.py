"""Low-rank adaptation (LoRA): trains linear layers as `W + (α / r) B A` with W frozen (Hu et al. 2021)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from regard.errors import ConfigError


class LowRankUpdate(nn.Module):
    """Adds `(α / r) B A`, a trainable low-rank product, initially zero, to a weight matrix (Hu et al. 2021, §4.1).

    Args:
        weight: W, the matrix to adapt, `(N, M)`.
        rank: r, the number of rows of A and of columns of B.
        scale: α / r, the factor on `B A`.
    """

    def __init__(self, weight: Tensor, *, rank: int, scale: float) -> None:
        super().__init__()
        rows, columns = weight.shape
        self.scale = scale
        a = torch.empty(rank, columns, device=weight.device)
        self.a = nn.Parameter(nn.init.kaiming_uniform_(a, a=math.sqrt(5)))
        self.b = nn.Parameter(torch.zeros(rows, rank, device=weight.device))

    def forward(self, weight: Tensor) -> Tensor:
        """Returns the weight W, `(N, M)`, plus `(α / r) B A`."""
        return torch.addmm(weight, self.b, self.a, alpha=self.scale)


def add_low_rank_updates(model: nn.Module, *, rank: int, alpha: float) -> int:
    """Freezes all parameters of a model, and adds a trainable low-rank update to each linear layer.

    Args:
        model: The model, which is changed.
        rank: r, at least 1; in a layer with fewer inputs or outputs than r, the smaller number of the two replaces r.
        alpha: α of Hu et al. 2021: the update is scaled by α / r.

    Returns:
        Number of trainable parameters, those of the updates.

    Raises:
        ConfigError: The model has no linear layers.
    """
    model.requires_grad_(False)
    maps = [module for module in model.modules() if isinstance(module, nn.Linear)]
    if not maps:
        raise ConfigError("train.lora_rank: this model has no linear layers to adapt: leave train.lora_rank out")
    count = 0
    for module in maps:
        smaller = min(rank, *module.weight.shape)
        update = LowRankUpdate(module.weight, rank=smaller, scale=alpha / smaller)
        parametrize.register_parametrization(module, "weight", update)
        count += update.a.numel() + update.b.numel()
    return count


def merge_low_rank_updates(model: nn.Module) -> None:
    """Adds all low-rank updates to the weights of their layers, so that the model has ordinary linear layers again.

    Args:
        model: A model after `add_low_rank_updates`; one without updates stays as it is.
    """
    with torch.no_grad():
        for module in list(model.modules()):
            if isinstance(module, nn.Linear) and parametrize.is_parametrized(module, "weight"):
                parametrize.remove_parametrizations(module, "weight", leave_parametrized=True)
