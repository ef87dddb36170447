"""From text files to what training needs: vocabularies, encoded corpora and a configuration without gaps."""

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
from regard.config.schema import Config, DataConfig
from regard.data.corpus import Corpus
from regard.data.guided_links import GuidedLinks
from regard.data.mismatch import mismatch_warnings
from regard.errors import CheckpointError, ConfigError, DataError
from regard.evaluate.tokenizers import DEFAULT, bleu_metric, choose_tokenizer
from regard.files.atomic import make_directory, write_file, write_text
from regard.files.json_text import parse_json
from regard.files.paths import check_encodable, checked_path
from regard.files.reading import read_bytes, read_text
from regard.interop.packages import require_package
from regard.recipes.guided_links import ALIGNER, check_guided, links_file, load_links
from regard.store.migrations import rename_keys
from regard.store.training_directory import SETTINGS
from regard.text.readers import read_lines, read_pairs
from regard.text.subword import Subword
from regard.train.reporter import Reporter
from regard.values import Pair

HELD_OUT_SHARE = 0.02
MOST_HELD_OUT = 2000

_TEXTS, _SRC, _TGT = "texts.json", "subword.src.model", "subword.tgt.model"
_SEAL = "\n# sha256 of the lines above: "
_CURE = "bring it back as it was, or start the training anew, with --overwrite"
_LARGEST, _LARGEST_SUBWORD = 1 << 20, 16 << 20
# Bytes of what is kept.
TEXTS = ("src", "tgt", "val_src", "val_tgt")
"""Options of `[data]` that name files: a training that goes on finds the same text under other names."""


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
        guided_links: Word links of the training pairs, where attention is to be guided.
    """

    config: Config
    src_subword: Subword
    tgt_subword: Subword
    train: Corpus
    val: Corpus
    notes: tuple[str, ...]
    guided_links: GuidedLinks | None = None


def prepare(
    config: Config, directory: Path, reporter: Reporter | None = None, *, begin: Callable[[], object] = lambda: None
) -> Prepared:
    """Reads the corpus, learns the vocabularies, derives what the configuration leaves open, and keeps it all.

    Args:
        config: As the user gave it.
        directory: Where vocabularies, configuration and fingerprints are written, for `prepare_again`.
        reporter: Hears of what may take minutes.
        begin: Called when all was read and checked, before anything is written.

    Returns:
        What training needs.

    Raises:
        ConfigError: When no training text is named, or by a name that cannot be written down.
        DataError: When text cannot be read or used.
        CheckpointError: When the directory cannot be written.
    """
    _check_names(config)
    check_guided(config)
    made = bool(config.train.guided_weight) and config.train.guided_file == ALIGNER
    if made:
        require_package("eflomal", to="link words with eflomal", extra="align")
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
    prepared = _encode(config, (train, val), (src_subword, tgt_subword), notes)
    if not made:  # all that is there is read before anything is written
        prepared = _guided(prepared, directory, reporter)
    begin()
    make_directory(directory)
    if made:
        prepared = _guided(prepared, directory, reporter)
    write_file(directory / _SRC, src_subword.save)
    write_file(directory / _TGT, tgt_subword.save)
    known = {"train": _fingerprint(train), "val": _fingerprint(val)}
    known |= {"src_subword": src_subword.fingerprint(), "tgt_subword": tgt_subword.fingerprint()}
    links = links_file(config.train, directory)
    if links:
        known["links"] = _fingerprint_of_lines(links)
    write_text(directory / _TEXTS, json.dumps(known))
    keep_config(config, directory)
    return prepared


def prepare_again(directory: Path, reporter: Reporter | None = None, *, asked: Config | None = None) -> Prepared:
    """What `prepare` returned, for a training that goes on.

    Args:
        directory: As given to `prepare`.
        reporter: Hears of what may take minutes.
        asked: Where the texts, and the word links, lie now; what it leaves out is where it was.

    Returns:
        The same, with the configuration that was kept.

    Raises:
        CheckpointError: When nothing was kept there, or it is damaged.
        DataError: When a text is missing, or has changed since.
    """
    if not (directory / SETTINGS).is_file():
        raise CheckpointError(
            f"{directory}: there is no training to go on with: expected {SETTINGS} there; start it without --resume"
        )
    config, known = _moved(_kept_config(directory), asked), _kept_fingerprints(directory)
    _check_names(config)
    _check_texts_are_there(config.data, directory)
    train, val, notes = _read(config)
    texts = {"train": _fingerprint(train), "val": _fingerprint(val)}
    if any(known.get(name) != found for name, found in texts.items()):
        raise DataError(
            f"{config.data.src}: the training or validation text is not what it was when the training in {directory} "
            "began: bring the old text back, or train anew in another directory"
        )
    src_subword = _kept_subword(directory / _SRC, known.get("src_subword"))
    tgt_subword = _kept_subword(directory / _TGT, known.get("tgt_subword"))
    if config.subword.shared:
        if tgt_subword.fingerprint() != src_subword.fingerprint():
            raise CheckpointError(f"{directory / _TGT}: differs from {_SRC}, though both sides share one: {_CURE}")
        tgt_subword = src_subword
    prepared = _guided(_encode(config, (train, val), (src_subword, tgt_subword), notes), directory, reporter)
    links = links_file(config.train, directory)
    if links and known.get("links", found := _fingerprint_of_lines(links)) != found:
        raise DataError(
            f"{links}: the word links are not what they were when the training in {directory} began: bring the old "
            "ones back, or train anew in another directory"
        )
    return prepared


def keep_config(config: Config, directory: Path) -> None:
    """Writes the configuration that a training which goes on will use; it marks the directory as prepared.

    Args:
        config: Complete.
        directory: As given to `prepare`.

    Raises:
        CheckpointError: The directory cannot be written; what was kept is still there.
    """
    place, text = directory / SETTINGS, _sealed(dump_config(config))
    if not place.is_file() or place.read_bytes() != text.encode("utf-8"):
        write_text(place, text)


def _kept_config(directory: Path) -> Config:
    place = directory / SETTINGS
    text = read_text(place, max_bytes=_LARGEST, remedy=_CURE)
    settings, seal, _ = text.partition(_SEAL)
    if seal and text != _sealed(settings):
        raise CheckpointError(
            f"{place}: changed since it was written: it does not agree with its own hash; what may be set anew is set "
            f"with options, not in this file: {_CURE}"
        )
    return parse_config(rename_keys(text), where=str(place))


def _sealed(settings: str) -> str:
    """A configuration with its own hash, which readers of TOML take for a remark."""
    return f"{settings}{_SEAL}{hashlib.sha256(settings.encode()).hexdigest()}\n"


def _kept_fingerprints(directory: Path) -> dict[str, str]:
    place = directory / _TEXTS
    known = parse_json(read_bytes(place, max_bytes=_LARGEST, remedy=_CURE), where=str(place), remedy=_CURE)
    if not isinstance(known, dict) or not all(isinstance(one, str) for one in known.values()):
        raise CheckpointError(f"{place}: damaged: expected the hashes of what the training began with: {_CURE}")
    return known


def _kept_subword(path: Path, expected: str | None) -> Subword:
    data = read_bytes(path, max_bytes=_LARGEST_SUBWORD, remedy=_CURE)
    if expected not in (None, hashlib.sha256(data).hexdigest()):
        raise CheckpointError(f"{path}: changed since the training began: {_CURE}")
    try:
        return Subword.from_bytes(data)
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from None


def _moved(config: Config, asked: Config | None) -> Config:
    """The configuration with the names that texts and word links have now."""
    if asked is None:
        return config
    files = {name: value for name in TEXTS if (value := getattr(asked.data, name)) is not None}
    train = config.train
    if asked.train.guided_file is not None and train.guided_weight:
        train = train.model_copy(update={"guided_file": asked.train.guided_file})
    return config.model_copy(update={"data": config.data.model_copy(update=files), "train": train})


def _check_names(config: Config) -> None:
    """Names of files must be names, and such as the configuration can hold."""
    given = {f"data.{name}": getattr(config.data, name) for name in TEXTS}
    for key, value in {**given, "train.guided_file": config.train.guided_file}.items():
        if value is not None:
            checked_path(value, key)
            check_encodable(value, key)


def _check_texts_are_there(data: DataConfig, directory: Path) -> None:
    for name in TEXTS:
        place = getattr(data, name)
        if place is not None and not Path(place).exists():
            option = "--" + name.replace("_", "-")
            raise DataError(
                f"{place}: no such file, though the training in {directory} began with it (the present directory is "
                f"{Path.cwd()}): bring it back, or name where the same text is now with --resume {option} FILE"
            )


def _read(config: Config) -> tuple[list[Pair], list[Pair], list[str]]:
    data, notes = config.data, []
    if data.src is None:
        raise ConfigError("data.src: expected the file of the training source, got none: give --src FILE")
    read = read_pairs(data.src, data.tgt)
    if read.num_empty:
        notes.append(f"{data.src}: {read.num_empty} pairs with an empty side were left out")
    if read.num_wide:
        notes.append(f"{data.src}: {read.num_wide} lines have more than two columns, of which the first two are read")
    if data.val_src is None:
        train, val = _hold_out(read.pairs, config.train.seed)
        notes.append(f"{len(val)} of the {len(read.pairs)} pairs are held out for validation")
    else:
        train, val = read.pairs, read_pairs(data.val_src, data.val_tgt).pairs
    return train, val, [*notes, *mismatch_warnings(train, val)]


def _hold_out(pairs: Sequence[Pair], seed: int) -> tuple[list[Pair], list[Pair]]:
    """Sets some sources aside with all their translations, so that none is both learned and validated."""
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
) -> Prepared:
    corpora, more = [], []
    alphas = (config.subword.sample_alpha, 0.0)
    for name, pairs, alpha in zip(("training", "validation"), texts, alphas, strict=True):
        corpus = Corpus.encode(pairs, *subwords, max_len=config.data.max_len, sample_alpha=alpha)
        if corpus.num_dropped:
            more.append(f"{corpus.num_dropped} {name} pairs longer than {config.data.max_len} subwords were left out")
        corpora.append(corpus)
    return Prepared(config, *subwords, corpora[0], corpora[1], (*notes, *more))


def _guided(prepared: Prepared, directory: Path, reporter: Reporter | None) -> Prepared:
    """The same with the word links that guide attention, where some do."""
    guided_links, left_out = load_links(
        prepared.config,
        prepared.train,
        prepared.src_subword,
        prepared.tgt_subword,
        directory=directory,
        reporter=reporter,
    )
    return replace(prepared, guided_links=guided_links, notes=(*prepared.notes, *left_out))


def _fingerprint(pairs: Sequence[Pair]) -> str:
    digest = hashlib.sha256()
    for pair in pairs:
        digest.update(f"{pair.src}\t{pair.tgt}\n".encode())
    return digest.hexdigest()


def _fingerprint_of_lines(path: Path) -> str:
    digest = hashlib.sha256()
    for line in read_lines(path):
        digest.update(f"{line}\n".encode())
    return digest.hexdigest()
