"""How far learning reaches: the gradient that a target word's probability sends back to each source word.

Without attention it has to travel through every recurrent step between the two, and fades; attention
is a way around (Bahdanau 2015, §1; Hochreiter 1998 on the fading).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from regard.model.seq2seq import Seq2Seq
from regard.values import Batch


def source_gradients(model: Seq2Seq, batch: Batch) -> Tensor:
    """`‖∂ log p(y_t | y_<t, x) / ∂ emb(x_i)‖₂` for every target position t and source position i.

    Args:
        model: Any model whose encoder embeds its source.
        batch: Sentence pairs.

    Returns:
        `(B, T, S)`, zero at padding.
    """
    embedding = next(module for module in model.encoder.modules() if isinstance(module, nn.Embedding))
    caught: list[Tensor] = []

    def catch(_module: nn.Module, _inputs: object, output: Tensor) -> Tensor:
        leaf = output.detach().requires_grad_()
        caught.append(leaf)
        return leaf

    handle = embedding.register_forward_hook(catch)
    try:
        # The first embedding that runs is the source's; a table shared with the target is caught twice. cuDNN's
        # recurrences have no gradient but in training, when dropout would be drawn.
        with torch.backends.cudnn.flags(enabled=False):
            hidden = model(batch).hidden
    finally:
        handle.remove()
    log_probs = model.project(hidden).float().log_softmax(-1)
    real = batch.tgt_out_ids != model.specials.pad
    wanted = log_probs.gather(-1, batch.tgt_out_ids[..., None])[..., 0] * real  # (B, T)
    rows = []
    for t in range(wanted.shape[1]):
        (gradient,) = torch.autograd.grad(wanted[:, t].sum(), caught[0], retain_graph=True)
        rows.append(gradient.float().norm(dim=-1))
    return torch.stack(rows, dim=1)
