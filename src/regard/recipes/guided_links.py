"""Word links for guided attention: read or made, and checked against model and text."""

from __future__ import annotations

import time
from pathlib import Path

from regard.config.model_sections import guided_layer
from regard.config.schema import Config, ModelConfig, TrainConfig
from regard.data.corpus import Corpus
from regard.data.guided_links import GuidedLinks, read_guided_links
from regard.errors import ConfigError
from regard.files.atomic import write_file
from regard.interop.eflomal import align_words
from regard.text.links import pharaoh
from regard.text.readers import read_lines
from regard.text.subword import Subword
from regard.train.reporter import Reporter

ALIGNER = "eflomal"
"""Value of `train.guided_file` for links that are made by eflomal; a file of this name is `./eflomal`."""
MADE_LINKS = "guided.align"
"""File of the links that were made, in the directory of the training state."""


def load_links(
    config: Config,
    corpus: Corpus,
    src_subword: Subword,
    tgt_subword: Subword,
    *,
    directory: Path,
    reporter: Reporter | None = None,
) -> tuple[GuidedLinks | None, list[str]]:
    """Loads the word links of the training pairs, if attention is guided.

    An aligner makes links once, and keeps them in `directory`: a second run of it would give different links.

    Args:
        config: Complete configuration.
        corpus: Training pairs, with their text.
        src_subword: Source vocabulary.
        tgt_subword: Target vocabulary.
        directory: Directory of links that are made.
        reporter: Receives messages at the start and the end of an alignment.

    Returns:
        The links, or None if attention is not guided; and a sentence for each kind of link that was left out.

    Raises:
        ConfigError: No file of links is named, the aligner is not installed, the model has no such layer or head, or
            its weights can be zero.
        DataError: The file cannot be read or belongs to another text, or the aligner failed.
        CheckpointError: Links that were made cannot be written.
    """
    check_guided(config)
    train, path, base = config.train, links_file(config.train, directory), None
    if path is None or config.data.src is None:
        return None, []
    num_lines = sum(1 for _ in read_lines(config.data.src))
    if train.guided_file == ALIGNER:
        base = 0
        if not path.exists():
            _align_corpus(path, corpus, num_lines, reporter)
    return read_guided_links(
        path,
        corpus.pairs,
        num_lines=num_lines,
        src_subword=src_subword,
        tgt_subword=tgt_subword,
        base=base,
        unlinked_to_eos=train.guided_shift,
    )


def links_file(train: TrainConfig, directory: Path) -> Path | None:
    """Path of the word links of a training.

    Args:
        train: The `[train]` section.
        directory: Directory of links that are made.

    Returns:
        The file; None if attention is not guided.
    """
    if not train.guided_weight or train.guided_file is None:
        return None
    return directory / MADE_LINKS if train.guided_file == ALIGNER else Path(train.guided_file)


def check_guided(config: Config) -> None:
    """Refuses guided attention that model or options make impossible, before any text is read.

    Args:
        config: Configuration as the user gave it.

    Raises:
        ConfigError: No file of links is named, the model has no such layer or head, or its weights can be zero.
    """
    train = config.train
    if not train.guided_weight:
        return
    if train.guided_file is None:
        raise ConfigError(
            f"train.guided_weight = {train.guided_weight:g} needs word links of the training text: name a Pharaoh file "
            f'with train.guided_file, as `regard align` writes it, or "{ALIGNER}" to have them made'
        )
    _check_layer_and_head(train, config.model)
    _check_normalizer(config.model)


def _align_corpus(path: Path, corpus: Corpus, num_lines: int, reporter: Reporter | None) -> None:
    """Writes one line of links per line of the training text, empty if its pair is not used for training."""

    def report(text: str) -> None:
        if reporter:
            reporter.on_message(text)

    report(f"{ALIGNER} links the words of {len(corpus.pairs):,} sentence pairs, to guide attention")
    start = time.monotonic()
    links = align_words([pair.src for pair in corpus.pairs], [pair.tgt for pair in corpus.pairs])
    lines = [""] * num_lines
    for pair, pair_links in zip(corpus.pairs, links, strict=True):
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
            "the weight to 0"
        )
    if model.kind == "rnn" and train.guided_shift:
        raise ConfigError(
            "train.guided_shift: a recurrent model has one attention, which must find the source of the next word, not "
            "of the last one: leave it out"
        )
    layers, heads = model.attending_layers, model.attention_heads
    for name, number, count in (
        ("guided_layer", guided_layer(train.guided_layer, layers), layers),
        ("guided_head", train.guided_head, heads),
    ):
        if number >= count:
            raise ConfigError(
                f"train.{name}: expected 0 to {count - 1}, since {layers} layers of {heads} heads attend to the "
                f"source, got {number}"
            )


def _check_normalizer(model: ModelConfig) -> None:
    key, normalizer = model.normalizer_option
    if normalizer in ("sparsemax", "entmax15"):
        raise ConfigError(
            f"train.guided_weight: attention weights that model.{key} = {normalizer!r} sets to "
            "zero have no gradient, so links cannot guide them: choose 'softmax' or 'smooth', or set the weight to 0"
        )
