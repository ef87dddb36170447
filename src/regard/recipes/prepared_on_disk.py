"""Decides which text a training prepares on disk, and where."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

from regard.config.schema import Config
from regard.data.prepared.manifest import read_manifest
from regard.errors import CheckpointError, ConfigError
from regard.recipes.prepared_sources import total_size
from regard.recipes.prepared_text import PreparedText, find_prepared, is_intact, prepare_text
from regard.recipes.training_text import corpus_entries
from regard.text.subword import Subword
from regard.train.interrupt import Interrupt
from regard.train.reporter import Reporter

LARGE_BYTES = 64 << 20
"""Size of the files from which text is prepared on disk; text of this size takes about 0.5 GB in memory."""
SUFFIX = ".prepared"
"""What is added to the name of a model directory to get that of its prepared text."""
_MESSAGE_SECONDS = 20.0


class PreparedOnDisk:
    """Prepares the text of a training on disk if it is large, and opens it again when the training resumes.

    Args:
        out: The model directory.
        reporter: Receives messages about the progress; None = no messages.
        interrupt: Flag that stops the preparation.
    """

    def __init__(self, out: Path, reporter: Reporter | None, interrupt: Interrupt) -> None:
        self.out = out
        self._reporter = reporter
        self._interrupt = interrupt
        self._stage = ""
        self._message_time = 0.0

    def directory_for(self, config: Config) -> Path:
        """Directory of the prepared text.

        Args:
            config: Configuration of the training.

        Returns:
            `data.prepared` if set; otherwise the path of the model directory with `.prepared` added.
        """
        if config.data.prepared is not None:
            return Path(config.data.prepared)
        return self.out.with_name(self.out.name + SUFFIX)

    def is_for(self, config: Config) -> bool:
        """Whether the text of a training is to be prepared on disk: it is large, or `data.prepared` is set.

        Args:
            config: Configuration of the training.

        Returns:
            True if the text files have at least 64 MiB or `data.prepared` is set. Always False if the training uses
            guided attention, noise or terms in sources, which need the text in memory.

        Raises:
            ConfigError: `data.prepared` is set, but the training uses guided attention, noise or terms in sources.
        """
        for key in ("guided_weight", "noise", "terms"):
            value = getattr(config.train, key)
            if value and config.data.prepared is not None:
                raise ConfigError(
                    f"data.prepared: expected no word links, noise or terms with prepared text, found train.{key} = "
                    f"{value:g}: leave out data.prepared, so that the text is held in memory, or leave out train.{key}"
                )
            if value:
                return False
        return config.data.prepared is not None or total_size(corpus_entries(config.data)) >= LARGE_BYTES

    def prepare(self, config: Config, subwords: tuple[Subword, Subword] | None = None) -> PreparedText:
        """Prepares the text of a new training, unless that was done before.

        Args:
            config: Configuration of the training.
            subwords: Source and target vocabulary, the same object if they are shared; None = learned from the text.

        Returns:
            The prepared text.

        Raises:
            RegardError: The text cannot be read or used, or the directory cannot be written.
            KeyboardInterrupt: A stop was requested.
        """
        directory = self.directory_for(config)
        progress = partial(self._progress, directory)
        return prepare_text(config, directory, subwords=subwords, progress=progress, report=self._say)

    def load(self, config: Config, content_hash: str) -> PreparedText | None:
        """Opens the prepared text of a training that resumes; prepares it again if it was removed or is damaged.

        Args:
            config: The saved configuration.
            content_hash: What `Manifest.content_hash` returned for the prepared text when the training began.

        Returns:
            The prepared text; None if its hash differs from `content_hash`.

        Raises:
            RegardError: The text cannot be read or used, or the directory cannot be written.
            KeyboardInterrupt: A stop was requested.
        """
        directory = self.directory_for(config)
        text = find_prepared(config, directory)
        if text is None and not self._is_intact(directory, content_hash):
            text = self.prepare(config)
        return text if text is not None and text.manifest.content_hash() == content_hash else None

    def _is_intact(self, directory: Path, content_hash: str) -> bool:
        """Whether the prepared text is that of the training, so that its files must have changed."""
        try:
            manifest = read_manifest(directory)
        except CheckpointError:
            return False
        return manifest.content_hash() == content_hash and is_intact(directory, manifest)

    def _progress(self, directory: Path, stage: str, done: int, fraction: float | None) -> None:
        if self._interrupt.requested:
            self._say("stopped while preparing the text; what is done is kept, and the same command continues")
            raise KeyboardInterrupt
        now = time.monotonic()
        if stage == self._stage and now - self._message_time < _MESSAGE_SECONDS:
            return
        is_new, self._stage, self._message_time = stage != self._stage, stage, now
        if is_new and stage in ("comparing", "hashing"):
            return
        share = "" if fraction is None else f" ({100 * fraction:.0f} %)"
        self._say(f"preparing the text in {directory.name}: {stage}" + (f", {done:,} pairs{share}" if done else ""))

    def _say(self, message: str) -> None:
        if self._reporter is not None:
            self._reporter.on_message(message)


def describe_mixture(text: PreparedText) -> tuple[str, ...]:
    """Describes each corpus of prepared text: files, size, weight and share of an epoch.

    Args:
        text: The prepared text.

    Returns:
        One description per corpus.
    """
    corpora = text.manifest.corpora
    total = sum(corpus.num_pairs * corpus.weight for corpus in corpora)
    entries = corpus_entries(text.config.data)
    tags = [entry.tag for entry in entries] or [None] * len(corpora)
    return tuple(
        f"{corpus.name}: {corpus.num_pairs:,} training pairs, weight {corpus.weight:g}, "
        f"{100 * corpus.num_pairs * corpus.weight / total:.1f} % of an epoch" + ("" if tag is None else f", tag {tag}")
        for corpus, tag in zip(corpora, tags, strict=True)
    )
