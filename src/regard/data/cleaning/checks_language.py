"""Checks of language: sides in another language, and sides in another script."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from regard.data.cleaning.language_model import Floats, is_available, load_language_model
from regard.data.cleaning.scripts import foreign_letters, script_of
from regard.errors import ConfigError
from regard.text.languages import english_name
from regard.values import Pair

RIVALS = (
    "en", "fr", "de", "es", "it", "pt", "nl", "sv", "da", "no", "pl", "cs", "sk", "ro", "hu", "fi",
    "tr", "ru", "uk", "bg", "el", "ar", "he", "fa", "hi", "zh", "ja", "ko", "vi", "id", "lt",
)  # fmt: skip
"""Languages that a side may be in by mistake. A text in a further language is usually closer to one of them."""
_ALIASES = {"nb": "no", "fil": "tl"}
_MIN_SAMPLE = 200
"""Fewest pairs from which the usual margins are learned."""
_MAX_SAMPLE = 5000
"""Most pairs that are used to learn them."""
_USUAL = 0.9
"""Share of the pairs of a corpus that are taken to be in the right language when margins are learned."""
_NEVER = -1000.0
"""Margin of the language of the side itself."""
_UNLIKELY = 1.0
"""What is subtracted from the margin of a language that is not one of the two of the corpus."""
_SMALL_SAMPLE = 20
"""Fewest pairs from which a warning says that languages are in the wrong order."""
_NUM_COMPARED = 500
"""Number of pairs that are looked at to recognize languages in the wrong order."""
_SWAPPED = 1.75
"""Median margin of the other side's language from which on, on both sides, the languages are in the wrong order."""
# Numbers, identifiers, paths, addresses and calls: they are in no language.
_CODE_HINT = re.compile(r"[\d_=<>{}\\/@#$%|*(]|::")
_CODE = re.compile(r"\S*(?:[\d_=<>{}\\/@#$%|*]|::|\w\()\S*")


@dataclass(frozen=True, slots=True)
class Script:
    """Scores each pair by its share of foreign letters: letters that are not in the script of the side's language.

    The share of each side is computed, and the larger one is the score, from 0 to 1. A word that both sides contain,
    such as a name, does not count as foreign.

    Attributes:
        langs: Codes of the source and the target language.

    >>> Script(("en", "ko"))([Pair("your day", "하루"), Pair("your day", "the day")])
    [0.0, 1.0]
    """

    langs: tuple[str, str]

    def __call__(self, pairs: Sequence[Pair]) -> list[float]:
        """Returns one score per pair: the larger share of foreign letters of its two sides, from 0 to 1."""
        src_script, tgt_script = script_of(self.langs[0]), script_of(self.langs[1])
        return [
            max(foreign_letters(pair.src, src_script, pair.tgt), foreign_letters(pair.tgt, tgt_script, pair.src))
            for pair in pairs
        ]


