"""One update of the weights: AdamW with clipped gradients; updates with non-finite gradients are skipped."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_MOMENTS = ("step", "exp_avg", "exp_avg_sq")


class Updater:
    """AdamW (Loshchilov & Hutter 2019) in PyTorch's fused implementation, with the gradient norm clipped.

    The fused kernel itself clips (Pascanu et al. 2013) and skips the update if gradients are not finite: it divides
    each gradient while reading it, so the CPU never waits for the norm.

    Args:
        model: Model whose parameters are trained. Weight decay applies to matrices, not to vectors (biases, gains).
        betas: Decay rates of the two moments.
        weight_decay: λ, decoupled from the gradient.
        clip_norm: Largest allowed norm of all gradients together; 0 = no clipping.
    """

    def __init__(
        self, model: nn.Module, *, betas: tuple[float, float], weight_decay: float = 0.0, clip_norm: float = 0.0
    ) -> None:
        self.clip_norm = clip_norm
        self.named = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
        weights = list(self.named.values())
        groups = [
            {"params": [weight for weight in weights if weight.dim() > 1], "weight_decay": weight_decay},
            {"params": [weight for weight in weights if weight.dim() <= 1], "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW([group for group in groups if group["params"]], betas=betas, fused=True)
        self.num_skipped = torch.zeros((), device=weights[0].device)
        self.num_broken_in_a_row = torch.zeros((), device=weights[0].device)

    def update(self, rate: float) -> Tensor:
        """Makes one update and clears the gradients.

        Args:
            rate: Learning rate.

        Returns:
            Norm of all gradients before clipping, a scalar on the weights' device. If the norm is not finite, the
            weights are unchanged and `num_skipped` is one higher.
        """
        norm = torch.nn.utils.get_total_norm(
            [weight.grad for weight in self.named.values() if weight.grad is not None], foreach=True
        )
        broken = (~torch.isfinite(norm)).float()
        divisor = (norm / self.clip_norm).clamp_min(1.0) if self.clip_norm else torch.ones_like(norm)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        # PyTorch's own gradient scaler passes its values to the fused kernel through these two attributes.
        self.optimizer.grad_scale = torch.where(broken > 0, 1.0, divisor).float()  # type: ignore[attr-defined]
        self.optimizer.found_inf = broken  # type: ignore[attr-defined]
        self.optimizer.step()
        self.clear_gradients()
        self.num_skipped += broken
        self.num_broken_in_a_row.add_(1.0).mul_(broken)
        return norm

    def clear_gradients(self) -> None:
        """Discards the gradients of all parameters."""
        self.optimizer.zero_grad(set_to_none=True)

    def state(self) -> dict[str, Tensor]:
        """Tensors that `restore` needs, by name.

        Returns:
            Both moments and the number of updates of each parameter, named `exp_avg.PARAMETER`, `exp_avg_sq.PARAMETER`
            and `step.PARAMETER`; `num_skipped`, the number of all updates skipped because of a gradient that was not
            finite; and `num_broken_in_a_row`, how many of the last updates in a row were skipped.
        """
        state = {"num_skipped": self.num_skipped, "num_broken_in_a_row": self.num_broken_in_a_row}
        for name, weight in self.named.items():
            moments = self.optimizer.state.get(weight)
            if moments:
                state.update({f"{moment}.{name}": moments[moment] for moment in _MOMENTS})
        return state

    def restore(self, state: dict[str, Tensor]) -> None:
        """Restores moments and counts of the optimizer when an interrupted training resumes.

        Args:
            state: Tensors by name that the method `state` returned; no tensors for parameters that were never updated.
        """
        self.num_skipped.copy_(state["num_skipped"])
        self.num_broken_in_a_row.copy_(state["num_broken_in_a_row"])
        for name, weight in self.named.items():
            if f"step.{name}" in state:
                self.optimizer.state[weight] = {
                    moment: state[f"{moment}.{name}"].to(weight.device).clone() for moment in _MOMENTS
                }
