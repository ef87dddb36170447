"""What do sparse attention weights cost, and what do they look like?

    python benchmarks/normalisers.py [--out runs/normalisers] [--threads 1]

Prints milliseconds of forward and backward together (median) by length, each with its ratio to the softmax. Draws
the weight of the first of two scores by their difference, and what a small model that has learned to reverse digits
looks at with each normaliser; some 30 seconds each.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from matplotlib.figure import Figure
from timing import median_ms
from torch.nn import functional as F

from regard.attention.normalisers import Normaliser
from regard.config.schema import AttentionConfig, NormaliserName, RNNConfig
from regard.data.collate import collate
from regard.model.build import NORMALISERS, build_model
from regard.values import Batch, Specials

SPECIALS = Specials()
COLOURS = {"softmax": "#000000", "sparsemax": "#d55e00", "entmax15": "#0072b2", "smooth": "#009e73"}
VOCAB, STEPS, SHOWN = 14, 400, (7, 4, 12, 9, 5, 13, 6, 8)


def milliseconds(normaliser: Normaliser, length: int) -> float:
    """One forward and backward pass over 64 sentences, four heads, T = S, a quarter of it padding."""
    scores = torch.randn(64, 4, length, length, requires_grad=True)
    mask = torch.ones(64, 1, 1, length, dtype=torch.bool)
    mask[..., length - length // 4 :] = False
    upstream = torch.randn_like(scores)
    return median_ms(lambda: normaliser(scores, mask).backward(upstream))


def reversals(count: int, seed: int) -> Batch:
    """Random digits and the same read backwards."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(4, 9, (count,), generator=generator).tolist()
    sources = [torch.randint(4, VOCAB, (length,), generator=generator).tolist() for length in lengths]
    return collate(sources, [source[::-1] for source in sources], specials=SPECIALS)


def learned_weights(name: NormaliserName) -> torch.Tensor:
    """Trains a small model and lets it reverse `SHOWN`: `(T, S)`."""
    torch.manual_seed(1)
    attention = AttentionConfig(score="additive", normaliser=name)
    config = RNNConfig(decoder="bahdanau", cell="gru", embed_size=32, hidden_size=64, dropout=0.0, attention=attention)
    model = build_model(config, src_vocab=VOCAB, tgt_vocab=VOCAB, shared=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3, betas=(0.9, 0.98))
    for step in range(STEPS):
        batch = reversals(64, step)
        logits = model.project(model(batch).hidden)
        loss = F.cross_entropy(logits.flatten(0, 1), batch.tgt_out_ids.flatten(), ignore_index=SPECIALS.pad)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    batch = collate([list(SHOWN)], [list(reversed(SHOWN))], specials=SPECIALS)
    with torch.no_grad():
        return model.eval()(batch, need_weights=True).weights[0][0, 0]


def draw_curves(path: Path) -> None:
    """The weight of the first of two scores by their difference."""
    figure = Figure(figsize=(6, 3.2), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    difference = torch.linspace(-4, 4, 401)
    scores = torch.stack([difference, torch.zeros(401)], dim=-1)[:, None, None]  # (N, 1, 1, 2)
    for name, normaliser in NORMALISERS.items():
        weights = normaliser(scores, None)[:, 0, 0, 0]
        axes.plot(difference.tolist(), weights.tolist(), label=name, color=COLOURS[name])
    axes.set_xlabel("score of the first position, that of the second being 0")
    axes.set_ylabel("weight of the first")
    axes.legend(frameon=False)
    figure.savefig(path)


def draw_matrices(found: dict[str, torch.Tensor], path: Path) -> None:
    """The matrices side by side; what is exactly zero stays white, what is nearly zero does not."""
    figure = Figure(figsize=(9, 2.8), dpi=150, layout="constrained")
    digits = [*map(str, (number - 4 for number in SHOWN)), "end"]
    for axes, (name, weights) in zip(figure.subplots(1, len(found)), found.items(), strict=True):
        axes.imshow(torch.where(weights > 0, 0.08 + 0.92 * weights, 0.0).numpy(), cmap="Blues", vmin=0, vmax=1)
        share = (weights == 0).float().mean().item()
        axes.set_title(f"{name}: {share:.0%} exactly 0", fontsize=9)
        axes.set_xticks(range(len(digits)), digits, fontsize=7)
        axes.set_yticks(range(len(digits)), [*reversed(digits[:-1]), "end"], fontsize=7)
    figure.savefig(path)


def main() -> None:
    """Times, then draws."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs/normalisers"))
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    print("| T = S | " + " | ".join(NORMALISERS) + " |")
    print("|---" * (1 + len(NORMALISERS)) + "|")
    for length in (16, 32, 64, 128):
        times = [milliseconds(normaliser, length) for normaliser in NORMALISERS.values()]
        print(f"| {length} | " + " | ".join(f"{one:.1f} ms, {one / times[0]:.1f}" for one in times) + " |", flush=True)
    draw_curves(options.out / "normalisers.png")
    names: tuple[NormaliserName, ...] = ("softmax", "entmax15", "sparsemax", "smooth")
    draw_matrices({name: learned_weights(name) for name in names}, options.out / "normaliser-matrices.png")


if __name__ == "__main__":
    main()
