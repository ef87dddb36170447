"""From text files to the input of a training: subword models, encoded corpora and a complete configuration."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from regard.config.derive import derive
from regard.config.resolved import DerivedConfig
from regard.config.schema import Config
from regard.data.corpus import Corpus, Ragged, Resampling
from regard.data.guided_links import GuidedLinks
from regard.data.mixture import CorpusShare
from regard.data.prepared.corpus import PreparedCorpus
from regard.errors import CheckpointError, ConfigError, DataError
from regard.evaluate.tokenizers import DEFAULT, bleu_metric, choose_tokenizer
from regard.files.atomic import make_directory, write_file, write_text
from regard.files.json_text import parse_json
from regard.files.packages import require_package
from regard.files.printable import counted
from regard.files.reading import read_bytes
from regard.recipes.encoded_text import encode_text
from regard.recipes.guided_links import ALIGNER, check_guided, links_file, load_links, needs_links
from regard.recipes.parent import load_parent
from regard.recipes.prepared_on_disk import PreparedOnDisk, describe_mixture
from regard.recipes.prepared_text import PreparedText
from regard.recipes.saved_config import load_config, save_config
from regard.recipes.text_checks import check_names, check_text_is_the_same, check_texts_are_there
from regard.recipes.text_files import TEXTS, moved_corpora
from regard.recipes.training_text import TrainingText, hash_pairs, read_training_text
from regard.store import StoredModel
from regard.store.training_directory import SETTINGS
from regard.text.readers import read_lines
from regard.text.source_terms import TERM_SYMBOLS, term_symbols
from regard.text.subword import Subword
from regard.text.tags import split_tags
from regard.train.reporter import Reporter
from regard.values import Pair

_TEXTS, _SRC, _TGT = "texts.json", "subword.src.model", "subword.tgt.model"
_HELD_OUT, _BOTH_SIDES = "held_out", "both sides"
# How validation text was held out; trainings of early versions, which have no such entry, did it by source only.
_PREPARED = "prepared"
# Hash of text that was prepared on disk; trainings whose text is held in memory have hashes of the text.
_SUBWORDS = ((_SRC, "src_subword"), (_TGT, "tgt_subword"))
_REMEDY = "restore it, or start the training again with --overwrite"
_MAX_BYTES, _MAX_SUBWORD_BYTES = 1 << 20, 16 << 20


@dataclass(frozen=True)
class Prepared:
    """The input of a training.

    Attributes:
        config: Configuration, complete except for `precision` and `device`, which may still be "auto".
        src_subword: Source subword model.
        tgt_subword: Target subword model; the same object as `src_subword` if the vocabulary is shared.
        train: Encoded training pairs; none if they are on disk.
        val: Encoded validation pairs.
        notes: Sentences for the user: which options were derived, and which pairs were left out or held out.
        guided_links: Word links of the training pairs; None if the training needs none.
        shares: Number of pairs and weight of each corpus in `train`, in order; empty = one corpus with weight 1.
        corpora: A sentence for the user per entry of `data.corpora`: files, size, weight and share of an epoch.
        on_disk: Training pairs on disk; None if they are in memory.
    """

    config: DerivedConfig
    src_subword: Subword
    tgt_subword: Subword
    train: Corpus
    val: Corpus
    notes: tuple[str, ...]
    guided_links: GuidedLinks | None = None
    shares: tuple[CorpusShare, ...] = ()
    corpora: tuple[str, ...] = ()
    on_disk: PreparedCorpus | None = None

    @property
    def num_pairs(self) -> int:
        """Number of training pairs, in memory or on disk."""
        return len(self.train if self.on_disk is None else self.on_disk)

    def resampling(self) -> Resampling | None:
        """Options of subword regularization for the training text; None if `subword.sample_alpha` is 0."""
        alpha = self.config.subword.sample_alpha
        if alpha <= 0:
            return None
        return Resampling(self.src_subword, self.tgt_subword, alpha, self.config.data.max_len)


def prepare(
    config: Config,
    directory: Path,
    reporter: Reporter | None = None,
    *,
    begin: Callable[[], object] = lambda: None,
    workers: int = 1,
    on_disk: PreparedOnDisk | None = None,
) -> Prepared:
    """Prepares a training: reads the text, learns subword models, derives missing options, saves models and options.

    Args:
        config: Configuration as the user gave it.
        directory: Directory for subword models, configuration and hashes of the texts; `load_prepared` reads them.
        reporter: Receives messages about work that may take minutes.
        begin: Function called after everything was read and checked, before anything is written to `directory`.
        workers: Number of processes that will train together.
        on_disk: Prepares large text on disk; None = text of any size is held in memory.

    Returns:
        The input of the training.

    Raises:
        ConfigError: No training text is named, or the name of a file cannot be stored in a configuration.
        DataError: A text cannot be read or used.
        CheckpointError: The directory cannot be written.
    """
    check_names(config)
    check_guided(config)
    needs_aligner = needs_links(config.train) and config.train.guided_file == ALIGNER
    if needs_aligner:
        require_package("eflomal", to="link words with eflomal", extra="align")
    parent = None if config.train.parent is None else load_parent(config)
    if on_disk is not None and on_disk.is_for(config):
        return _prepare_on_disk(on_disk.prepare(config, _kept_subwords(config, parent)), directory, begin)
    text = read_training_text(config)
    _report_warnings(text, reporter)
    derived, derived_notes = _derive(config, text, workers)
    derived, tokenizer_notes = _choose_tokenizer(derived, text.val)
    src_subword, tgt_subword = _kept_subwords(config, parent) or _learn_subwords(derived, text)
    notes = [*text.notes, *derived_notes, *tokenizer_notes]
    notes += [subword.note for subword in dict.fromkeys((src_subword, tgt_subword)) if subword.note]
    prepared = _encode(derived, text, (src_subword, tgt_subword), notes)
    if not needs_aligner:  # existing files are read before anything is written
        prepared = _add_guided_links(prepared, text, directory, reporter)
    begin()
    make_directory(directory)
    if needs_aligner:
        prepared = _add_guided_links(prepared, text, directory, reporter)
    write_file(directory / _SRC, src_subword.save)
    write_file(directory / _TGT, tgt_subword.save)
    hashes = {**text.digests, **({} if config.data.val_src else {_HELD_OUT: _BOTH_SIDES})}
    hashes |= {"src_subword": src_subword.fingerprint(), "tgt_subword": tgt_subword.fingerprint()}
    links = links_file(derived.train, directory)
    if links:
        hashes["links"] = _hash_lines(links)
    write_text(directory / _TEXTS, json.dumps(hashes))
    save_config(derived, directory)
    return prepared


def _report_warnings(text: TrainingText, reporter: Reporter | None) -> None:
    if reporter is not None:
        for warning in text.warnings:
            reporter.on_message(f"warning: {warning}")


def _prepare_on_disk(text: PreparedText, directory: Path, begin: Callable[[], object]) -> Prepared:
    """The input of a training on text that was prepared on disk; writes what `load_prepared` reads."""
    config, notes = _choose_tokenizer(text.config, text.val)
    prepared = _on_disk(replace(text, config=config), notes)
    begin()
    make_directory(directory)
    write_file(directory / _SRC, text.subwords[0].save)
    write_file(directory / _TGT, text.subwords[1].save)
    hashes = {_PREPARED: text.manifest.content_hash(), "val": hash_pairs(text.val)}
    hashes |= {"src_subword": text.subwords[0].fingerprint(), "tgt_subword": text.subwords[1].fingerprint()}
    write_text(directory / _TEXTS, json.dumps(hashes))
    save_config(config, directory)
    return prepared


def _on_disk(text: PreparedText, notes: Sequence[str] = ()) -> Prepared:
    val = Corpus.encode(text.val, *text.subwords, max_len=text.config.data.max_len)
    mixture = describe_mixture(text) if text.config.data.corpora else ()
    left_out = f"left out {counted(val.num_dropped, 'validation pair')} longer than {text.config.data.max_len} subwords"
    return Prepared(
        text.config,
        *text.subwords,
        Corpus(Ragged.from_rows([]), Ragged.from_rows([])),
        val,
        (*text.notes, *notes, *([left_out] if val.num_dropped else []), *mixture),
        corpora=mixture,
        on_disk=PreparedCorpus(text.directory, verify=False),  # its hashes were checked just now
    )


def load_prepared(
    directory: Path,
    reporter: Reporter | None = None,
    *,
    changes: Config | None = None,
    on_disk: PreparedOnDisk | None = None,
) -> Prepared:
    """Loads the input of a training that resumes: the saved files of `prepare`, and the texts.

    Args:
        directory: The directory that was passed to `prepare`.
        reporter: Receives messages about work that may take minutes.
        changes: Configuration with the new paths of texts and word links that were moved; a path that is None has not
            changed. All other options are ignored. None = no path has changed.
        on_disk: Opens text that was prepared on disk; None is valid only for text in memory.

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
    config, hashes = _with_paths(load_config(directory), changes), _load_hashes(directory)
    check_names(config)
    if _PREPARED in hashes and on_disk is not None:
        return _load_on_disk(on_disk, config, hashes, directory)
    check_texts_are_there(config.data, directory)
    text = read_training_text(config, by_source=hashes.get(_HELD_OUT) != _BOTH_SIDES)
    check_text_is_the_same(text, hashes, directory)
    src_subword = _load_subword(directory / _SRC, hashes.get("src_subword"))
    tgt_subword = _load_subword(directory / _TGT, hashes.get("tgt_subword"))
    if config.subword.shared:
        if tgt_subword.fingerprint() != src_subword.fingerprint():
            raise CheckpointError(
                f"{directory / _TGT}: differs from {_SRC}, but source and target share a subword model: {_REMEDY}"
            )
        tgt_subword = src_subword
    derived, derived_notes = _derive(config, text)  # nothing is left to derive, unless the file was changed
    prepared = _encode(derived, text, (src_subword, tgt_subword), [*text.notes, *derived_notes])
    prepared = _add_guided_links(prepared, text, directory, reporter)
    links = links_file(config.train, directory)
    if links and hashes.get("links", digest := _hash_lines(links)) != digest:
        raise DataError(
            f"{links}: the word links have changed since the training in {directory} began: restore the old file, or "
            "start a new training with another --out"
        )
    return prepared


