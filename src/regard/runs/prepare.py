"""From text files to what training needs: vocabularies, encoded corpora and a configuration without gaps."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from regard.config.derive import derive
from regard.config.dump import dump_config
from regard.config.load import parse_config
from regard.config.schema import Config
from regard.data.corpus import Corpus
from regard.data.guidance import Guidance
from regard.errors import CheckpointError, ConfigError, DataError
from regard.evaluate.tokenizers import DEFAULT, bleu_metric, choose_tokenizer
from regard.runs.guiding import read_guiding_links
from regard.text.readers import read_pairs
from regard.text.subword import Subword
from regard.train.reporter import Reporter
from regard.values import Pair

HELD_OUT_SHARE = 0.02
MOST_HELD_OUT = 2000

_CONFIG, _TEXTS, _SRC, _TGT = "config.toml", "texts.json", "subword.src.model", "subword.tgt.model"


@dataclass(frozen=True)
class Prepared:
    """All that training needs.

    Attributes:
        config: Complete but for `precision` and `device`, which may still be "auto".
        src_subword: The source's vocabulary.
        tgt_subword: The target's vocabulary, the same object when they share one.
        train: Pairs to learn from.
        val: Pairs to validate with.
        notes: What was derived, left out or held out, a sentence each.
        guidance: Word links of the training pairs, where attention is to be guided.
    """

    config: Config
    src_subword: Subword
    tgt_subword: Subword
    train: Corpus
    val: Corpus
    notes: tuple[str, ...]
    guidance: Guidance | None = None


def prepare(config: Config, directory: Path, reporter: Reporter | None = None) -> Prepared:
    """Reads the corpus, learns the vocabularies, derives what the configuration leaves open, and keeps it all.

    Args:
        config: As the user gave it.
        directory: Where vocabularies, configuration and fingerprints are written, for `prepare_again`.
        reporter: Hears of what may take minutes.

    Returns:
        What training needs.

    Raises:
        ConfigError: When no training text is named.
        DataError: When text cannot be read or used.
    """
    train, val, notes = _read(config)
    config, derived = derive(
        config,
        num_pairs=len(train),
        num_src_chars=sum(len(pair.src) for pair in train),
        num_tgt_chars=sum(len(pair.tgt) for pair in train),
    )
    config, tokenizer = _choose_tokenizer(config, val)
    src_subword, tgt_subword = _learn_subwords(config, train)
    notes += [*derived, *tokenizer]
    notes += [one.note for one in dict.fromkeys((src_subword, tgt_subword)) if one.note]
    prepared = _encode(config, (train, val), (src_subword, tgt_subword), notes, directory, reporter)
    directory.mkdir(parents=True, exist_ok=True)
    src_subword.save(directory / _SRC)
    tgt_subword.save(directory / _TGT)
    (directory / _TEXTS).write_text(json.dumps({"train": _fingerprint(train), "val": _fingerprint(val)}))
    keep_config(config, directory)
    return prepared


def prepare_again(directory: Path, reporter: Reporter | None = None) -> Prepared:
    """What `prepare` returned, for a training that goes on.

    Args:
        directory: As given to `prepare`.
        reporter: Hears of what may take minutes.

    Returns:
        The same, with the configuration that was kept.

    Raises:
        CheckpointError: When nothing was kept there.
        DataError: When the text has changed since.
    """
    if not (directory / _CONFIG).is_file():
        raise CheckpointError(
            f"{directory}: there is no training to go on with: expected {_CONFIG} there; start it without --resume"
        )
    config = parse_config((directory / _CONFIG).read_text(encoding="utf-8"), where=str(directory / _CONFIG))
    train, val, notes = _read(config)
    before = json.loads((directory / _TEXTS).read_text())
    if before != {"train": _fingerprint(train), "val": _fingerprint(val)}:
        raise DataError(
            f"{config.data.src}: the training or validation text is not what it was when the training in {directory} "
            "began: bring the old text back, or train anew in another directory"
        )
    src_subword = Subword.load(directory / _SRC)
    tgt_subword = src_subword if config.subword.shared else Subword.load(directory / _TGT)
    return _encode(config, (train, val), (src_subword, tgt_subword), notes, directory, reporter)


def keep_config(config: Config, directory: Path) -> None:
    """Writes the configuration that a training which goes on will use; it marks the directory as prepared.

    Args:
        config: Complete.
        directory: As given to `prepare`.
    """
    (directory / _CONFIG).write_text(dump_config(config), encoding="utf-8")


def _read(config: Config) -> tuple[list[Pair], list[Pair], list[str]]:
    data, notes = config.data, []
    if data.src is None:
        raise ConfigError("data.src: expected the file of the training source, got none: give --src FILE")
    read = read_pairs(data.src, data.tgt)
    if read.num_empty:
        notes.append(f"{data.src}: {read.num_empty} pairs with an empty side were left out")
    if data.val_src is None:
        train, val = _hold_out(read.pairs, config.train.seed)
        notes.append(f"{len(val)} of the {len(read.pairs)} pairs are held out for validation")
        return train, val, notes
    return read.pairs, read_pairs(data.val_src, data.val_tgt).pairs, notes


def _hold_out(pairs: Sequence[Pair], seed: int) -> tuple[list[Pair], list[Pair]]:
    """Sets some sources aside with all their translations, so that none is both learnt and validated."""
    sources = list(dict.fromkeys(pair.src for pair in pairs))
    if len(sources) < 2:
        raise DataError(
            f"expected at least 2 different source sentences, to learn from one and validate with another, but got "
            f"{len(sources)}: give more text, or a validation set with --val-src and --val-tgt"
        )
    count = min(MOST_HELD_OUT, max(1, round(HELD_OUT_SHARE * len(sources))))
    held = {sources[i] for i in np.random.default_rng(seed).permutation(len(sources))[:count]}
    return [pair for pair in pairs if pair.src not in held], [pair for pair in pairs if pair.src in held]


def _choose_tokenizer(config: Config, val: Sequence[Pair]) -> tuple[Config, list[str]]:
    """Chooses BLEU's tokenizer once, so that a training that goes on elsewhere counts the same tokens."""
    name = choose_tokenizer([pair.tgt for pair in val], config.train.bleu_tokenize)
    bleu_metric(name)
    if name == config.train.bleu_tokenize:
        return config, []
    train = config.train.model_copy(update={"bleu_tokenize": name})
    notes = [] if name == DEFAULT else [f"train.bleu_tokenize = {name}, for the script of the validation targets"]
    return config.model_copy(update={"train": train}), notes


