"""The files that a configuration names as text, and their new paths when a training resumes."""

from __future__ import annotations

from collections.abc import Sequence

from regard.config.schema import CorpusConfig, DataConfig
from regard.errors import ConfigError

TEXTS = ("src", "tgt", "val_src", "val_tgt")
"""Options of `[data]` that name text files; they may change when a training resumes, if the text is the same."""
_MAY_DIFFER = ("src", "tgt")


def text_files(data: DataConfig) -> dict[str, str | None]:
    """Files that the section `[data]` names.

    Args:
        data: The section.

    Returns:
        Paths by dotted key, such as `data.val_src` or `data.corpora[1].tgt`; None for keys that are not set.
    """
    files = {f"data.{name}": getattr(data, name) for name in TEXTS}
    for number, entry in enumerate(data.corpora, start=1):
        files |= {f"data.corpora[{number}].{name}": getattr(entry, name) for name in _MAY_DIFFER}
    return files


def moved_corpora(saved: Sequence[CorpusConfig], given: Sequence[CorpusConfig]) -> tuple[CorpusConfig, ...]:
    """The corpora of a training that resumes, with new paths of their files.

    Args:
        saved: The corpora that the training was started with.
        given: The same corpora with the current paths of their files, in the same order. Other options may be left out.

    Returns:
        `saved` with the paths of `given`.

    Raises:
        ConfigError: `given` and `saved` differ in the number of corpora or of files, or in an option other than paths.
    """
    if len(given) != len(saved):
        raise ConfigError(
            f"data.corpora: expected the present paths of the {len(saved)} corpora that the training was started with, "
            f"in the same order, got {len(given)} corpora: name all of them, or none if no file was moved"
        )
    for number, (before, now) in enumerate(zip(saved, given, strict=True), start=1):
        for name in CorpusConfig.model_fields:
            value, old = getattr(now, name), getattr(before, name)
            if name not in _MAY_DIFFER and value is not None and value != old:
                raise ConfigError(
                    f"data.corpora[{number}].{name}: expected {old!r}, as at the start of the training, got {value!r}: "
                    "only the paths of the files may change; to change options, start a new training"
                )
        if (before.tgt is None) != (now.tgt is None):
            raise ConfigError(
                f"data.corpora[{number}]: expected {1 if before.tgt is None else 2} files, as when the training was "
                f"started, got {1 if now.tgt is None else 2}: give the present path of each"
            )
    return tuple(
        before.model_copy(update={"src": now.src, "tgt": now.tgt}) for before, now in zip(saved, given, strict=True)
    )