def _load_on_disk(on_disk: PreparedOnDisk, config: Config, hashes: dict[str, str], directory: Path) -> Prepared:
    text = on_disk.load(config, hashes[_PREPARED])
    if text is None or hash_pairs(text.val) != hashes.get("val"):
        raise DataError(
            f"{on_disk.directory_for(config)}: the training or validation text has changed since the training in "
            f"{directory} began: restore the old text, or start a new training with another --out"
        )
    src, tgt = (_load_subword(directory / name, hashes.get(key)) for name, key in _SUBWORDS)
    if (src.fingerprint(), tgt.fingerprint()) != text.manifest.vocabularies:
        raise CheckpointError(
            f"{directory}: expected the subword models that the prepared text was encoded with, found others: restore "
            "them, or start the training again with --overwrite"
        )
    return _on_disk(text)


def _load_hashes(directory: Path) -> dict[str, str]:
    path = directory / _TEXTS
    hashes = parse_json(read_bytes(path, max_bytes=_MAX_BYTES, remedy=_REMEDY), where=str(path), remedy=_REMEDY)
    if not isinstance(hashes, dict) or not all(isinstance(digest, str) for digest in hashes.values()):
        raise CheckpointError(f"{path}: damaged: expected a JSON object with hashes of the training texts: {_REMEDY}")
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
    files: dict[str, object] = {
        name: value for name in (*TEXTS, "prepared") if (value := getattr(changes.data, name)) is not None
    }
    if changes.data.corpora:
        files["corpora"] = moved_corpora(config.data.corpora, changes.data.corpora)
    train = config.train
    if changes.train.guided_file is not None and needs_links(train):
        train = train.model_copy(update={"guided_file": changes.train.guided_file})
    return config.model_copy(update={"data": config.data.model_copy(update=files), "train": train})


