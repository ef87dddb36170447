"""Does location-aware attention help a copying model to generalize to longer sequences than in training?

    python benchmarks/location_aware.py [--out runs/location] [--seeds 3] [--threads 1]

Trains a small decoder of Bahdanau's to copy 4 to 8 digits, with and without location features and the median window,
and prints the share of unseen sequences that it copies without a mistake, by length. Draws the attention of the first
seed's models while they copy 11 digits. Takes about two minutes per seed.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import digits
import torch
from digits import RATE, SPECIALS
from matplotlib.figure import Figure

from regard.config.schema import AttentionConfig
from regard.model.seq2seq import Seq2Seq

STEPS = 600
LENGTHS = ((4, 8), (9, 11), (12, 14), (15, 20))
KINDS = {
    "content alone": AttentionConfig(score="additive"),
    "with location features": AttentionConfig(score="additive", location_filters=4, location_reach=3),
    "and the median window": AttentionConfig(
        score="additive", location_filters=4, location_reach=3, window="median", window_size=3
    ),
}


def train(attention: AttentionConfig, seed: int) -> Seq2Seq:
    """Trains a model on 64 new sequences per step."""
    batches = (digits.examples(64, 10_000 * seed + step, *LENGTHS[0]) for step in range(STEPS))
    return digits.train(
        attention, batches, seed=seed, rate=lambda step: RATE * min(1.0, (step + 1) / 50) * (1 - step / STEPS) ** 0.5
    )


@torch.no_grad()
def share_copied(model: Seq2Seq, shortest: int, longest: int) -> float:
    """Share of 500 sequences that are copied without a mistake, with teacher forcing."""
    batch = digits.examples(500, 1, shortest, longest)
    predicted = model.project(model(batch).hidden).argmax(-1)
    right = (predicted == batch.tgt_out_ids) | (batch.tgt_out_ids == SPECIALS.pad)
    return right.all(1).float().mean().item()


@torch.no_grad()
def draw(models: dict[str, Seq2Seq], path: Path) -> None:
    """Draws the attention of each model while it copies 11 digits."""
    batch = digits.examples(1, 5, 11, 11)
    names = [*(str(number - 4) for number in batch.src_ids[0, :-1].tolist()), "end"]
    figure = Figure(figsize=(9, 3.4), dpi=150, layout="constrained")
    for axes, (name, model) in zip(figure.subplots(1, len(models)), models.items(), strict=True):
        axes.imshow(model(batch, need_weights=True).weights[0][0, 0].numpy(), cmap="Blues", vmin=0, vmax=1)
        axes.set_title(name, fontsize=9)
        axes.set_xticks(range(len(names)), names, fontsize=7)
        axes.set_yticks(range(len(names)), names, fontsize=7)
    figure.savefig(path)


def main() -> None:
    """Trains all models, prints the table and draws the figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs/location"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    print("| attention | seed | " + " | ".join(f"{low}-{high} digits" for low, high in LENGTHS) + " |")
    print("|---" * (2 + len(LENGTHS)) + "|")
    for seed in range(1, options.seeds + 1):
        models = {name: train(attention, seed) for name, attention in KINDS.items()}
        for name, model in models.items():
            shares = " | ".join(f"{share_copied(model, *lengths):.2f}" for lengths in LENGTHS)
            print(f"| {name} | {seed} | {shares} |", flush=True)
        if seed == 1:
            draw(models, options.out / "location-aware.png")


if __name__ == "__main__":
    main()
