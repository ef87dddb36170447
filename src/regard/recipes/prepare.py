"""From text files to the input of a training: subword models, encoded corpora and a complete configuration."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from regard.config.derive import derive
from regard.config.dump import dump_config
from regard.config.load import parse_config
from regard.config.resolved import DerivedConfig
from regard.config.schema import Config, DataConfig
from regard.data.corpus import Corpus
from regard.data.guided_links import GuidedLinks
from regard.data.held_out import hold_out
from regard.data.mismatch import mismatch_warnings
from regard.errors import CheckpointError, ConfigError, DataError
from regard.evaluate.tokenizers import DEFAULT, bleu_metric, choose_tokenizer
from regard.files.atomic import make_directory, write_file, write_text
from regard.files.json_text import parse_json
from regard.files.packages import require_package
from regard.files.paths import check_encodable, checked_path
from regard.files.reading import read_bytes, read_text
from regard.recipes.guided_links import ALIGNER, check_guided, links_file, load_links
from regard.store.migrations import rename_keys
from regard.store.training_directory import SETTINGS
from regard.text.readers import read_lines, read_pairs
from regard.text.subword import Subword
from regard.train.reporter import Reporter
from regard.values import Pair

HELD_OUT_SHARE = 0.02
"""Share of the source sentences to hold out for validation if no validation text is given."""
MAX_HELD_OUT = 2000
"""Largest number of source sentences to hold out."""

_TEXTS, _SRC, _TGT = "texts.json", "subword.src.model", "subword.tgt.model"
_HASH_LINE = "\n# sha256 of the lines above: "
_REMEDY = "restore it, or start the training again with --overwrite"
_MAX_BYTES, _MAX_SUBWORD_BYTES = 1 << 20, 16 << 20
TEXTS = ("src", "tgt", "val_src", "val_tgt")
"""Options of `[data]` that name text files; they may change when a training resumes, if the text is the same."""


@dataclass(frozen=True)
class Prepared:
    """The input of a training.

    Attributes:
        config: Configuration, complete except for `precision` and `device`, which may still be "auto".
        src_subword: Source subword model.
        tgt_subword: Target subword model; the same object as `src_subword` if the vocabulary is shared.
        train: Encoded training pairs.
        val: Encoded validation pairs.
        notes: Sentences for the user: which options were derived, and which pairs were left out or held out.
        guided_links: Word links of the training pairs; None if attention is not guided.
    """

    config: DerivedConfig
    src_subword: Subword
    tgt_subword: Subword
    train: Corpus
    val: Corpus
    notes: tuple[str, ...]
    guided_links: GuidedLinks | None = None


def prepare(
    config: Config, directory: Path, reporter: Reporter | None = None, *, begin: Callable[[], object] = lambda: None
) -> Prepared:
    """Reads the corpus, learns the subword models, completes the configuration, and saves models and configuration.

    Args:
        config: Configuration as the user gave it.
        directory: Directory for subword models, configuration and hashes of the texts; `load_prepared` reads them.
        reporter: Receives messages about work that may take minutes.
        begin: Function called after everything was read and checked, before anything is written.

    Returns:
        The input of the training.

    Raises:
        ConfigError: No training text is named, or the name of a file cannot be stored in a configuration.
        DataError: A text cannot be read or used.
        CheckpointError: The directory cannot be written.
    """
    _check_names(config)
    check_guided(config)
    needs_aligner = bool(config.train.guided_weight) and config.train.guided_file == ALIGNER
    if needs_aligner:
        require_package("eflomal", to="link words with eflomal", extra="align")
    train, val, notes = _read(config)
    derived, derived_notes = _derive(config, train)
    derived, tokenizer_notes = _choose_tokenizer(derived, val)
    src_subword, tgt_subword = _learn_subwords(derived, train)
    notes += [*derived_notes, *tokenizer_notes]
    notes += [subword.note for subword in dict.fromkeys((src_subword, tgt_subword)) if subword.note]
    prepared = _encode(derived, (train, val), (src_subword, tgt_subword), notes)
    if not needs_aligner:  # existing files are read before anything is written
        prepared = _add_guided_links(prepared, directory, reporter)
    begin()
    make_directory(directory)
    if needs_aligner:
        prepared = _add_guided_links(prepared, directory, reporter)
    write_file(directory / _SRC, src_subword.save)
    write_file(directory / _TGT, tgt_subword.save)
    hashes = {"train": _hash_pairs(train), "val": _hash_pairs(val)}
    hashes |= {"src_subword": src_subword.fingerprint(), "tgt_subword": tgt_subword.fingerprint()}
    links = links_file(derived.train, directory)
    if links:
        hashes["links"] = _hash_lines(links)
    write_text(directory / _TEXTS, json.dumps(hashes))
    save_config(derived, directory)
    return prepared


def load_prepared(directory: Path, reporter: Reporter | None = None, *, changes: Config | None = None) -> Prepared:
    """Loads the input of a training that resumes: the saved files of `prepare`, and the texts.

    Args:
        directory: The directory that was passed to `prepare`.
        reporter: Receives messages about work that may take minutes.
        changes: Configuration with the present paths of the texts and the word links; a path that is None has not
            changed. All other options are ignored. None = no path has changed.

    Returns:
        The same input as `prepare` returned, with the saved configuration.

    Raises:
        CheckpointError: The directory has no saved files, or a saved file is damaged.
        DataError: A text is missing, or has changed since the training began.
    """
    if not (directory / SETTINGS).is_file():
        raise CheckpointError(
            f"{directory}: there is no training to resume, since the file {SETTINGS} is missing: start a training "
            "without --resume"
        )
    config, hashes = _with_paths(_load_config(directory), changes), _load_hashes(directory)
    _check_names(config)
    _check_texts_are_there(config.data, directory)
    train, val, notes = _read(config)
    present = {"train": _hash_pairs(train), "val": _hash_pairs(val)}
    if any(hashes.get(name) != digest for name, digest in present.items()):
        raise DataError(
            f"{config.data.src}: the training or validation text has changed since the training in {directory} began: "
            "restore the old text, or start a new training with another --out"
        )
    src_subword = _load_subword(directory / _SRC, hashes.get("src_subword"))
    tgt_subword = _load_subword(directory / _TGT, hashes.get("tgt_subword"))
    if config.subword.shared:
        if tgt_subword.fingerprint() != src_subword.fingerprint():
            raise CheckpointError(
                f"{directory / _TGT}: differs from {_SRC}, but source and target share a subword model: {_REMEDY}"
            )
        tgt_subword = src_subword
    derived, derived_notes = _derive(config, train)  # nothing is left to derive, unless the file was changed
    prepared = _encode(derived, (train, val), (src_subword, tgt_subword), [*notes, *derived_notes])
    prepared = _add_guided_links(prepared, directory, reporter)
    links = links_file(config.train, directory)
    if links and hashes.get("links", digest := _hash_lines(links)) != digest:
        raise DataError(
            f"{links}: the word links have changed since the training in {directory} began: restore the old file, or "
            "start a new training with another --out"
        )
    return prepared


def save_config(config: Config, directory: Path) -> None:
    """Saves the configuration of a training; its file also marks the training as one that can be resumed.

    Args:
        config: Complete configuration.
        directory: The directory that was passed to `prepare`.

    Raises:
        CheckpointError: The file cannot be written; the old configuration is unchanged.
    """
    path, text = directory / SETTINGS, _with_hash(dump_config(config))
    if not path.is_file() or path.read_bytes() != text.encode("utf-8"):
        write_text(path, text)


def _load_config(directory: Path) -> Config:
    path = directory / SETTINGS
    text = read_text(path, max_bytes=_MAX_BYTES, remedy=_REMEDY)
    settings, hash_line, _ = text.partition(_HASH_LINE)
    if hash_line and text != _with_hash(settings):
        raise CheckpointError(
            f"{path}: changed since it was written: its content does not match its hash; set options on the command "
            f"line, not in this file: {_REMEDY}"
        )
    return parse_config(rename_keys(text), where=str(path))


def _with_hash(settings: str) -> str:
    """A configuration followed by its own hash, as a TOML comment."""
    return f"{settings}{_HASH_LINE}{hashlib.sha256(settings.encode()).hexdigest()}\n"


def _load_hashes(directory: Path) -> dict[str, str]:
    path = directory / _TEXTS
    hashes = parse_json(read_bytes(path, max_bytes=_MAX_BYTES, remedy=_REMEDY), where=str(path), remedy=_REMEDY)
    if not isinstance(hashes, dict) or not all(isinstance(digest, str) for digest in hashes.values()):
        raise CheckpointError(f"{path}: damaged: expected the hashes of the training's texts: {_REMEDY}")
    return hashes


def _load_subword(path: Path, expected: str | None) -> Subword:
    data = read_bytes(path, max_bytes=_MAX_SUBWORD_BYTES, remedy=_REMEDY)
    if expected not in (None, hashlib.sha256(data).hexdigest()):
        raise CheckpointError(f"{path}: changed since the training began: {_REMEDY}")
    try:
        return Subword.from_bytes(data)
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from None


def _with_paths(config: Config, changes: Config | None) -> Config:
    """The configuration with the present paths of texts and word links."""
    if changes is None:
        return config
    files = {name: value for name in TEXTS if (value := getattr(changes.data, name)) is not None}
    train = config.train
    if changes.train.guided_file is not None and train.guided_weight:
        train = train.model_copy(update={"guided_file": changes.train.guided_file})
    return config.model_copy(update={"data": config.data.model_copy(update=files), "train": train})


def _check_names(config: Config) -> None:
    """Refuses names of files that are empty or that a configuration cannot store."""
    given = {f"data.{name}": getattr(config.data, name) for name in TEXTS}
    for key, value in {**given, "train.guided_file": config.train.guided_file}.items():
        if value is not None:
            checked_path(value, key)
            check_encodable(value, key)


def _check_texts_are_there(data: DataConfig, directory: Path) -> None:
    for name in TEXTS:
        path = getattr(data, name)
        if path is not None and not Path(path).exists():
            option = "--" + name.replace("_", "-")
            raise DataError(
                f"{path}: no such file, but the training in {directory} was started with this text (the current "
                f"directory is {Path.cwd()}): restore the file, or give the new path of the same text with --resume "
                f"{option} FILE"
            )


def _read(config: Config) -> tuple[list[Pair], list[Pair], list[str]]:
    data, notes = config.data, []
    if data.src is None:
        raise ConfigError("data.src: expected the file of the training text's source side, got none: give --src FILE")
    read = read_pairs(data.src, data.tgt)
    if read.num_empty:
        notes.append(f"{data.src}: {read.num_empty} pairs with an empty side were left out")
    if read.num_wide_rows:
        notes.append(
            f"{data.src}: {read.num_wide_rows} lines have more than two columns, of which the first two are read"
        )
    if data.val_src is None:
        train, val = hold_out(read.pairs, lambda sources: _draw_sources(sources, config.train.seed))
        notes.append(f"{len(val)} of the {len(read.pairs)} pairs are held out for validation")
    else:
        train, val = read.pairs, read_pairs(data.val_src, data.val_tgt).pairs
    return train, val, [*notes, *mismatch_warnings(train, val)]


def _draw_sources(sources: Sequence[str], seed: int) -> list[str]:
    """Draws the sources to validate with."""
    if len(sources) < 2:
        raise DataError(
            f"expected at least 2 different source sentences, one to train on and one to validate with, but got "
            f"{len(sources)}: give more text, or a validation set with --val-src and --val-tgt"
        )
    count = min(MAX_HELD_OUT, max(1, round(HELD_OUT_SHARE * len(sources))))
    return [sources[i] for i in np.random.default_rng(seed).permutation(len(sources))[:count]]


def _choose_tokenizer(config: DerivedConfig, val: Sequence[Pair]) -> tuple[DerivedConfig, list[str]]:
    """Chooses BLEU's tokenizer once, so that a training that resumes elsewhere counts the same tokens."""
    name = choose_tokenizer([pair.tgt for pair in val], config.train.bleu_tokenize)
    bleu_metric(name)
    if name == config.train.bleu_tokenize:
        return config, []
    train = config.train.model_copy(update={"bleu_tokenize": name})
    notes = [] if name == DEFAULT else [f"train.bleu_tokenize = {name}, for the script of the validation targets"]
    return config.model_copy(update={"train": train}), notes


