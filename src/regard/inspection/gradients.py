"""Gradients of target word probabilities with respect to source embeddings.

Without attention, the gradient passes through every recurrent step between the two words and vanishes (Hochreiter
1998); attention provides a shortcut (Bahdanau et al. 2015, §1).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from regard.model.seq2seq import Seq2Seq
from regard.values import Batch


def source_gradients(model: Seq2Seq, batch: Batch) -> Tensor:
    """Norms `‖∂ log p(y_t | y_<t, x) / ∂ emb(x_i)‖₂` for every target position t and source position i.

    Args:
        model: Any model whose encoder has a source embedding.
        batch: Sentence pairs.

    Returns:
        The norms, `(B, T, S)`; 0 at padding.
    """
    embedding = next(module for module in model.encoder.modules() if isinstance(module, nn.Embedding))
    embedded: list[Tensor] = []

    def replace_by_leaf(_module: nn.Module, _inputs: object, output: Tensor) -> Tensor:
        leaf = output.detach().requires_grad_()
        embedded.append(leaf)
        return leaf

    handle = embedding.register_forward_hook(replace_by_leaf)
    try:
        # The source embedding runs first; an embedding shared with the target calls the hook twice. cuDNN RNNs support
        # gradients only in training mode, in which dropout would be active.
        with torch.backends.cudnn.flags(enabled=False):
            hidden = model(batch).hidden
    finally:
        handle.remove()
    log_probs = model.project(hidden).float().log_softmax(-1)
    real = batch.tgt_out_ids != model.specials.pad
    target_log_probs = log_probs.gather(-1, batch.tgt_out_ids[..., None])[..., 0] * real  # (B, T)
    rows = []
    for t in range(target_log_probs.shape[1]):
        (gradient,) = torch.autograd.grad(target_log_probs[:, t].sum(), embedded[0], retain_graph=True)
        rows.append(gradient.float().norm(dim=-1))
    return torch.stack(rows, dim=1)
