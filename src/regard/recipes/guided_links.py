"""Word links for guided attention and terms: read from a file or made by an aligner, checked against model and text."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from regard.alignment.eflomal import align_words
from regard.config.model_sections import guided_layer
from regard.config.schema import Config, ModelConfig, TrainConfig
from regard.data.corpus import Corpus
from regard.data.guided_links import GuidedLinks, read_guided_links
from regard.errors import ConfigError
from regard.files.atomic import write_file
from regard.text.links import pharaoh
from regard.text.subword import Subword
from regard.train.reporter import Reporter
from regard.values import Pair

ALIGNER = "eflomal"
"""Value of `train.guided_file` for links that eflomal makes; to name a file called eflomal, write `./eflomal`."""
MADE_LINKS = "guided.align"
"""Name of the file with the links made by eflomal, in the directory of the training state."""


def load_links(
    config: Config,
    corpus: Corpus,
    src_subword: Subword,
    tgt_subword: Subword,
    *,
    directory: Path,
    num_lines: int,
    num_tags: Sequence[int],
    reporter: Reporter | None = None,
) -> tuple[GuidedLinks | None, list[str]]:
    """Loads the word links of the training pairs if `train.guided_weight` or `train.terms` is set.

    With `train.guided_file = "eflomal"`, the aligner makes the links once and they are stored in `directory`, because
    a second run of the aligner would give different links.

    Args:
        config: Complete configuration.
        corpus: Training pairs, with their text.
        src_subword: Source subword model.
        tgt_subword: Target subword model.
        directory: Directory for links made by the aligner.
        num_lines: Number of lines that the file of links must have: that of all sentence pairs in the text files,
            including pairs that are not used for training.
        num_tags: For each training pair, the number of tags, such as `>>fr<<`, before its source.
        reporter: Receives messages before and after the aligner runs.

    Returns:
        The links, or None if the training needs none; and messages for the user about links that were left out, because
        they name words that a sentence does not have.

    Raises:
        ConfigError: `train.guided_file` is not set, the aligner is not installed, the model has no layer
            `train.guided_layer` or head `train.guided_head`, or its attention weights can be exactly zero.
        DataError: The file cannot be read or belongs to another text, or the aligner failed.
        CheckpointError: The links made by the aligner cannot be written.
    """
    check_guided(config)
    train, path, base = config.train, links_file(config.train, directory), None
    if path is None:
        return None, []
    if train.guided_file == ALIGNER:
        base = 0
        if not path.exists():
            _align_corpus(path, _without_tags(corpus.pairs, num_tags), num_lines, reporter)
    return read_guided_links(
        path,
        corpus.pairs,
        num_lines=num_lines,
        src_subword=src_subword,
        tgt_subword=tgt_subword,
        base=base,
        unlinked_to_eos=train.guided_shift,
        num_tags=num_tags,
    )


def links_file(train: TrainConfig, directory: Path) -> Path | None:
    """Path of the file with the word links that a training needs.

    Args:
        train: The `[train]` section of the configuration.
        directory: Directory for links made by the aligner.

    Returns:
        Path of the file; None if attention is not guided and no terms are inserted.
    """
    if not needs_links(train) or train.guided_file is None:
        return None
    return directory / MADE_LINKS if train.guided_file == ALIGNER else Path(train.guided_file)


def needs_links(train: TrainConfig) -> bool:
    """Whether a training needs word links of its text, for guided attention or for terms in sources."""
    return bool(train.guided_weight or train.terms)


def check_guided(config: Config) -> None:
    """Checks that a file of word links is named if needed, and that links can guide the attention.

    Args:
        config: Configuration as the user gave it; accepted if the training needs no links.

    Raises:
        ConfigError: `train.guided_file` is not set, the model has no layer `train.guided_layer` or head
            `train.guided_head`, or its attention weights can be exactly zero.
    """
    train = config.train
    if needs_links(train) and train.guided_file is None:
        key = "guided_weight" if train.guided_weight else "terms"
        raise ConfigError(
            f"train.{key} = {getattr(train, key):g} needs word links of the training text: set train.guided_file to a "
            f"file in Pharaoh format, as `regard align` writes it, or to '{ALIGNER}' to have the links made"
        )
    if not train.guided_weight:
        return
    _check_layer_and_head(train, config.model)
    _check_normalizer(config.model)


def _without_tags(pairs: Sequence[Pair], num_tags: Sequence[int]) -> list[Pair]:
    return [
        replace(pair, src=pair.src.split(" ", count)[-1]) if count else pair
        for pair, count in zip(pairs, num_tags, strict=True)
    ]


def _align_corpus(path: Path, pairs: Sequence[Pair], num_lines: int, reporter: Reporter | None) -> None:
    """Writes one line of links per line of the training text, empty if its pair is not used for training."""

    def report(text: str) -> None:
        if reporter:
            reporter.on_message(text)

    report(f"{ALIGNER} links the words of {len(pairs):,} sentence pairs")
    start = time.monotonic()
    links = align_words([pair.src for pair in pairs], [pair.tgt for pair in pairs])
    lines = [""] * num_lines
    for pair, pair_links in zip(pairs, links, strict=True):
        lines[pair.line - 1] = pharaoh(pair_links)

    def write(temporary: Path) -> None:
        temporary.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")

    write_file(path, write)
    seconds, count = time.monotonic() - start, sum(map(len, links))
    report(f"{ALIGNER} found {count:,} links in {seconds:.1f} s; they are kept in {path}")


def _check_layer_and_head(train: TrainConfig, model: ModelConfig) -> None:
    if not model.has_attention:
        raise ConfigError(
            'train.guided_weight: model.decoder = "plain" has no attention to guide: choose another decoder, or set '
            "train.guided_weight to 0"
        )
    if model.kind == "rnn" and train.guided_shift:
        raise ConfigError(
            "train.guided_shift: not possible for a recurrent model, whose only attention must find the source of the "
            "next target word, not of the previous one: leave train.guided_shift out"
        )
    layers, heads = model.attending_layers, model.attention_heads
    for name, number, count in (
        ("guided_layer", guided_layer(train.guided_layer, layers), layers),
        ("guided_head", train.guided_head, heads),
    ):
        if number >= count:
            raise ConfigError(
                f"train.{name}: expected 0 to {count - 1}, since the model's decoder has {layers} layers "
                f"with {heads} heads of cross-attention, got {number}"
            )


def _check_normalizer(model: ModelConfig) -> None:
    key, normalizer = model.normalizer_option
    if normalizer in ("sparsemax", "entmax15"):
        raise ConfigError(
            f"train.guided_weight: attention weights that model.{key} = {normalizer!r} sets to zero have no gradient, "
            f"so links cannot guide them: set model.{key} to 'softmax' or 'smooth', or train.guided_weight to 0"
        )
