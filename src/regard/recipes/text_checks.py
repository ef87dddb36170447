"""Checks of the text files of a training: their names, and that they have not changed when the training resumes."""

from __future__ import annotations

from pathlib import Path

from regard.config.schema import Config, DataConfig
from regard.errors import DataError
from regard.files.paths import check_encodable, checked_path
from regard.recipes.text_files import text_files
from regard.recipes.training_text import TrainingText


def check_names(config: Config) -> None:
    """Refuses a configuration in which a file name is an empty string or is not valid UTF-8.

    Args:
        config: Configuration as the user gave it.

    Raises:
        ConfigError: A file name is not valid.
    """
    named = {"data.prepared": config.data.prepared, "train.guided_file": config.train.guided_file}
    for key, value in {**text_files(config.data), **named}.items():
        if value is not None:
            checked_path(value, key)
            check_encodable(value, key)


def check_texts_are_there(data: DataConfig, directory: Path) -> None:
    """Refuses to resume a training if a file of its text is missing.

    Args:
        data: The section `[data]` of the training.
        directory: Directory of the training, for messages.

    Raises:
        DataError: A file is missing.
    """
    for key, path in text_files(data).items():
        if path is not None and not Path(path).exists():
            option = "--corpus" if data.corpora and "corpora" in key else f"--{key[5:].replace('_', '-')}"
            also = ", for all corpora in their order" if option == "--corpus" else ""
            raise DataError(
                f"{path}: no such file, but the training in {directory} was started with this text (the current "
                f"directory is {Path.cwd()}): restore the file, or give the new path of the same text with --resume "
                f"{option} FILE{also}"
            )


def check_text_is_the_same(text: TrainingText, hashes: dict[str, str], directory: Path) -> None:
    """Refuses to resume a training if its text has changed; the error names the corpora that have changed.

    Args:
        text: The text as it is now.
        hashes: `TrainingText.digests` of the text when the training began.
        directory: Directory of the training, for messages.

    Raises:
        DataError: The text has changed.
    """
    changed = [name for name, digest in text.digests.items() if hashes.get(name) != digest]
    if not changed:
        return
    names = [corpus.name for i, corpus in enumerate(text.corpora, 1) if f"corpus.{i}" in changed]
    if not names:
        names = [text.corpora[0].name if len(text.corpora) == 1 else "the corpora"]
    raise DataError(
        f"{', '.join(names)}: the training or validation text has changed since the training in {directory} began: "
        "restore the old text, or start a new training with another --out"
    )