def _choose_tokenizer(config: DerivedConfig, val: Sequence[Pair]) -> tuple[DerivedConfig, list[str]]:
    """Chooses BLEU's tokenizer once, so that a training that resumes elsewhere counts the same tokens."""
    name = choose_tokenizer([pair.tgt for pair in val], config.train.bleu_tokenize)
    bleu_metric(name)
    if name == config.train.bleu_tokenize:
        return config, []
    train = config.train.model_copy(update={"bleu_tokenize": name})
    notes = [] if name == DEFAULT else [f"train.bleu_tokenize = {name}, for the script of the validation targets"]
    return config.model_copy(update={"train": train}), notes


def _kept_subwords(config: Config, parent: StoredModel | None) -> tuple[Subword, Subword] | None:
    """The vocabularies of the model that the training starts from; None if it learns its own."""
    if parent is None or config.train.parent_vocabulary == "new":
        return None
    if config.train.terms and term_symbols(parent.src_subword) is None:
        raise ConfigError(
            f"train.terms = {config.train.terms:g}: the vocabulary of {config.train.parent} has no symbols for terms, "
            "since it was learned without them: set train.parent_vocabulary to 'new', or train.terms to 0"
        )
    return parent.src_subword, parent.tgt_subword


def _learn_subwords(config: DerivedConfig, text: TrainingText) -> tuple[Subword, Subword]:
    options, pairs = config.subword, list(text.pairs())
    tags = list(dict.fromkeys(tag for corpus in text.corpora for tag in split_tags(corpus.entry.tag)))
    tags += TERM_SYMBOLS if config.train.terms else ()
    sources, targets = [pair.src for pair in pairs], [pair.tgt for pair in pairs]

    def learn(sentences: list[str], tags: Sequence[str]) -> Subword:
        return Subword.train(
            sentences, vocab_size=options.vocab_size, kind=options.kind, seed=config.train.seed, tags=tags
        )

    if options.shared:
        subword = learn([*sources, *targets], tags)
        return subword, subword
    return learn(sources, tags), learn(targets, ())