@dataclass(frozen=True, slots=True)
class Language:
    """Scores each pair by how much more probable one of its sides is in another language than in its own.

    For each side and each other language, a margin is computed: the log-likelihood of the side in that language minus
    that in its own language, divided by the square root of the number of bytes, which makes short and long texts
    comparable. The score is the largest margin of either side. Words that both sides contain, numbers and code are
    ignored. From the margin of a language that is neither the source nor the target language, 1 is subtracted, since
    such a language is less probable.

    Attributes:
        langs: Codes of the source and the target language, as the language identifier py3langid spells them.
        usual: For each side, the usual margin of each language in this corpus, in the order of `LanguageModel.codes`;
            it is subtracted from the margins of the pairs.
    """

    langs: tuple[str, str]
    usual: tuple[tuple[float, ...], tuple[float, ...]]

    @classmethod
    def learn(cls, langs: tuple[str, str], sample: Sequence[Pair]) -> Language | None:
        """Makes a scorer that subtracts the usual margin of each language, learned from a sample of the corpus.

        The margin of a language says how much more probable a side is in it than in its own language. It is usually
        high for a closely related language, even in correct pairs.

        Args:
            langs: Canonical codes of the source and the target language.
            sample: Pairs of the corpus. With fewer than 200, the usual margins are not learned and count as 0.

        Returns:
            The scorer; None if py3langid is not installed or does not know one of the languages, or if both sides are
            in the same language.

        Raises:
            ConfigError: Most sources are in the target language, and most targets in the source language.
        """
        src_lang, tgt_lang = (_ALIASES.get(code.split("-")[0], code.split("-")[0]) for code in langs)
        if not is_available() or src_lang == tgt_lang:
            return None
        codes = load_language_model(_compared((src_lang, tgt_lang))).codes
        if src_lang not in codes or tgt_lang not in codes:
            return None
        scorer = cls((src_lang, tgt_lang), ((0.0,) * len(codes),) * 2)
        if len(sample) < _MIN_SAMPLE:
            return scorer
        margins = scorer._margins(sample[:: -(-len(sample) // _MAX_SAMPLE)])
        if _are_swapped(margins, codes, scorer.langs):
            raise ConfigError(
                f"expected sources in {english_name(src_lang)} and targets in {english_name(tgt_lang)}, found the "
                f"reverse in most pairs: name the languages in the order of the corpus, such as --langs "
                f"{tgt_lang}-{src_lang}, or leave this check out with --without language"
            )
        src_usual, tgt_usual = (np.maximum(np.quantile(side, _USUAL, axis=0), 0) for side in margins)
        return cls(scorer.langs, (tuple(src_usual.tolist()), tuple(tgt_usual.tolist())))

    def __call__(self, pairs: Sequence[Pair]) -> list[float]:
        """Returns one score per pair: the margin by which a side looks more like another language; higher is worse."""
        if not pairs:
            return []
        src, tgt = (side.max(axis=1) for side in self._margins(pairs))
        return [float(score) for score in np.maximum(src, tgt)]

    def _margins(self, pairs: Sequence[Pair]) -> tuple[Floats, Floats]:
        """Margin of each language, (N, L), over the language of the side, for both sides; very low for that one."""
        texts = [_distinct_text(pair.src, pair.tgt) for pair in pairs]
        src = self._side_margins([src for src, _ in texts], 0)
        return src, self._side_margins([tgt for _, tgt in texts], 1)

    def _side_margins(self, texts: list[str], side: int) -> Floats:
        model = load_language_model(_compared(self.langs))
        scores = model.scores(texts)
        codes = np.array(model.codes)
        own = codes == self.langs[side]
        sizes = np.array([max(len(text.encode("utf-8", "replace")), 1) for text in texts], np.float32)
        margins: Floats = (scores - scores[:, own].max(axis=1, keepdims=True)) / np.sqrt(sizes)[:, None]
        penalties = np.where(np.isin(codes, self.langs), 0, _UNLIKELY) + np.array(self.usual[side])
        margins -= penalties.astype(np.float32)
        margins[:, own] = _NEVER
        return margins


def swapped_languages_warning(langs: tuple[str, str] | None, pairs: Sequence[Pair]) -> list[str]:
    """Warns if most pairs have the source language on the target side, and the target language on the source side.

    Args:
        langs: Canonical codes of the source and the target language; None = unknown.
        pairs: All pairs of the corpus; only 500 of them are compared.

    Returns:
        A list with one warning; empty if the languages are in order, there are fewer than 20 pairs, the languages are
        unknown, or py3langid is not installed or does not know one of them.
    """
    scorer = None if langs is None else Language.learn(langs, ())
    if scorer is None or len(pairs) < _SMALL_SAMPLE:
        return []
    margins = scorer._margins(pairs[:: -(-len(pairs) // _NUM_COMPARED)])
    if not _are_swapped(margins, load_language_model(_compared(scorer.langs)).codes, scorer.langs):
        return []
    src, tgt = map(english_name, scorer.langs)
    warning = (
        f"expected sources in {src} and targets in {tgt}, found {tgt} sources and {src} targets in most pairs: stop, "
        "and exchange source and target, or name the languages in the order of the text"
    )
    return [warning]


def _are_swapped(margins: tuple[Floats, Floats], codes: Sequence[str], langs: tuple[str, str]) -> bool:
    """Whether on both sides, most texts are in the language of the other side."""
    others = zip(margins, reversed(langs), strict=True)
    # A language that is written in two scripts has two columns.
    medians = [np.median(side[:, np.array(codes) == other].max(axis=1)) for side, other in others]
    return bool(min(medians) > _SWAPPED)


def _compared(langs: tuple[str, str]) -> tuple[str, ...]:
    return tuple(sorted({*RIVALS, *langs}))


def _distinct_text(src: str, tgt: str) -> tuple[str, str]:
    """The words of each side that the other side does not contain, without numbers and code."""
    if _CODE_HINT.search(src):
        src = _CODE.sub(" ", src)
    if _CODE_HINT.search(tgt):
        tgt = _CODE.sub(" ", tgt)
    src_words, tgt_words = src.split(), tgt.split()
    shared = set(src_words).intersection(tgt_words)
    if shared:
        src_words = [word for word in src_words if word not in shared]
        tgt_words = [word for word in tgt_words if word not in shared]
    return " ".join(src_words), " ".join(tgt_words)
