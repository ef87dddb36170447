"""Options that say what a model runs on, and the translator loaded with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from regard.cli.loading import loading
from regard.cli.options import Device, Precision, Table, Threads, use_threads

if TYPE_CHECKING:
    from regard.translation.translator import Translator


@dataclass(frozen=True)
class EngineOptions:
    """Options to load a model: device, threads, number type, and shortlist of target subwords per source subword."""

    device: Device = "auto"
    threads: Threads = None
    precision: Precision = None
    shortlist: Table = None


DEFAULT_ENGINE = EngineOptions()
"""A GPU if there is one, the number type of the model, and no shortlist."""


def load_translator(models: Sequence[Path], options: EngineOptions) -> Translator:
    """Loads a model, an ensemble or an export.

    Args:
        models: Directories; several models form an ensemble.
        options: What the model runs on.

    Returns:
        The translator, restricted to the shortlist if there is one.
    """
    with loading():
        from regard.translation.loading import load

    use_threads(options.threads)
    translator = load(models, precision=options.precision, device=options.device, threads=options.threads)
    if options.shortlist is None:
        return translator
    from regard.translation.shortlist import read_shortlist, shortlisted

    return shortlisted(translator, read_shortlist(options.shortlist, translator))
