"""The written English-French corpus: files, splits, lengths, links, and independent checks of the French."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from regard.errors import DataError
from regard_phrasebook.corpus import CorpusReport, write_corpus
from regard_phrasebook.en_fr import french_spelling
from regard_phrasebook.en_fr import noun_phrases as nps
from regard_phrasebook.en_fr.adjectives import ADJECTIVES, MOODS
from regard_phrasebook.en_fr.clauses import TENSES, Manner, Predicate, statement
from regard_phrasebook.en_fr.context import Addressee, Context
from regard_phrasebook.en_fr.french_verbs import conjugate
from regard_phrasebook.en_fr.grammar import EnglishFrench
from regard_phrasebook.en_fr.nouns import NOUNS
from regard_phrasebook.en_fr.relatives import here_is
from regard_phrasebook.en_fr.verbs import FEELING, ORDINARY, TRANSITIVE
from regard_phrasebook.engine.phrase import Piece
from regard_phrasebook.engine.sampler import Sampler
from regard_phrasebook.engine.splits import SPLITS, split_of, split_of_combination

Row = tuple[str, str, tuple[tuple[int, int], ...]]


def rows(directory: Path, split: str) -> list[Row]:
    texts = [(directory / f"{split}.{end}").read_text("utf-8").splitlines() for end in ("en", "fr", "align")]
    parsed = [tuple((int(i), int(j)) for i, j in (link.split("-") for link in line.split())) for line in texts[2]]
    return list(zip(texts[0], texts[1], parsed, strict=True))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> CorpusReport:
    return write_corpus(tmp_path_factory.mktemp("corpus"), pairs=4000, seed=3)


@pytest.fixture(scope="module")
def everything(written: CorpusReport) -> list[Row]:
    return [row for split in SPLITS for row in rows(written.out, split)]


def test_sizes(written: CorpusReport) -> None:
    assert written.sizes == {"train": 4000, "val": 200, "test": 200}
    assert {split: len(rows(written.out, split)) for split in SPLITS} == written.sizes


def test_sentences_are_unique(everything: list[Row]) -> None:
    assert [en for en, count in Counter(en for en, _, _ in everything).items() if count > 1] == []


def test_most_lengths_are_short_with_a_long_tail(written: CorpusReport) -> None:
    lengths = [len(en.split()) for en, _, _ in rows(written.out, "train")]
    assert sum(3 <= length <= 15 for length in lengths) / len(lengths) > 0.75
    assert sum(length >= 30 for length in lengths) / len(lengths) > 0.045
    assert max(lengths) <= 60
    held_out = [len(en.split()) for en, _, _ in rows(written.out, "test")]
    assert abs(sum(held_out) / len(held_out) - sum(lengths) / len(lengths)) < 3


def test_every_construction_is_used(written: CorpusReport) -> None:
    assert len(written.constructions) >= 60
    assert min(written.constructions.values()) >= 2


def test_the_showcase_is_in_training(written: CorpusReport) -> None:
    shown = [row for row in rows(written.out, "train") if row[0] == "How was your day?"]
    links = ((0, 0), (1, 1), (1, 2), (2, 3), (3, 4), (3, 5))
    assert shown == [("How was your day?", "Comment s'est passée ta journée ?", links)]
    beginnings = [" ".join(row[0].split()[:4]).strip("?,") for row in rows(written.out, "train")]
    assert beginnings.count("How was your day") >= 10
    assert sum(beginning.startswith("How was your") for beginning in beginnings) >= 40


# Links


def test_links_are_in_range_and_sorted(everything: list[Row]) -> None:
    for en, fr, links in everything:
        assert list(links) == sorted(set(links))
        assert all(i < len(en.split()) and j < len(fr.split()) for i, j in links), en


UNALIGNED_ENGLISH = {"do", "does", "did"}
"""English function words that may be unaligned."""
UNALIGNED_FRENCH = {"le", "la", "les"}
"""French words that may be unaligned: the article of `j'aime le café`."""


def test_every_content_word_is_linked(everything: list[Row]) -> None:
    for en, fr, links in everything:
        left = {word.lower().strip(",.?!") for i, word in enumerate(en.split()) if i not in {i for i, _ in links}}
        right = {word.lower().strip(",.") for j, word in enumerate(fr.split()) if j not in {j for _, j in links}}
        assert left <= UNALIGNED_ENGLISH, (en, fr, left)
        assert right <= UNALIGNED_FRENCH, (en, fr, right)


def test_final_marks_are_linked(everything: list[Row]) -> None:
    for en, fr, links in everything:
        assert (len(en.split()) - 1, len(fr.split()) - 1) in links


def test_known_words_are_linked_to_their_translation(everything: list[Row]) -> None:
    known = {"hotel": "hôtel", "school": "école", "Tuesday": "mardi", "London": "Londres", "piano": "piano"}
    seen = Counter[str]()
    for en, fr, links in everything:
        target = fr.split()
        for i, word in enumerate(en.split()):
            if word in known:
                assert any(known[word] in target[j] for a, j in links if a == i), (en, fr)
                seen[word] += 1
    assert set(seen) == set(known)


# French, checked by independent rules and tables

MUTE_H = "homme|hôtel|hôpital|heure|histoire|hiver|horloge|honnête"
NOT_ELIDED = re.compile(
    rf"\b(je|me|te|se|le|la|de|ne|que) (?!onze|huit|haut)([aeiouyâàéèêîôûœ]|{MUTE_H})", re.IGNORECASE
)
NOT_CONTRACTED = re.compile(r"\b(de|à) les? (?!\w+(er|ir|re)\b)", re.IGNORECASE)
WRONG_FORMS = re.compile(
    r"\bsi ils?\b|\b(ma|ta|sa|ce) ([aeiouéèêîôœ]|h[ôoi])|\bun beau [aeiou]|\bvieux (homme|hôtel)\b", re.I
)


def test_elision_and_contraction(everything: list[Row]) -> None:
    for _, fr, _ in everything:
        for rule in (NOT_ELIDED, NOT_CONTRACTED, WRONG_FORMS):
            assert rule.search(fr) is None, fr


def test_typography(everything: list[Row]) -> None:
    for en, fr, _ in everything:
        assert re.search(r"[^ ][?!]|[^ ]  | [.,]|  |^ | $|[+·<>/]", fr) is None, fr
        assert re.search(r" [?!.,]|  |^ | $|[+·<>/]", en) is None, en
        assert en[-1] in ".?!"
        assert fr[-1] == en[-1]
        assert en[0].isupper()
        assert fr[0].isupper()


DETERMINERS = {
    "le": "ms", "un": "ms", "ce": "ms", "cet": "ms", "au": "ms", "du": "ms", "quel": "ms",
    "la": "fs", "une": "fs", "cette": "fs", "ma": "fs", "ta": "fs", "sa": "fs", "quelle": "fs",
    "mon": "?s", "ton": "?s", "son": "?s", "notre": "?s", "votre": "?s", "leur": "?s",
    "les": "?p", "des": "?p", "ces": "?p", "aux": "?p", "mes": "?p", "tes": "?p", "ses": "?p", "nos": "?p", "vos": "?p",
    "leurs": "?p", "plusieurs": "?p", "quelques": "?p", "deux": "?p", "trois": "?p", "quels": "mp", "quelles": "fp",
}  # fmt: skip
ALSO_VERBS = {"porte", "montre", "visite", "voyage", "avion"}
"""Nouns that are also verb forms: `il la porte`, `nous avions`."""


def forms() -> dict[str, tuple[str, str]]:
    """Gender and number of every one-word French noun whose form shows its number."""
    table: dict[str, tuple[str, str]] = {}
    for noun in (noun for kind in NOUNS.values() for noun in kind):
        if noun.fr != noun.fr_plural and " " not in noun.fr and noun.fr not in ALSO_VERBS:
            table[noun.fr] = (noun.gender, "s")
            table[noun.fr_plural] = (noun.gender, "p")
    return table


NOUN_FORMS = forms()
FEMININE = {adjective.feminine: adjective for adjective in (*ADJECTIVES, *MOODS)}


def adjective_forms() -> dict[str, set[tuple[str, str]]]:
    """All forms of every adjective, with the gender and number of each."""
    table: dict[str, set[tuple[str, str]]] = {}
    for adjective in (*ADJECTIVES, *MOODS):
        plural = adjective.feminine + "s"
        for form, agreement in (
            (adjective.masculine, ("m", "s")), (adjective.vowel, ("m", "s")), (adjective.feminine, ("f", "s")),
            (adjective.masculine_plural, ("m", "p")), (plural, ("f", "p")),
        ):  # fmt: skip
            table.setdefault(form, set()).add(agreement)
    for verb in ("prête", "prêtes"):
        del table[verb]  # of prêter: `il prête sa lampe à Julie`
    return table


ADJECTIVE_FORMS = adjective_forms()


def words_of(fr: str) -> list[str]:
    return [word.lower() for word in re.findall(r"[\w-]+'?|[,.?!]", fr)]


def test_determiners_agree(everything: list[Row]) -> None:
    checked = 0
    for _, fr, _ in everything:
        words = words_of(fr)
        for determiner, noun in pairwise(words):
            if determiner in DETERMINERS and noun in NOUN_FORMS:
                gender, number = list(DETERMINERS[determiner])
                assert NOUN_FORMS[noun][1] == number, fr
                assert gender in ("?", NOUN_FORMS[noun][0]), fr
                checked += 1
    assert checked > 3000


def test_adjectives_agree(everything: list[Row]) -> None:
    checked = 0
    for _, fr, _ in everything:
        words = words_of(fr)
        for first, second in pairwise(words):
            for noun, adjective in ((first, second), (second, first)):
                # Languages and nationalities have the same form, and so do a few adjectives and nouns.
                if noun in NOUN_FORMS and adjective in ADJECTIVE_FORMS and adjective not in NOUN_FORMS:
                    if noun is second and adjective not in BEFORE:
                        continue
                    assert NOUN_FORMS[noun] in ADJECTIVE_FORMS[adjective], fr
                    checked += 1
    assert checked > 400


BEFORE = {
    form
    for adjective in ADJECTIVES
    if adjective.before
    for form in (adjective.masculine, adjective.vowel, adjective.feminine)
}


PRONOUNS = {"je": ("m", "s"), "tu": ("m", "s"), "il": ("m", "s"), "elle": ("f", "s"), "ils": ("m", "p")}
MOVING = {"allé", "parti", "arrivé", "revenu", "rentré", "sorti", "tombé", "né"}


def test_participles_with_etre_agree(everything: list[Row]) -> None:
    checked = 0
    for _, fr, _ in everything:
        matches = re.findall(r"\b(elle|ils) (?:ne |n'|s'|se )*(?:est|sont) (?:pas |jamais |déjà )?(\w+)", fr.lower())
        for pronoun, participle in matches:
            stem = participle.removesuffix("s").removesuffix("e")
            if stem in MOVING:
                assert participle == stem + {"elle": "e", "ils": "s"}[pronoun], fr
                checked += 1
    assert checked > 5


ENDINGS = {"ms": r"(?<!e)(?<!es)$", "mp": r"(?<!e)s$", "fs": r"e$", "fp": r"es$"}


def test_participles_with_avoir_agree_with_preceding_objects() -> None:
    pattern = re.compile(
        r"voici (?:le |la |les |l')(\S+) (?:que|qu'\S+) (?!.* (?:que|et) ).*\b(?:ai|as|a|avons|avez|ont) (\w+)$"
    )
    context, checked = Context(Sampler(4), Addressee()), Counter[str]()
    for _ in range(600):
        tokens = here_is(context).phrase.tgt
        text = " ".join(piece.text for piece in french_spelling.spell([Piece(token, (0,)) for token in tokens]))
        match = pattern.search(text.lower())
        if match and match[1] in NOUN_FORMS:
            agreement = "".join(NOUN_FORMS[match[1]])
            assert re.search(ENDINGS[agreement], match[2]), text
            checked[agreement] += 1
    assert min(checked[agreement] for agreement in ("ms", "mp", "fs", "fp")) > 2


def test_each_english_clause_has_one_french_translation() -> None:
    """For every verb, person, tense and negation: `I read`, for example, may not be both present and past."""
    persons = (nps.I, nps.HE, nps.THEY)
    known: dict[str, str] = {}
    for verb in (*TRANSITIVE, *FEELING, *ORDINARY):
        for person in persons:
            for tense in TENSES:
                for negation in ("", "never"):
                    phrase = statement(person.nominal(), Predicate(verb), Manner(tense, negation))
                    if tense == "perfect" or (verb.stative and tense == "progressive"):
                        continue
                    english, french = " ".join(phrase.src), " ".join(phrase.tgt)
                    assert known.setdefault(english, french) == french, english


def verbs_in_present() -> Iterator[tuple[str, tuple[str, ...]]]:
    for verb in (*TRANSITIVE, *FEELING, *ORDINARY):
        yield verb.fr, conjugate(verb.fr).present


def test_pronouns_and_verbs_agree(everything: list[Row]) -> None:
    index = {"je": 0, "tu": 1, "il": 2, "elle": 2, "nous": 3, "vous": 4, "ils": 5}
    owners: dict[str, set[int]] = {}
    for _, present in verbs_in_present():
        for person, form in enumerate(present):
            owners.setdefault(form, set()).add(person)
    checked = 0
    for _, fr, _ in everything:
        words = words_of(fr)
        for pronoun, verb in pairwise(words):
            if pronoun in ("je", "tu", "il", "elle", "ils") and verb in owners:
                assert index[pronoun] in owners[verb], fr
                checked += 1
    assert checked > 120


# English


def test_english_articles_and_persons(everything: list[Row]) -> None:
    wrong = re.compile(
        r"\ba [aeio](?!ne\b)|\ban [^aeiouh]|^(he|she) (do|have|are|were|don't)\b|^(we|they|you) (is|was|does|has)\b|"
        r"^I (is|are|has|does)\b",
        re.IGNORECASE,
    )
    for en, _, _ in everything:
        assert wrong.search(en) is None, en


# Determinism and uniqueness


def test_each_english_sentence_has_one_translation(tmp_path: Path, everything: list[Row]) -> None:
    known = {en: (fr, links) for en, fr, links in everything}
    num_common = 0
    for seed in (11, 12):
        report = write_corpus(tmp_path / str(seed), pairs=1500, seed=seed, max_length=5)
        for en, fr, links in rows(report.out, "train"):
            num_common += en in known
            assert known.setdefault(en, (fr, links)) == (fr, links), en
    assert num_common > 30


def digest(directory: Path) -> str:
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(directory.iterdir()))).hexdigest()


def test_same_seed_same_bytes_in_any_process(tmp_path: Path) -> None:
    code = "import sys; from regard_phrasebook.corpus import write_corpus as w; w(sys.argv[1], pairs=150, seed=5)"
    for name in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": name}
        subprocess.run([sys.executable, "-c", code, str(tmp_path / name)], env=environment, check=True)
    write_corpus(tmp_path / "other", pairs=150, seed=6)
    assert digest(tmp_path / "1") == digest(tmp_path / "2")
    assert digest(tmp_path / "1") != digest(tmp_path / "other")


@pytest.mark.parametrize(("low", "high", "pairs"), [(1, 3, 60), (4, 4, 100), (20, 24, 60), (45, 60, 60)])
def test_lengths_are_respected(tmp_path: Path, low: int, high: int, pairs: int) -> None:
    report = write_corpus(tmp_path, pairs=pairs, min_length=low, max_length=high)
    lengths = {len(en.split()) for split in SPLITS for en, _, _ in rows(report.out, split)}
    assert lengths <= set(range(low, high + 1))


# Splits


def test_held_out_sentences_contain_unseen_combinations() -> None:
    grammar, sampler = EnglishFrench(), Sampler(2)
    counts = Counter[str | None]()
    for _ in range(2000):
        draft = grammar.draft(sampler, 4, 14)
        if draft is None:
            continue
        split = split_of(draft.combos, grammar.pinned)
        counts[split] += 1
        splits = {split_of_combination(combo) for combo in draft.combos if combo not in grammar.pinned}
        assert (splits <= {"train"}) == (split == "train")
        if split in ("val", "test"):
            assert split in splits
            assert splits <= {"train", split}
    assert counts["train"] > 1200
    assert min(counts["val"], counts["test"]) > 50


def test_training_contains_all_of_many_words(written: CorpusReport) -> None:
    nouns = [noun for kind in NOUNS.values() for noun in kind]
    adjectives = (*ADJECTIVES, *MOODS)
    verbs = (*TRANSITIVE, *FEELING, *ORDINARY)
    english = {noun.en for noun in nouns} | {adjective.en for adjective in adjectives} | {verb.en for verb in verbs}
    assert len(english) >= 400
    french = (
        {noun.fr for noun in nouns} | {verb.fr for verb in verbs} | {adjective.masculine for adjective in adjectives}
    )
    assert len(french) >= 400
    text = " ".join(en for en, _, _ in rows(written.out, "train")).lower()
    words = Counter(re.findall(r"[\w-]+", text))
    counts = {noun.en: words[noun.en.lower().split()[-1]] + words[noun.en_plural.lower().split()[-1]] for noun in nouns}
    counts |= {adjective.en: words[adjective.en.lower()] for adjective in adjectives}
    assert {word: count for word, count in counts.items() if count < 2} == {}


# Invalid arguments


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"pair": "en-de"}, "expected one of the language pairs en-fr, en-ko, got 'en-de'"),
        ({"pairs": 0}, "got pairs=0"),
        ({"min_length": 0}, "got min_length=0 and max_length=60"),
        ({"min_length": 9, "max_length": 8}, "got min_length=9 and max_length=8"),
        ({"max_length": 61}, "got min_length=1 and max_length=61"),
        ({"pairs": 5000, "max_length": 1}, "the grammar generates fewer than 5000 pairs of 1 to 1 words"),
    ],
)
def test_invalid_arguments(tmp_path: Path, arguments: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=re.escape(message)):
        write_corpus(tmp_path / "out", **arguments)  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()