def _encode(
    config: DerivedConfig, text: TrainingText, subwords: tuple[Subword, Subword], notes: Sequence[str]
) -> Prepared:
    encoded = encode_text(config, text, subwords)
    return Prepared(
        config,
        *subwords,
        encoded.train,
        encoded.val,
        (*notes, *encoded.notes),
        shares=encoded.shares,
        corpora=encoded.mixture,
    )


def _add_guided_links(prepared: Prepared, text: TrainingText, directory: Path, reporter: Reporter | None) -> Prepared:
    """The same input with its word links, if the training needs them."""
    num_tags = [
        len(split_tags(corpus.entry.tag))
        for corpus, share in zip(text.corpora, prepared.shares, strict=True)
        for _ in range(share.num_rows)
    ]
    guided_links, left_out = load_links(
        prepared.config,
        prepared.train,
        prepared.src_subword,
        prepared.tgt_subword,
        directory=directory,
        num_lines=text.num_units,
        num_tags=num_tags,
        reporter=reporter,
    )
    return replace(prepared, guided_links=guided_links, notes=(*prepared.notes, *left_out))


def _derive(config: Config, text: TrainingText, workers: int = 1) -> tuple[DerivedConfig, list[str]]:
    num_src_chars, num_tgt_chars = text.num_characters()
    num_pairs = sum(len(corpus.pairs) for corpus in text.corpora)
    return derive(
        config, num_pairs=num_pairs, num_src_chars=num_src_chars, num_tgt_chars=num_tgt_chars, workers=workers
    )


def _hash_lines(path: Path) -> str:
    digest = hashlib.sha256()
    for line in read_lines(path):
        digest.update(f"{line}\n".encode())
    return digest.hexdigest()
