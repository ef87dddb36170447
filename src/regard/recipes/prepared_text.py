"""Prepared text of a training: text files are read once, and then training needs only shards of subword ids."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from regard.config.resolved import DerivedConfig
from regard.config.schema import Config, CorpusConfig
from regard.config.threads import available_cores
from regard.data.prepared.corpus import check_shard, file_hash
from regard.data.prepared.manifest import MANIFEST, Manifest, read_manifest, shard_name
from regard.errors import CheckpointError, ConfigError, DataError
from regard.files.atomic import PENDING, make_directory, remove
from regard.files.locks import Lock
from regard.recipes.preparation import Preparation, Progress
from regard.recipes.prepared_options import covers, derive_options, text_options
from regard.recipes.prepared_sources import are_same
from regard.recipes.prepared_validation import VALIDATION, read_held_out
from regard.recipes.prepared_vocabulary import SRC_VOCABULARY, TGT_VOCABULARY, load_vocabularies
from regard.recipes.training_text import corpus_entries, read_validation
from regard.text.subword import Subword
from regard.values import Pair

_OWN = re.compile(
    r"(manifest\.json|part-\d+\.safetensors|subword\.(src|tgt)\.model|validation\.tsv|learned\.json|sample\.txt)(\.new)?"
    r"|collected|lock\.\d+|[0-9a-f]{32}(\.new)?"
)
"""Names of the files that regard writes to the directory."""


@dataclass(frozen=True, eq=False)
class PreparedText:
    """Prepared text on disk, with its configuration, vocabularies and validation pairs.

    Attributes:
        directory: Directory of the text.
        manifest: Content of its `manifest.json`: options, files, corpora and hashes.
        config: Complete configuration, with the options that were derived from the size of the text.
        subwords: Source and target vocabulary, the same object if they are shared.
        val: All validation pairs. If they were held out of the text, the source of each begins with the tag of its
            corpus, if the corpus has one.
        notes: Sentences for the user.
    """

    directory: Path
    manifest: Manifest
    config: DerivedConfig
    subwords: tuple[Subword, Subword]
    val: Sequence[Pair]
    notes: tuple[str, ...]


def prepare_text(
    config: Config,
    directory: Path,
    *,
    subwords: tuple[Subword, Subword] | None = None,
    num_workers: int | None = None,
    progress: Progress = lambda stage, done, fraction: None,
    report: Callable[[str], object] = lambda message: None,
) -> PreparedText:
    """Prepares training text on disk, as shards of subword ids, unless that was done before.

    Work that a stopped process finished is not repeated. Missing or damaged files of the prepared text are made again.
    Interruptions and the number of workers do not change a byte of the result.

    Args:
        config: Configuration that names the text; `[data]`, `[subword]` and `train.seed` are used.
        directory: Directory for the prepared text. Text in it that was prepared from other files or with other options
            is replaced.
        subwords: Source and target vocabulary, the same object if they are shared; None = learned from the text.
        num_workers: Number of worker processes; None = one per core.
        progress: Called with the name of the stage, the number of pairs done, and the fraction done (None = not known);
            may raise to stop.
        report: Receives a message if files are damaged and made again.

    Returns:
        The prepared text.

    Raises:
        ConfigError: No text is named, an option does not fit it, or another process prepares text in the directory.
        DataError: A text cannot be read or used.
        CheckpointError: The directory cannot be written; or a file in it is damaged, and cannot be made again because
            the text that it was made from is not there.
    """
    found = find_prepared(config, directory, subwords=subwords)
    if found is not None:
        return found
    damaged = _damaged_files(config, directory, subwords)
    if damaged:
        _check_can_be_made(damaged, corpus_entries(config.data))
        subwords = subwords or _given_vocabularies(directory)
    if not corpus_entries(config.data):
        raise ConfigError("data.src: expected the file of the training text's source side, got none: give --src FILE")
    _check_foreign(directory)
    make_directory(directory)
    lock = Lock(directory)
    if not lock.claim():
        raise ConfigError(
            f"{directory}: expected no other process to prepare text there, found {lock.holder()}: wait for it, or "
            "choose another directory"
        )
    with lock.held():
        _remove_damaged(damaged, directory, report)
        with _removed_pending_files(directory):
            Preparation(config, directory, subwords, num_workers or available_cores(), progress).run()
    prepared = find_prepared(config, directory, subwords=subwords)
    if prepared is None:
        raise DataError(f"{directory}: a text file changed while this text was prepared from it: run the command again")
    return prepared


def _remove_damaged(damaged: Sequence[Path], directory: Path, report: Callable[[str], object]) -> None:
    if damaged:
        names = ", ".join(path.name for path in damaged)
        report(f"{directory}: damaged or missing: {names}; they are made again from the text")
    for path in damaged:
        remove(path)


@contextmanager
def _removed_pending_files(directory: Path) -> Iterator[None]:
    """If the block fails, removes unfinished files: workers are killed while they write if another worker fails."""
    try:
        yield
    except BaseException:
        for path in (*directory.glob(f"*{PENDING}"), *directory.glob(f"*/*{PENDING}")):
            with suppress(OSError):  # the error that stopped the preparation matters more
                path.unlink()
        raise


def _check_foreign(directory: Path) -> None:
    """Refuses a directory with files that regard did not write, which it might replace."""
    if not directory.is_dir():
        return
    foreign = sorted(path.name for path in directory.iterdir() if not _OWN.fullmatch(path.name))
    if foreign:
        raise ConfigError(
            f"{directory}: expected a directory for prepared text, found other files in it, such as {foreign[0]}: "
            "choose another directory"
        )


def find_prepared(
    config: Config, directory: Path, *, subwords: tuple[Subword, Subword] | None = None, by_content: bool = False
) -> PreparedText | None:
    """Opens text that was prepared earlier from the same files with the same options.

    Args:
        config: Configuration, of which `[data]`, `[subword]` and `train.seed` are used.
        directory: Directory of the prepared text.
        subwords: The vocabularies that the prepared text must have; None = any.
        by_content: Whether to compare the hashes of all text files, even if path, size and time of last change are the
            same, and to raise an error if the prepared text is damaged.

    Returns:
        The prepared text; None if the directory has no text from these files with these options. Without `by_content`,
        also None if a file of the prepared text is missing or damaged, so that it must be prepared again.

    Raises:
        CheckpointError: With `by_content`, a file of the prepared text is missing or damaged; or a file of a corpus
            cannot be read.
        DataError: The validation text cannot be read.
    """
    match = _match(config, directory, subwords, by_content=by_content)
    if match is None:
        return None
    manifest, derived, notes = match
    try:
        for number, entry in enumerate(manifest.shards):
            check_shard(directory, number, entry)
        own = load_vocabularies(directory, shared=derived.subword.shared, hashes=manifest.vocabularies)
        val = read_validation(config.data) if config.data.val_src else read_held_out(directory, manifest)
    except CheckpointError:
        if by_content:
            raise
        return None
    return PreparedText(directory, manifest, derived, own, val, (*manifest.notes, *notes))


def is_intact(directory: Path, manifest: Manifest) -> bool:
    """Whether all shards of prepared text have the sizes and hashes that are in its manifest.

    Args:
        directory: Directory of the prepared text.
        manifest: Manifest of the prepared text.

    Returns:
        True if no shard is missing or damaged.
    """
    return not _damaged_shards(directory, manifest)


def _match(
    config: Config, directory: Path, subwords: tuple[Subword, Subword] | None, *, by_content: bool = False
) -> tuple[Manifest, DerivedConfig, list[str]] | None:
    """The manifest of prepared text of these files and options, with the complete configuration and its notes."""
    if not (directory / MANIFEST).is_file():
        return None
    try:
        manifest = read_manifest(directory)
    except CheckpointError:
        if by_content:
            raise
        return None
    derived, notes = derive_options(config, manifest.corpora)
    entries = corpus_entries(config.data)
    given = [] if subwords is None else [subword.fingerprint() for subword in subwords]
    is_fit = not entries or covers(manifest.options, text_options(derived, entries, given))
    if not is_fit or (entries and not are_same(manifest.files, entries, by_content=by_content)):
        return None
    return manifest, derived, notes


def _damaged_files(config: Config, directory: Path, subwords: tuple[Subword, Subword] | None) -> list[Path]:
    """Missing and damaged files of text that was prepared from the files and with the options of a configuration."""
    match = _match(config, directory, subwords)
    if match is None:
        return []
    manifest = match[0]
    damaged = _damaged_shards(directory, manifest)
    hashes = dict(zip((SRC_VOCABULARY, TGT_VOCABULARY), manifest.vocabularies, strict=True))
    if manifest.validation:
        hashes[VALIDATION] = manifest.validation
    for name, expected in hashes.items():
        try:
            is_right = file_hash(directory / name) == expected
        except CheckpointError:
            is_right = False
        damaged += [] if is_right else [directory / name]
    return damaged


def _damaged_shards(directory: Path, manifest: Manifest) -> list[Path]:
    damaged = []
    for number, entry in enumerate(manifest.shards):
        try:
            check_shard(directory, number, entry)
        except CheckpointError:
            damaged.append(directory / shard_name(number))
    return damaged


def _check_can_be_made(damaged: Sequence[Path], entries: Sequence[CorpusConfig]) -> None:
    """Refuses damaged files if the text that they were made from is not there, before anything is removed."""
    names = [name for entry in entries for name in (entry.src, entry.tgt) if name is not None]
    missing = next((name for name in names if not Path(name).exists()), None)
    if entries and missing is None:
        return
    reason = "no text is named" if missing is None else f"{missing} is not there"
    advice = "name the text with --src and --tgt" if missing is None else "restore the text"
    raise CheckpointError(
        f"{damaged[0]}: damaged or missing, and cannot be made again from the text, since {reason}: {advice}, or copy "
        "the directory again"
    )


def _given_vocabularies(directory: Path) -> tuple[Subword, Subword] | None:
    """The vocabularies of prepared text if they were not learned from it, and are intact."""
    manifest = read_manifest(directory)
    vocabulary = manifest.options.get("vocabulary")
    if not isinstance(vocabulary, dict) or "given" not in vocabulary:
        return None
    is_shared = manifest.vocabularies[0] == manifest.vocabularies[1]
    return load_vocabularies(directory, shared=is_shared, hashes=manifest.vocabularies)
