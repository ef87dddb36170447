"""The English-Korean phrasebook: spelling against hand-written tables, and properties of generated sentences."""

from __future__ import annotations

import unicodedata
from functools import cache
from pathlib import Path

import pytest

from regard_phrasebook.corpus import write_corpus
from regard_phrasebook.en_ko import endings, words
from regard_phrasebook.en_ko.endings import Stem
from regard_phrasebook.en_ko.grammar import EnglishKorean
from regard_phrasebook.engine.grammar import Draft
from regard_phrasebook.engine.phrase import SentencePair
from regard_phrasebook.engine.sampler import Sampler

FORMS = [
    (endings.polite, "가", "regular", "가요"),
    (endings.polite, "오", "regular", "와요"),
    (endings.polite, "보", "regular", "봐요"),
    (endings.polite, "먹", "regular", "먹어요"),
    (endings.polite, "찾", "regular", "찾아요"),
    (endings.polite, "마시", "regular", "마셔요"),
    (endings.polite, "가르치", "regular", "가르쳐요"),
    (endings.polite, "기다리", "regular", "기다려요"),
    (endings.polite, "배우", "regular", "배워요"),
    (endings.polite, "춤추", "regular", "춤춰요"),
    (endings.polite, "쉬", "regular", "쉬어요"),
    (endings.polite, "쓰", "regular", "써요"),
    (endings.polite, "바쁘", "regular", "바빠요"),
    (endings.polite, "예쁘", "regular", "예뻐요"),
    (endings.polite, "크", "regular", "커요"),
    (endings.polite, "공부하", "regular", "공부해요"),
    (endings.polite, "듣", "ㄷ", "들어요"),
    (endings.polite, "걷", "ㄷ", "걸어요"),
    (endings.polite, "돕", "ㅂ", "도와요"),
    (endings.polite, "춥", "ㅂ", "추워요"),
    (endings.polite, "아름답", "ㅂ", "아름다워요"),
    (endings.polite, "고르", "르", "골라요"),
    (endings.polite, "빠르", "르", "빨라요"),
    (endings.polite, "하얗", "ㅎ", "하얘요"),
    (endings.polite, "빨갛", "ㅎ", "빨개요"),
    (endings.polite, "팔", "regular", "팔아요"),
    (endings.polite, "작", "regular", "작아요"),
    (endings.modifier, "크", "regular", "큰"),
    (endings.modifier, "작", "regular", "작은"),
    (endings.modifier, "길", "regular", "긴"),
    (endings.modifier, "무겁", "ㅂ", "무거운"),
    (endings.modifier, "하얗", "ㅎ", "하얀"),
    (endings.modifier, "맛있", "regular", "맛있는"),
    (endings.modifier, "젊", "regular", "젊은"),
    (endings.modifier, "듣", "ㄷ", "들은"),
    (endings.present_modifier, "만들", "regular", "만드는"),
    (endings.present_modifier, "듣", "ㄷ", "듣는"),
    (endings.future_modifier, "읽", "regular", "읽을"),
    (endings.future_modifier, "걷", "ㄷ", "걸을"),
    (endings.future_modifier, "울", "regular", "울"),
    (endings.future_modifier, "돕", "ㅂ", "도울"),
    (endings.request, "읽", "regular", "읽으세요"),
    (endings.request, "팔", "regular", "파세요"),
    (endings.request, "듣", "ㄷ", "들으세요"),
    (endings.request, "돕", "ㅂ", "도우세요"),
    (endings.favor, "기다리", "regular", "기다려 주세요"),
    (endings.favor, "그리", "regular", "그려 주세요"),
    (endings.favor, "고르", "르", "골라 주세요"),
    (endings.favor, "돕", "ㅂ", "도와주세요"),
    (endings.condition, "오", "regular", "오면"),
    (endings.condition, "춥", "ㅂ", "추우면"),
    (endings.condition, "피곤하", "regular", "피곤하면"),
]
PASTS = [
    ("가", "regular", "갔어요"),
    ("마시", "regular", "마셨어요"),
    ("돕", "ㅂ", "도왔어요"),
    ("하", "regular", "했어요"),
]


@pytest.mark.parametrize(("form", "text", "kind", "expected"), FORMS)
def test_conjugation(form: object, text: str, kind: str, expected: str) -> None:
    assert callable(form)
    assert form(Stem(text, kind)) == expected


