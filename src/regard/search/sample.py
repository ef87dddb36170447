"""Sampling: translations drawn at random from the model's distribution."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from regard.errors import SearchError
from regard.model.decoder import StepModel
from regard.search.attention_filter import KEEP_ALL
from regard.search.log_probs import forbid, forbidden_ids, log_probabilities
from regard.search.single_path import run_single_path
from regard.values import Hypothesis, Specials


@dataclass(frozen=True, slots=True)
class SampleOptions:
    """Options for sampling translations: number, temperature and truncation of the distribution.

    Attributes:
        num_samples: Number of translations to sample per sentence, at least 1.
        temperature: Divisor of the logits, above 0: below 1 sharpens the distribution, above 1 flattens it.
        top_k: Number of most probable tokens to sample from, at least 1 (Fan et al. 2018, §5); None = all tokens.
        top_p: Sample from the smallest set of most probable tokens whose total probability is at least this, after
            temperature and `top_k` (Holtzman et al. 2020, §3.1); above 0, 1 = all tokens.
        seed: Seed of the random number generator; equal seeds and sentences give equal samples.

    Raises:
        SearchError: A number is out of its range.
    """

    num_samples: int = 1
    temperature: float = 1.0
    top_k: int | None = None
    top_p: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.num_samples < 1:
            raise SearchError(f"expected num_samples of at least 1, got {self.num_samples}")
        if not 0 < self.temperature < float("inf"):
            raise SearchError(
                f"expected a temperature above 0, got {self.temperature}: for its limit at 0, use greedy search"
            )
        if self.top_k is not None and self.top_k < 1:
            raise SearchError(f"expected top_k of at least 1, got {self.top_k}")
        if not 0 < self.top_p <= 1:
            raise SearchError(f"expected top_p above 0 and at most 1, got {self.top_p}")


def sample(
    model: StepModel,
    src_ids: Tensor,
    src_len: Tensor,
    *,
    max_len: Tensor,
    specials: Specials,
    generator: torch.Generator,
    options: SampleOptions | None = None,
    need_weights: bool = False,
) -> list[list[Hypothesis]]:
    """Samples translations of source sentences at random from the model's distribution, token by token.

    Args:
        model: The model, in evaluation mode.
        src_ids: Source tokens, `(B, S)` int64; each row ends with eos, then padding.
        src_len: Source lengths with eos, without padding, `(B,)` int64.
        max_len: Largest number of tokens of a hypothesis, eos included, per sentence, `(B,)` int64.
        specials: Ids of the special tokens.
        generator: Random number generator on the model's device.
        options: Number of samples, temperature and truncation; by default `SampleOptions()`. The option `seed` is not
            used here.
        need_weights: Whether to return attention weights.

    Returns:
        `num_samples` hypotheses per sentence, in the order in which they were drawn. Their log-probabilities and scores
        are those of the model, without temperature and truncation.

    Raises:
        SearchError: `max_len` is below 1, or the model's logits are not finite.
    """
    options = options or SampleOptions()

    def draw(logits: Tensor, sentences: Tensor, paths: Tensor, step: int) -> tuple[Tensor, Tensor]:
        log_probs = forbid(log_probabilities(logits, sentences, step=step), forbidden_ids(specials))
        allowed = truncate(log_probs / options.temperature, top_k=options.top_k, top_p=options.top_p)
        ids = torch.multinomial(allowed.softmax(-1), 1, generator=generator)
        return log_probs.gather(1, ids)[:, 0], ids[:, 0]

    samples = run_single_path(
        model,
        src_ids,
        src_len,
        draw,
        max_len=max_len,
        specials=specials,
        copies=options.num_samples,
        attention_filter=KEEP_ALL.apply if need_weights else None,
    )
    return [samples[start : start + options.num_samples] for start in range(0, len(samples), options.num_samples)]


def truncate(scores: Tensor, *, top_k: int | None = None, top_p: float = 1.0) -> Tensor:
    """Excludes all but the most probable tokens of each row, for top-k and top-p sampling.

    Args:
        scores: Logits or log-probabilities of R rows, `(R, V)`.
        top_k: Number of tokens to keep; of equally probable tokens at the limit, those with the smallest ids are kept.
            None = keep all.
        top_p: Keep the smallest set of most probable tokens whose total probability is at least this, but at least one
            token; 1 = keep all.

    Returns:
        The scores, `(R, V)`, with -inf for excluded tokens.
    """
    if top_k is None and top_p >= 1.0:
        return scores
    ordered, order = scores.sort(dim=-1, descending=True, stable=True)
    if top_k is not None:
        ordered[:, top_k:] = -torch.inf
    probability = ordered.softmax(-1)
    before = probability.cumsum(-1) - probability  # of all more probable tokens
    ordered = ordered.masked_fill(before >= top_p, -torch.inf)
    return torch.empty_like(scores).scatter(-1, order, ordered)
