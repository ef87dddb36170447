"""Train, run and inspect attention-based translation models.

`import regard` alone loads no other module of the package. The first use of a public name, such as `regard.load`,
imports the module that defines it, so that PyTorch and plotting libraries are loaded only by programs that need them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from regard.alignment.error_rate import alignment_error_rate
    from regard.alignment.word_alignment import parse_pharaoh, pharaoh, word_alignment
    from regard.config.load import load_config
    from regard.config.presets import preset_names
    from regard.config.schema import Config
    from regard.errors import CheckpointError, ConfigError, DataError, RegardError, SearchError, ShapeError
    from regard.evaluate.scores import Scores, corpus_scores
    from regard.inspection.record import AttentionRecord
    from regard.model.build import build_model
    from regard.recipes.demo import run_demo
    from regard.recipes.training import train as train_model
    from regard.search.sample import SampleOptions
    from regard.store import load_model, save_model
    from regard.text.subword import Subword
    from regard.translation.loading import load
    from regard.translation.options import TranslateOptions
    from regard.translation.result import Translation
    from regard.translation.translator import Translator
    from regard_phrasebook.corpus import write_corpus

    __version__: str

_HOMES = {
    "AttentionRecord": "regard.inspection.record",
    "CheckpointError": "regard.errors",
    "Config": "regard.config.schema",
    "ConfigError": "regard.errors",
    "DataError": "regard.errors",
    "RegardError": "regard.errors",
    "Scores": "regard.evaluate.scores",
    "SampleOptions": "regard.search.sample",
    "SearchError": "regard.errors",
    "ShapeError": "regard.errors",
    "Subword": "regard.text.subword",
    "TranslateOptions": "regard.translation.options",
    "Translation": "regard.translation.result",
    "Translator": "regard.translation.translator",
    "alignment_error_rate": "regard.alignment.error_rate",
    "build_model": "regard.model.build",
    "corpus_scores": "regard.evaluate.scores",
    "load": "regard.translation.loading",
    "load_config": "regard.config.load",
    "load_model": "regard.store",
    "parse_pharaoh": "regard.alignment.word_alignment",
    "pharaoh": "regard.alignment.word_alignment",
    "preset_names": "regard.config.presets",
    "run_demo": "regard.recipes.demo",
    "save_model": "regard.store",
    "train_model": "regard.recipes.training",
    "word_alignment": "regard.alignment.word_alignment",
    "write_corpus": "regard_phrasebook.corpus",
}
# `regard.train` is the package of the training loop, so the function has another name here.
_NAMES_AT_HOME = {"train_model": "train"}

__all__ = [
    "AttentionRecord",
    "CheckpointError",
    "Config",
    "ConfigError",
    "DataError",
    "RegardError",
    "SampleOptions",
    "Scores",
    "SearchError",
    "ShapeError",
    "Subword",
    "TranslateOptions",
    "Translation",
    "Translator",
    "__version__",
    "alignment_error_rate",
    "build_model",
    "corpus_scores",
    "load",
    "load_config",
    "load_model",
    "parse_pharaoh",
    "pharaoh",
    "preset_names",
    "run_demo",
    "save_model",
    "train_model",
    "word_alignment",
    "write_corpus",
]


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version  # it reads mail headers, and loads what that takes

        value: object = version("regard")
    elif name in _HOMES:
        value = getattr(import_module(_HOMES[name]), _NAMES_AT_HOME.get(name, name))
    else:
        raise AttributeError(f"module 'regard' has no attribute {name!r}")
    globals()[name] = value  # the next look finds it without coming here
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