@pytest.mark.parametrize(("text", "kind", "expected"), PASTS)
def test_past(text: str, kind: str, expected: str) -> None:
    assert endings.polite(endings.past(Stem(text, kind))) == expected


@pytest.mark.parametrize(
    ("role", "marked"),
    [
        ("topic", "책은 사과는 물은 저는"),
        ("subject", "책이 사과가 물이 제가"),
        ("object", "책을 사과를 물을 저를"),
        ("with", "책과 사과와 물과 저와"),
        ("by", "책으로 사과로 물로 저로"),
        ("at", "책에 사과에 물에 저에"),
    ],
)
def test_particles_after_consonant_vowel_and_l(role: str, marked: str) -> None:
    assert " ".join(endings.particle(word, role) for word in ("책", "사과", "물", "저")) == marked


@cache
def generated() -> tuple[tuple[Draft, SentencePair], ...]:
    grammar, sampler = EnglishKorean(), Sampler(3)
    bands = ((1, 8), (7, 12), (16, 29), (30, 40))
    drafts = [grammar.draft(sampler, *bands[0 if i % 8 else i // 8 % 4]) for i in range(4000)]
    return tuple((draft, grammar.spell(draft)) for draft in drafts if draft is not None)


def _closed(syllable: str) -> bool:
    """Whether a syllable decomposes into three letters: an independent test for a final consonant."""
    return len(unicodedata.normalize("NFD", syllable)) == 3


def test_particles_follow_the_final_consonant() -> None:
    nouns = {noun.ko for noun in words.NOUNS.values()} | {noun.counter for noun in words.NOUNS.values()}
    nouns |= {"씨"} | {person.ko for person in words.PERSONS}
    seen = 0
    for _, pair in generated():
        for word in pair.tgt.rstrip(".?!").replace(",", "").split():
            if word[:-1] in nouns and word not in nouns and word[-1] in "은는을를이가":
                assert (word[-1] in "은을이") == _closed(word[-2]), pair.tgt
                seen += 1
    assert seen > 3000


def test_links_are_in_range_and_every_word_is_linked() -> None:
    for _, pair in generated():
        src, tgt = pair.src.split(), pair.tgt.split()
        assert {i for i, _ in pair.links} == set(range(len(src))), pair
        assert {j for _, j in pair.links} == set(range(len(tgt))), pair


def test_one_translation_for_each_sentence() -> None:
    known: dict[str, str] = {}
    for _, pair in generated():
        assert known.setdefault(pair.src, pair.tgt) == pair.tgt, pair.src


def test_many_words_and_constructions_are_used() -> None:
    verbs, adjectives = (*words.VERBS, words.GO, words.COME), (*words.ADJECTIVES, *words.STATES)
    english = {*words.NOUNS, *(word.en for word in verbs), *(word.en for word in adjectives)}
    korean = {noun.ko for noun in words.NOUNS.values()}
    korean |= {word.ko.text for word in verbs} | {word.ko.text for word in adjectives}
    assert min(len(english), len(korean)) >= 120
    shown = {name for draft, _ in generated() for name in draft.constructions}
    assert shown >= {
        "transitive", "existence", "location", "destination", "place of action", "time", "past", "future",
        "negation with 안", "negation with 지 않아요", "wanting", "request", "possessive", "relative subject",
        "relative object", "comparison", "counters", "reason", "condition", "coordination with 고",
        "contrast with 지만", "negation with 못", "negation with 아니다", "absence", "price", "shared subject",
        "yes-no question", "wh question", "greeting", "progressive",
    }  # fmt: skip


def test_every_sentence_is_polite() -> None:
    for _, pair in generated():
        assert pair.tgt.rstrip(".?!").endswith(("요", "감사합니다", "죄송합니다")), pair.tgt


def test_the_corpus_is_reproducible_and_its_splits_are_disjoint(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_corpus(tmp_path / name, pair="en-ko", pairs=600, seed=5)
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert len(files) == 9
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    texts = [set((tmp_path / "one" / f"{name}.en").read_text().splitlines()) for name in ("train", "val", "test")]
    assert sum(map(len, texts)) == len(set.union(*texts)) == 660
