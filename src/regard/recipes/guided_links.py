"""The word links that a training is guided by: read or made, and checked against model and text."""

from __future__ import annotations

import time
from pathlib import Path

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
"""What `train.guided_file` says where links are to be made; a file of this name is `./eflomal`."""
MADE_LINKS = "guided.align"
"""The links that were made, within the directory of the training state."""


def load_links(
    config: Config,
    corpus: Corpus,
    src_subword: Subword,
    tgt_subword: Subword,
    *,
    directory: Path,
    reporter: Reporter | None = None,
) -> tuple[GuidedLinks | None, list[str]]:
    """The links of the training pairs, where attention is to be guided.

    Links that an aligner is to make are made once, and found again in `directory` afterwards: the next aligning
    would give others.

    Args:
        config: Complete.
        corpus: The training pairs, with their text.
        src_subword: The source's vocabulary.
        tgt_subword: The target's vocabulary.
        directory: Where links that are made are kept.
        reporter: Hears when an aligner begins, and how long it took.

    Returns:
        The links, None where attention is not guided; and what was left out of them, a sentence each.

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
            _make(path, corpus, num_lines, reporter)
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
    """Where the links of a training lie.

    Args:
        train: Its options.
        directory: Where links that are made are kept.

    Returns:
        The file; None where attention is not guided.
    """
    if not train.guided_weight or train.guided_file is None:
        return None
    return directory / MADE_LINKS if train.guided_file == ALIGNER else Path(train.guided_file)


def check_guided(config: Config) -> None:
    """Refuses guidance that model or options make impossible, before any text is read.

    Args:
        config: As the user gave it.

    Raises:
        ConfigError: No file of links is named, the model has no such layer or head, or its weights can be zero.
    """
    train = config.train
    if not train.guided_weight:
        return
    if train.guided_file is None:
        raise ConfigError(
            f"train.guided_weight = {train.guided_weight:g} needs word links of the training text: name a Pharaoh file "
            f'with train.guided_file, such as `regard align` writes, or "{ALIGNER}" to have them made'
        )
    _check_place(train, config.model)
    _check_normalizer(config.model)


def _make(path: Path, corpus: Corpus, num_lines: int, reporter: Reporter | None) -> None:
    """Writes a line for each line of the training text, empty where its pair is not trained on."""

    def tell(text: str) -> None:
        if reporter:
            reporter.on_message(text)

    tell(f"{ALIGNER} links the words of {len(corpus.pairs):,} sentence pairs, to guide attention")
    start = time.monotonic()
    links = align_words([pair.src for pair in corpus.pairs], [pair.tgt for pair in corpus.pairs])
    lines = [""] * num_lines
    for pair, one in zip(corpus.pairs, links, strict=True):
        lines[pair.line - 1] = pharaoh(one)

    def write(waiting: Path) -> None:
        waiting.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")

    write_file(path, write)
    seconds, count = time.monotonic() - start, sum(map(len, links))
    tell(f"{ALIGNER} found {count:,} links in {seconds:.1f} s; they are kept in {path}")


def _check_place(train: TrainConfig, model: ModelConfig) -> None:
    if not model.has_attention:
        raise ConfigError(
            'train.guided_weight: model.decoder = "plain" has no attention to guide: choose another decoder, or set '
            "the weight to 0"
        )
    if model.kind == "rnn" and train.guided_shift:
        raise ConfigError(
            "train.guided_shift: a recurrent model has one attention, which must find the next word's source and "
            "cannot look at the last one's instead: leave it out"
        )
    layers, heads = model.attending_layers, model.attention_heads
    for name, number, count in (
        ("guided_layer", train.guided_layer or 0, layers),
        ("guided_head", train.guided_head, heads),
    ):
        if number >= count:
            raise ConfigError(
                f"train.{name}: expected 0 to {count - 1}, since the model looks at the source with {layers} layers of "
                f"{heads} heads, got {number}"
            )


def _check_normalizer(model: ModelConfig) -> None:
    key, normalizer = model.normalizer_option
    if normalizer in ("sparsemax", "entmax15"):
        raise ConfigError(
            f"train.guided_weight: links pull at weights, and a weight that model.{key} = "
            f"{normalizer!r} has made zero feels no pull: choose 'softmax' or 'smooth', or set the weight to 0"
        )