def _learn_subwords(config: Config, pairs: Sequence[Pair]) -> tuple[Subword, Subword]:
    options = config.subword
    if options.vocab_size is None:
        raise AssertionError("derive() fills the size of the vocabulary")
    sources, targets = [pair.src for pair in pairs], [pair.tgt for pair in pairs]
    if options.shared:
        both = Subword.train(
            [*sources, *targets], vocab_size=options.vocab_size, kind=options.kind, seed=config.train.seed
        )
        return both, both
    src, tgt = (
        Subword.train(side, vocab_size=options.vocab_size, kind=options.kind, seed=config.train.seed)
        for side in (sources, targets)
    )
    return src, tgt


def _encode(
    config: Config,
    texts: tuple[Sequence[Pair], Sequence[Pair]],
    subwords: tuple[Subword, Subword],
    notes: Sequence[str],
    directory: Path,
    reporter: Reporter | None,
) -> Prepared:
    corpora, more = [], []
    alphas = (config.subword.sample_alpha, 0.0)
    for name, pairs, alpha in zip(("training", "validation"), texts, alphas, strict=True):
        corpus = Corpus.encode(pairs, *subwords, max_len=config.data.max_len, sample_alpha=alpha)
        if corpus.num_dropped:
            more.append(f"{corpus.num_dropped} {name} pairs longer than {config.data.max_len} subwords were left out")
        corpora.append(corpus)
    guidance, left_out = read_guiding_links(config, corpora[0], *subwords, directory=directory, reporter=reporter)
    return Prepared(config, *subwords, corpora[0], corpora[1], (*notes, *more, *left_out), guidance)


def _fingerprint(pairs: Sequence[Pair]) -> str:
    digest = hashlib.sha256()
    for pair in pairs:
        digest.update(f"{pair.src}\t{pair.tgt}\n".encode())
    return digest.hexdigest()
