"""Scores of many texts under the language identifier py3langid, several times faster than one by one."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Sequence
from functools import lru_cache
from importlib.util import find_spec

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
MAX_BYTES = 300
"""Bytes of a text that are read: more hardly change which language is the most probable."""
_BATCH = 512
"""Texts that are scored at once: the weights of their features fit into a cache of the processor."""


class LanguageModel:
    """Naive Bayes model of languages over byte n-grams (py3langid; Lui and Baldwin 2012), applied to batches.

    It walks the automaton of py3langid over all texts of a batch at once, one byte position at a time.

    Args:
        languages: Codes of the languages to compare; those that the identifier does not know are ignored.

    Attributes:
        codes: Code of each column of the scores; a language that is written in two scripts has two columns.
    """

    def __init__(self, languages: Collection[str]) -> None:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier

        model = LanguageIdentifier.from_model_file(MODEL_FILE)
        columns = [column for column, code in enumerate(model.nb_classes) if code in languages]
        self.codes: tuple[str, ...] = tuple(model.nb_classes[column] for column in columns)
        self._weights: Floats = np.ascontiguousarray(np.asarray(model.nb_ptc)[:, columns], np.float32)
        self._next = np.asarray(model.tk_nextmove)
        self._row = np.asarray(model.tk_row, np.int32) << 8
        self._output = np.asarray(model.tk_output, np.int32)

    def scores(self, texts: Sequence[str]) -> Floats:
        """Scores texts in all languages.

        Args:
            texts: The texts.

        Returns:
            Log-likelihood of each of N texts in each of the L languages of `codes`, plus a number that depends only on
            the text. (N, L)
        """
        scores = np.zeros((len(texts), len(self.codes)), np.float32)
        for first in range(0, len(texts), _BATCH):
            features, counts, starts = self._features([_encode(text) for text in texts[first : first + _BATCH]])
            weighted = self._weights.take(features, axis=0)
            weighted *= np.log1p(counts, dtype=np.float32)[:, None]
            filled = np.flatnonzero(np.diff(np.append(starts, len(features))))  # texts with features
            if len(filled):
                scores[first + filled] = np.add.reduceat(weighted, starts[filled])
        return scores

    def _features(self, texts: list[bytes]) -> tuple[Ints, Ints, Ints]:
        """The features of all texts, text by text, their counts, and the position of the first one of each text."""
        lengths = np.array([len(text) for text in texts])
        order = np.argsort(-lengths, kind="stable")
        letters = np.zeros((int(lengths.max(initial=0)), len(texts)), np.uint8)
        for column, text in enumerate(order.tolist()):
            letters[: lengths[text], column] = np.frombuffer(texts[text], np.uint8)
        num_active = np.searchsorted(-lengths[order], -np.arange(len(letters)))  # texts that reach each position
        state = np.zeros(len(texts), np.int32)
        keys = [np.zeros(0, np.int64)]
        for position, active in enumerate(num_active.tolist()):
            state = self._next[self._row[state[:active]] + letters[position, :active]]
            output = self._output[state]
            seen = np.flatnonzero(output >= 0)
            keys.append(order[seen] * len(self._weights) + output[seen])
        unique, counts = np.unique(np.concatenate(keys), return_counts=True)
        text_of, features = np.divmod(unique, len(self._weights))
        return features, counts, np.searchsorted(text_of, np.arange(len(texts)))


def is_available() -> bool:
    """Whether the language identifier py3langid is installed."""
    return find_spec("py3langid") is not None


@lru_cache(maxsize=4)
def load_language_model(languages: tuple[str, ...]) -> LanguageModel:
    """Loads the model of py3langid for some languages, once per process.

    Args:
        languages: Codes of the languages to compare.

    Returns:
        The model.
    """
    return LanguageModel(languages)


def _encode(text: str) -> bytes:
    if text.isascii():
        return (text.lower() if text.isupper() else text).encode()[:MAX_BYTES]
    text = unicodedata.normalize("NFC", text.lower() if text.isupper() else text)
    return text.encode("utf-8", "replace")[:MAX_BYTES]