def _learn_subwords(config: DerivedConfig, pairs: Sequence[Pair]) -> tuple[Subword, Subword]:
    options = config.subword
    sources, targets = [pair.src for pair in pairs], [pair.tgt for pair in pairs]
    if options.shared:
        subword = Subword.train(
            [*sources, *targets], vocab_size=options.vocab_size, kind=options.kind, seed=config.train.seed
        )
        return subword, subword
    src, tgt = (
        Subword.train(side, vocab_size=options.vocab_size, kind=options.kind, seed=config.train.seed)
        for side in (sources, targets)
    )
    return src, tgt


def _encode(
    config: DerivedConfig,
    texts: tuple[Sequence[Pair], Sequence[Pair]],
    subwords: tuple[Subword, Subword],
    notes: Sequence[str],
) -> Prepared:
    corpora, left_out = [], []
    alphas = (config.subword.sample_alpha, 0.0)
    for name, pairs, alpha in zip(("training", "validation"), texts, alphas, strict=True):
        corpus = Corpus.encode(pairs, *subwords, max_len=config.data.max_len, sample_alpha=alpha)
        if corpus.num_dropped:
            left_out.append(
                f"{corpus.num_dropped} {name} pairs longer than {config.data.max_len} subwords were left out"
            )
        corpora.append(corpus)
    return Prepared(config, *subwords, corpora[0], corpora[1], (*notes, *left_out))


def _add_guided_links(prepared: Prepared, directory: Path, reporter: Reporter | None) -> Prepared:
    """The same input with the word links that guide attention, if any do."""
    guided_links, left_out = load_links(
        prepared.config,
        prepared.train,
        prepared.src_subword,
        prepared.tgt_subword,
        directory=directory,
        reporter=reporter,
    )
    return replace(prepared, guided_links=guided_links, notes=(*prepared.notes, *left_out))


def _derive(config: Config, train: Sequence[Pair]) -> tuple[DerivedConfig, list[str]]:
    return derive(
        config,
        num_pairs=len(train),
        num_src_chars=sum(len(pair.src) for pair in train),
        num_tgt_chars=sum(len(pair.tgt) for pair in train),
    )


def _hash_pairs(pairs: Sequence[Pair]) -> str:
    digest = hashlib.sha256()
    for pair in pairs:
        digest.update(f"{pair.src}\t{pair.tgt}\n".encode())
    return digest.hexdigest()


def _hash_lines(path: Path) -> str:
    digest = hashlib.sha256()
    for line in read_lines(path):
        digest.update(f"{line}\n".encode())
    return digest.hexdigest()
