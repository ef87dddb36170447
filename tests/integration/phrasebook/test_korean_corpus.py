"""The written English-Korean corpus: its splits, and rules of Korean checked on thousands of sentences."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import unicodedata
from collections import Counter
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from regard_phrasebook.corpus import CorpusReport, write_corpus
from regard_phrasebook.en_ko import words
from regard_phrasebook.en_ko.grammar import EnglishKorean
from regard_phrasebook.engine.grammar import Draft
from regard_phrasebook.engine.phrase import SentencePair
from regard_phrasebook.engine.sampler import Sampler
from regard_phrasebook.engine.splits import SPLITS, split_of, split_of_combination

Row = tuple[str, str, tuple[tuple[int, int], ...]]

KOREAN_NOUNS = {noun.ko for noun in (*words.NOUNS.values(), *words.KIN)} | {"비", "눈", "날씨"}
BEFORE_PARTICLE = KOREAN_NOUNS | {noun.counter for noun in words.NOUNS.values()} | {"씨", "저", "제", "우리"}
NAMED = {f"{hangul} 씨" for _, hangul, _ in words.NAMES} | {"저", "우리"}
SUBJECTS = {name.removesuffix(" 씨") for name in NAMED} | {noun.ko for noun in (*words.PEOPLE, *words.KIN)} | {"사람"}
SUBJECTS |= {"제", "사람들"}
BEFORE_PARTICLE |= {"사람", "사람들", "무엇", "누", "어디", "시", "분"}


def rows(directory: Path, split: str) -> list[Row]:
    texts = [(directory / f"{split}.{end}").read_text("utf-8").splitlines() for end in ("en", "ko", "align")]
    links = [tuple((int(i), int(j)) for i, j in (link.split("-") for link in line.split())) for line in texts[2]]
    return list(zip(texts[0], texts[1], links, strict=True))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> CorpusReport:
    return write_corpus(tmp_path_factory.mktemp("korean"), pair="en-ko", pairs=5000, seed=3)


@pytest.fixture(scope="module")
def everything(written: CorpusReport) -> list[Row]:
    return [row for split in SPLITS for row in rows(written.out, split)]


@cache
def drafts() -> tuple[tuple[Draft, SentencePair], ...]:
    grammar, sampler = EnglishKorean(), Sampler(2)
    made = [grammar.draft(sampler, *((1, 8), (7, 12), (16, 29))[i % 3]) for i in range(4000)]
    return tuple((draft, grammar.spell(draft)) for draft in made if draft is not None)


def plain(text: str) -> list[str]:
    return [word.strip(".,?!") for word in text.split()]


# Splits


def test_no_sentence_of_either_language_is_in_two_splits(written: CorpusReport) -> None:
    assert written.sizes == {"train": 5000, "val": 250, "test": 250}
    for side in (0, 1):
        texts = {split: {row[side] for row in rows(written.out, split)} for split in SPLITS}
        assert texts["train"] & texts["val"] == set()
        assert texts["train"] & texts["test"] == set()
        assert texts["val"] & texts["test"] == set()


def test_english_sentences_are_unique(everything: list[Row]) -> None:
    assert [en for en, count in Counter(en for en, _, _ in everything).items() if count > 1] == []


def test_the_split_of_a_draft_is_that_of_a_combination_in_it() -> None:
    counts = Counter[str | None]()
    for draft, _ in drafts():
        split = split_of(draft.combos, ())
        splits = {split_of_combination(combo) for combo in draft.combos}
        counts[split] += 1
        assert (splits <= {"train"}) == (split == "train")
        if split in ("val", "test"):
            assert split in splits
            assert splits <= {"train", split}
    assert counts["train"] > 2000
    assert min(counts["val"], counts["test"]) > 100


def forms(english: str) -> set[str]:
    """Forms that a word of a combination may have in English text."""
    known = {verb.en: {verb.en, verb.third, verb.past, verb.ing} for verb in (*words.VERBS, words.GO, words.COME)}
    known |= {adjective.en: {adjective.en, adjective.more} for adjective in (*words.ADJECTIVES, *words.STATES)}
    known |= {noun.en: {noun.en, noun.plural} for noun in words.NOUNS.values()}
    known |= {"cost": {"costs"}, "그 사람": {"he", "she"}, "그 사람들": {"they"}, "저": {"I"}, "우리": {"we"}}
    return known.get(english, {english}) - {""}


def holds(text: str, english: str) -> bool:
    return any(re.search(rf"\b{re.escape(form)}\b", text, re.IGNORECASE) for form in forms(english))


def test_every_combination_is_really_in_its_sentence() -> None:
    """Otherwise a held-out sentence might contain nothing that training lacks."""
    for draft, pair in drafts():
        for combo in draft.combos:
            for part in combo.split("+"):
                for word in re.sub(r"^(at|in|be|what|where) ", "", part).split("|"):
                    assert holds(pair.src, word), (combo, pair.src)


def test_every_attributive_adjective_and_every_object_is_a_combination() -> None:
    """Searches for adjacent words: `red bag`, and `eats the apple` with at most a determiner between."""
    adjectives = {adjective.en for adjective in words.ADJECTIVES}
    nouns = {form: noun.en for noun in words.NOUNS.values() for form in (noun.en, noun.plural) if form}
    verbs = {form: verb.en for verb in words.TRANSITIVE for form in forms(verb.en) if " " not in form}
    determiners = {"a", "an", "the", "this", "that", "my", "our", *dict(words.NUMBERS)}
    seen = Counter[str]()
    for draft, pair in drafts():
        text = plain(pair.src)
        for i, word in enumerate(text[:-1]):
            if word in adjectives and text[i + 1] in nouns and not pair.src.split()[i].endswith(","):
                assert f"{word}+{nouns[text[i + 1]]}" in draft.combos, pair.src
                seen["adjective"] += 1
            after = text[i + 1 + (text[i + 1] in determiners) :][:1]
            if word in verbs and after and after[0] in nouns and text[i - 1] != "the":
                assert f"{verbs[word]}+{nouns[after[0]]}" in draft.combos, pair.src
                seen["verb"] += 1
    assert min(seen["adjective"], seen["verb"]) > 500


def test_training_text_never_shows_a_held_out_pair(written: CorpusReport) -> None:
    train = "\n".join(en.lower() for en, _, _ in rows(written.out, "train"))
    held_out = 0
    for adjective in words.ADJECTIVES:
        for noun in words.NOUNS.values():
            if words.suits(adjective, noun) and split_of_combination(f"{adjective.en}+{noun.en}") != "train":
                held_out += 1
                ways = rf"\b({adjective.en} {noun.en}|(the|this|that|my|our) {noun.en} is (not )?{adjective.en})\b"
                assert re.search(ways, train) is None, (adjective.en, noun.en)
    for verb in words.TRANSITIVE:
        for noun in words.NOUNS.values():
            if words.suits(verb, noun) and split_of_combination(f"{verb.en}+{noun.en}") != "train":
                held_out += 1
                ways = "|".join(map(re.escape, forms(verb.en)))
                assert re.search(rf"\b({ways}) (a|an|the|this|that|my|our) {noun.en}\b", train) is None, noun.en
    assert held_out > 40


def test_same_seed_same_bytes_in_any_process(tmp_path: Path) -> None:
    code = "import sys; from regard_phrasebook.corpus import write_corpus as w; "
    code += "w(sys.argv[1], pair='en-ko', pairs=200, seed=int(sys.argv[2]))"
    digests = []
    for name, hashing, seed in (("1", "1", "5"), ("2", "2", "5"), ("3", "1", "6")):
        environment = os.environ | {"PYTHONHASHSEED": hashing}
        subprocess.run([sys.executable, "-c", code, str(tmp_path / name), seed], env=environment, check=True)
        files = sorted((tmp_path / name).iterdir())
        assert len(files) == 9
        digests.append(hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest())
    assert digests[0] == digests[1]
    assert digests[0] != digests[2]


def test_training_contains_all_words(written: CorpusReport) -> None:
    text = " ".join(en for en, _, _ in rows(written.out, "train"))
    verbs = (*words.VERBS, words.GO, words.COME)
    content = [
        *words.NOUNS,
        *(verb.en for verb in verbs),
        *(adjective.en for adjective in (*words.ADJECTIVES, *words.STATES)),
    ]
    assert [word for word in content if not holds(text, word)] == []
    assert len(written.constructions) >= 25
    assert min(written.constructions.values()) >= 5


# Korean


def final(syllable: str) -> str:
    """The final consonant by canonical decomposition, an independent method; empty if there is none."""
    return unicodedata.normalize("NFD", syllable)[2:]


def test_every_particle_suits_the_final_consonant(everything: list[Row]) -> None:
    """은 을 이 after a consonant, 는 를 가 after a vowel, wherever a noun carries them."""
    seen = Counter[str]()
    for _, ko, _ in everything:
        for word in plain(ko):
            if word[:-1] in BEFORE_PARTICLE and word[-1] in "은는을를이가" and word not in KOREAN_NOUNS:
                assert (word[-1] in "은을이") == bool(final(word[-2])), ko
                seen[word[-1]] += 1
    assert set(seen) == set("은는을를이가")
    assert min(seen.values()) > 40


INVARIANT = ("에서", "보다", "에게", "의", "에", "마다")
ATTACHED = ("은", "는", "을", "를", "이", "가", *INVARIANT)


def test_particles_are_attached_to_their_noun(everything: list[Row]) -> None:
    for _, ko, _ in everything:
        assert not set(plain(ko)) & (set(ATTACHED) - {"이"}), ko
        for first, second in zip(plain(ko), plain(ko)[1:], strict=False):
            # 이 as a separate word means `this`, so a noun or an adjective follows it.
            assert first != "이" or second[-1] not in ("요", "고"), ko


def stem_table() -> dict[str, str]:
    """Maps the hand-written polite present and past of every verb and adjective to its dictionary form."""
    lines = """
    먹다 먹어요 먹었어요, 마시다 마셔요 마셨어요, 사다 사요 샀어요, 팔다 팔아요 팔았어요, 읽다 읽어요 읽었어요,
    쓰다 써요 썼어요, 보다 봐요 봤어요, 좋아하다 좋아해요 좋아했어요, 찾다 찾아요 찾았어요, 만들다 만들어요 만들었어요,
    배우다 배워요 배웠어요, 공부하다 공부해요 공부했어요, 가르치다 가르쳐요 가르쳤어요, 듣다 들어요 들었어요,
    그리다 그려요 그렸어요, 돕다 도와요 도왔어요, 만나다 만나요 만났어요, 기다리다 기다려요 기다렸어요,
    고르다 골라요 골랐어요, 자다 자요 잤어요, 일하다 일해요 일했어요, 쉬다 쉬어요 쉬었어요, 춤추다 춤춰요 춤췄어요,
    웃다 웃어요 웃었어요, 울다 울어요 울었어요, 운동하다 운동해요 운동했어요,
    걷다 걸어요 걸었어요, 놀다 놀아요 놀았어요,
    가다 가요 갔어요, 오다 와요 왔어요, 크다 커요 컸어요, 작다 작아요 작았어요, 비싸다 비싸요 비쌌어요,
    싸다 싸요 쌌어요,
    맛있다 맛있어요 맛있었어요, 예쁘다 예뻐요 예뻤어요, 무겁다 무거워요 무거웠어요, 가볍다 가벼워요 가벼웠어요,
    좋다 좋아요 좋았어요, 재미있다 재미있어요 재미있었어요, 어렵다 어려워요 어려웠어요, 쉽다 쉬워요 쉬웠어요,
    조용하다 조용해요 조용했어요, 깨끗하다 깨끗해요 깨끗했어요, 아름답다 아름다워요 아름다웠어요,
    귀엽다 귀여워요 귀여웠어요, 친절하다 친절해요 친절했어요, 똑똑하다 똑똑해요 똑똑했어요, 젊다 젊어요 젊었어요,
    빠르다 빨라요 빨랐어요, 하얗다 하얘요 하얬어요, 빨갛다 빨개요 빨갰어요, 뜨겁다 뜨거워요 뜨거웠어요,
    길다 길어요 길었어요,
    피곤하다 피곤해요 피곤했어요, 바쁘다 바빠요 바빴어요, 행복하다 행복해요 행복했어요, 슬프다 슬퍼요 슬펐어요,
    아프다 아파요 아팠어요, 건강하다 건강해요 건강했어요
    """
    table = {}
    for line in lines.split(","):
        dictionary, present, past = line.split()
        table[present] = table[past] = dictionary
    return table


FINITE = {
    "있어요", "없어요", "않아요", "않았어요", "못해요", "못했어요", "싶어요", "해요", "거예요", "주세요", "도와주세요",
    "아니에요", "원이에요", "안녕하세요", "감사합니다", "죄송합니다", "반가워요", "주무세요",
    "봐요", "축하해요", "오세요",
}  # fmt: skip
ADVISED = {"읽으세요", "쓰세요", "들으세요", "배우세요", "공부하세요", "만나세요"}


def test_every_sentence_ends_in_a_form_of_a_hand_written_table(everything: list[Row]) -> None:
    table, seen = stem_table(), set[str]()
    jobs = {noun.ko for noun in words.JOBS}
    for _, ko, _ in everything:
        last = plain(ko)[-1]
        if last.endswith("에요") and last not in FINITE:
            assert last.removesuffix("이에요") in jobs, ko
            assert final(last.removesuffix("이에요")[-1]), ko
        elif last.endswith("예요") and last not in FINITE:
            assert last.removesuffix("예요") in jobs, ko
            assert not final(last.removesuffix("예요")[-1]), ko
        else:
            assert last in table or last in FINITE | ADVISED, ko
            seen.add(table.get(last, ""))
    assert set(table.values()) - seen == set()


ADNOMINAL = {
    "크": "큰", "작": "작은", "비싸": "비싼", "싸": "싼", "맛있": "맛있는", "예쁘": "예쁜", "무겁": "무거운",
    "가볍": "가벼운", "좋": "좋은", "재미있": "재미있는", "어렵": "어려운", "쉽": "쉬운", "조용하": "조용한",
    "깨끗하": "깨끗한", "아름답": "아름다운", "귀엽": "귀여운", "친절하": "친절한", "똑똑하": "똑똑한", "젊": "젊은",
    "빠르": "빠른", "하얗": "하얀", "빨갛": "빨간", "뜨겁": "뜨거운", "길": "긴",
}  # fmt: skip


def test_adjectives_before_nouns(everything: list[Row]) -> None:
    """The English adjective right before its noun is linked to the adnominal form, which the noun follows."""
    table = {adjective.en: ADNOMINAL[adjective.ko.text] for adjective in words.ADJECTIVES}
    nouns = {form: noun.ko for noun in words.NOUNS.values() for form in (noun.en, noun.plural) if form}
    seen = set[str]()
    for en, ko, links in everything:
        src, tgt = plain(en), plain(ko)
        for i, word in enumerate(src[:-1]):
            if word in table and src[i + 1] in nouns and not en.split()[i].endswith(","):
                (j,) = (j for a, j in links if a == i)
                assert tgt[j] == table[word], ko
                assert tgt[j + 1].startswith(nouns[src[i + 1]]), ko
                seen.add(word)
    assert len(seen) > 20


NATIVE = ("한", "두", "세", "네", "다섯", "여섯", "일곱", "여덟", "아홉", "열", "열한", "열두")
SINO = {"십", "이십", "삼십", "사십", "오십"}
MONEY = {"천", "이천", "삼천", "오천", "육천", "만", "이만"}
COUNTERS = {noun.ko: noun.counter for noun in (*words.ANIMALS, *words.FOOD, *words.BOOKS, *words.THINGS, *words.SONGS)}


def test_numerals_suit_what_they_count(everything: list[Row]) -> None:
    """Native numerals before counters and hours, Sino-Korean before minutes and money; each noun with its counter."""
    seen = Counter[str]()
    for en, ko, _ in everything:
        tgt = plain(ko)
        for i, word in enumerate(tgt[1:], 1):
            unit = re.fullmatch(r"(개|권|통|대|장|마리|곡)[을를]|(시)(?:에)?|(분)에|(원)이에요", word)
            if unit is None:
                continue
            kind = next(group for group in unit.groups() if group)
            if word == "개를" and "dog" in en:
                continue
            numerals = {"분": SINO, "원": MONEY}.get(kind, set(NATIVE))
            assert tgt[i - 1] in numerals, ko
            if kind not in ("시", "분", "원"):
                assert COUNTERS[tgt[i - 2]] == kind, ko
            seen[kind] += 1
    assert set(seen) == {"개", "권", "통", "대", "장", "마리", "곡", "시", "분", "원"}


def test_positions_of_negation(everything: list[Row]) -> None:
    """안 and 못 stand right before a verb, except compounds with 하다 or 추다, which are negated with -지."""
    seen = Counter[str]()
    for en, ko, _ in everything:
        tgt = plain(ko)
        for i, word in enumerate(tgt):
            if word in ("안", "못"):
                assert not re.match(r"(좋아|공부|일|운동|춤)(하|해|했|할|추|춰|췄|출)", tgt[i + 1]), ko
                seen[word] += 1
            if re.match(r"않|못[하해했]", word):
                assert tgt[i - 1].endswith("지"), ko
                seen["지"] += 1
        num_english = len(re.findall(r"\bnot\b|\bcannot\b|\bno\b", en))
        num_korean = sum(bool(re.fullmatch(r"안|못|없어요|아니에요|않.*|못[하해했].*", word)) for word in tgt)
        assert num_english == num_korean, (en, ko)
    assert min(seen["안"], seen["못"], seen["지"]) > 40


def test_time_stands_before_place_and_place_before_object(everything: list[Row]) -> None:
    times = {korean.split()[-1] for pool in words.TIMES.values() for _, korean in pool}
    for en, ko, _ in everything:
        if any(mark in en for mark in (",", " that ", " who ")):
            continue
        tgt = plain(ko)
        when = [i for i, word in enumerate(tgt) if word in times or re.fullmatch(r"시에|분에|.요일(에|마다)", word)]
        where = [i for i, word in enumerate(tgt) if word.endswith("에서")]
        what = [i for i, word in enumerate(tgt) if re.search(r"[을를]$", word) and word != "읽을"]
        order = [positions[0] for positions in (when, where, what) if positions]
        assert order == sorted(order), ko


def test_a_cause_has_no_past_and_the_verb_stands_last(everything: list[Row]) -> None:
    for _, ko, _ in everything:
        assert re.search(r"[았었했]어서", ko) is None, ko
        assert re.search(r"(요|니다)[.?!]$", ko), ko
        assert len(re.findall(r"(요|니다)\b", ko)) == 1 or "안녕" in ko or "씨, " in ko, ko


def test_geunyeo_and_dangsin_are_never_used(everything: list[Row]) -> None:
    for _, ko, _ in everything:
        assert re.search(r"그녀|그들|당신|너[는가를]", ko) is None, ko


# Links


def test_a_pronoun_that_korean_drops_is_linked_to_its_antecedent(everything: list[Row]) -> None:
    """Where English has two subjects and Korean has one, both are linked to it."""
    topics = {"i": "저는", "we": "우리는", "he": "사람은", "she": "사람은", "they": "사람들은"}
    seen = 0
    for en, ko, links in everything:
        match = re.match(r"(?:Because|If) (I|we|he|she|they) (?:am|is|are|was|were) \w+, \1 ", en)
        if match:
            index = plain(ko).index(topics[match[1].lower()])
            assert index <= 1, ko
            assert (1, index) in links, (en, ko)
            assert [j for i, j in links if i == 4] == [index], (en, ko)
            seen += 1
    assert seen > 10


def test_no_subject_is_named_twice_in_a_row(everything: list[Row]) -> None:
    seen = 0
    for en, ko, _ in everything:
        tgt = [f"{word} {after}" if after.startswith("씨") else word for word, after in pairwise([*plain(ko), ""])]
        noun = [word for word in tgt if word[:-1].removesuffix(" 씨") in SUBJECTS and word[-1] in "은는이가"]
        for first, second in pairwise(noun):
            assert first[:-1] != second[:-1] or first[:-1] not in NAMED, ko
        seen += len(re.findall(r", (?:and|but) (?:I|we|he|she|they)\b", en))
    assert seen > 300


def test_links_are_in_range_sorted_and_cover_every_word(everything: list[Row]) -> None:
    for en, ko, links in everything:
        assert list(links) == sorted(set(links)), en
        assert {i for i, _ in links} == set(range(len(en.split()))), en
        assert {j for _, j in links} == set(range(len(ko.split()))), ko


def test_nouns_are_linked_to_their_korean(everything: list[Row]) -> None:
    """Every English noun is linked to an eojeol that begins with its Korean translation."""
    nouns: dict[str, str] = {}
    for noun in words.NOUNS.values():
        nouns |= {form: noun.ko for form in (noun.en, noun.plural) if form}
    seen = set[str]()
    for en, ko, links in everything:
        src, tgt = plain(en.replace("'s", "")), plain(ko)
        for i, word in enumerate(src):
            if word in nouns:
                linked = {tgt[j] for a, j in links if a == i}
                assert any(eojeol.startswith(nouns[word]) for eojeol in linked), (en, ko, word)
                seen.add(nouns[word])
    assert {noun.ko for noun in words.NOUNS.values()} - seen == set()
