"""Which terms of a glossary a sentence contains, and what its translation must and must not contain."""

from __future__ import annotations

import random

import pytest

from regard.errors import DataError
from regard.search.constraints import Term
from regard.translation import glossary as module
from regard.translation.glossary import Glossary, GlossaryEntry, merge_constraints
from regard.translation.glossary_files import parse_entry


def glossary(*rows: tuple[str, str] | tuple[str, str, str]) -> Glossary:
    """A glossary of rows: source, target, flags."""
    return Glossary(parse_entry(*row) for row in rows)


def found(terms: Glossary, sentence: str) -> list[str]:
    """Occurrences in a sentence, each with the first target."""
    return [f"{match.surface}={'|'.join(match.entry.targets)}" for match in terms.find(sentence)]


def test_spans_are_those_of_the_sentence() -> None:
    sentence = "Das Größte ist «straße 3», nicht STRASSE 4."
    matches = glossary(("Straße", "road")).find(sentence)
    assert [sentence[slice(*match.span)] for match in matches] == ["straße"]
    assert Glossary([GlossaryEntry(("straße",), ("road",))]).find("STRASSE 4")[0].span == (0, 7)


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("The cat.", ["cat=chat"]),
        ("CAT", ["CAT=chat"]),
        ("the cat's bowl", ["cat=chat"]),
        ("concatenate cats", []),
        ("l'cat-cat_3", ["cat=chat"]),
        ("cat3", []),
        ("catà", []),
        ("猫cat猫", ["cat=chat"]),
    ],
)
def test_terms_are_whole_words_in_any_case(sentence: str, expected: list[str]) -> None:
    assert found(glossary(("cat", "chat")), sentence) == expected


def test_case_flag_compares_capitals_and_comes_first() -> None:
    terms = glossary(("us", "nous"), ("US", "États-Unis", "case"))
    assert found(terms, "us and US and Us") == ["us=nous", "US=États-Unis"]
    assert found(glossary(("US", "États-Unis", "case")), "us") == []
    include = terms.match("US").include
    assert include == (Term(("États-Unis",), (0, 2), ignore_case=False),)


def test_inflected_words_have_up_to_three_more_letters() -> None:
    terms = glossary(("contract", "contrat", "inflect"))
    for word in ("contract", "contracts", "contracted", "Contracting"):
        assert len(terms.find(f"a {word}.")) == 1, word
    for word in ("contractually", "contrac", "subcontract"):
        assert not terms.find(f"a {word}."), word
    assert not glossary(("contract", "contrat")).find("contracts")


def test_first_and_last_word_of_a_term_are_inflected() -> None:
    terms = glossary(("chemin de fer", "railway", "inflect"), ("attorney general", "procureur", "inflect"))
    assert found(terms, "Les chemins de fer") == ["chemins de fer=railway"]
    assert len(terms.find("two attorneys general and two attorney generals")) == 1  # each entry counts once
    assert not terms.find("chemins des fer")


def test_short_words_have_no_endings_but_hangul_syllables_have() -> None:
    assert not glossary(("go", "aller", "inflect")).find("gone")
    assert found(glossary(("물", "water", "inflect")), "물을 마셔요") == ["물을=water"]


def test_exact_spelling_comes_before_an_inflected_one() -> None:
    terms = glossary(("good", "bon", "inflect"), ("goods", "marchandises"))
    assert found(terms, "goods") == ["goods=marchandises"]
    assert found(terms, "good") == ["good=bon"]


def test_longest_occurrence_wins_wherever_it_begins() -> None:
    terms = glossary(("cat", "chat"), ("cat food", "croquettes"), ("old cat", "vieux chat"), ("dry cat food", "sec"))
    assert found(terms, "cat food") == ["cat food=croquettes"]
    assert found(terms, "old cat food") == ["cat food=croquettes"]
    assert found(terms, "dry cat food and a cat") == ["dry cat food=sec", "cat=chat"]


def test_an_entry_counts_once_per_sentence() -> None:
    assert [match.span for match in glossary(("cat", "chat")).find("cat and cat")] == [(0, 3)]


def test_scripts_without_spaces_need_no_boundaries() -> None:
    terms = glossary(("机器学习", "machine learning"), ("学习", "study"), ("東京", "Tokyo"), ("ภาษา", "language"))
    assert found(terms, "我爱机器学习。学习") == ["机器学习=machine learning", "学习=study"]
    assert found(terms, "東京都とภาษาไทย") == ["東京=Tokyo", "ภาษา=language"]


def test_marks_belong_to_words() -> None:
    terms = glossary(("हिन्द", "x"))
    assert not terms.find("हिन्दी")
    assert terms.find("हिन्द महासागर")


def test_typographic_apostrophes_and_hyphens_are_equal() -> None:
    assert found(glossary(("o'clock", "heures"), ("e-mail", "courriel")), "Six o’clock e‑mail") == [
        "o’clock=heures",
        "e‑mail=courriel",
    ]


def test_terms_with_symbols() -> None:
    terms = glossary(("C++", "C++"), ("C", "do"), (".NET", ".NET"))
    assert found(terms, "C++ or .NET in C.") == ["C++=C++", ".NET=.NET", "C=do"]


def test_kept_terms_are_required_as_they_stand() -> None:
    terms = glossary(("acme", "", "keep"))
    assert terms.match("Acme and ACME").include == (Term(("Acme",), (0, 4)), Term(("ACME",), (9, 13)))


def test_forbidden_translations_of_a_term_and_of_every_sentence() -> None:
    terms = glossary(("cat", "chat|!minou"), ("dog", "clebs", "forbid"), ("", "!merde"))
    assert [term.alternatives for term in terms.match("nothing").exclude] == [("merde",)]
    assert [term.alternatives for term in terms.match("a cat").exclude] == [("merde",), ("minou",)]
    dog = terms.match("a dog")
    assert not dog.include
    assert dog.exclude[1] == Term(("clebs",), (2, 5), ignore_case=True)


def test_entries_of_the_same_term_are_joined() -> None:
    terms = glossary(("cat", "chat"), ("cat", "matou|!minou"))
    assert terms.match("cat") == Glossary([GlossaryEntry(("cat",), ("chat", "matou"), ("minou",))]).match("cat")


def test_of_entries_with_the_same_occurrence_the_first_is_required_and_all_forbid() -> None:
    constraints = glossary(("cat|kitty", "chat"), ("cat", "matou"), ("cat|puss", "!minou")).match("cat")
    assert [term.alternatives for term in constraints.include] == [("chat",)]
    assert [term.alternatives for term in constraints.exclude] == [("minou",)]


def test_match_agrees_with_a_search_of_all_terms_at_all_places() -> None:
    generator = random.Random(3)
    letters = ["a", "b", "ab", "ba", "猫", "é", "A", "-"]
    for _ in range(300):
        sources = {" ".join(generator.choices(letters, k=generator.randint(1, 3))) for _ in range(8)}
        terms = Glossary(GlossaryEntry((source,), ("x",)) for source in sorted(sources))
        sentence = " ".join(generator.choices(letters, k=12))
        places = {match.span for match in terms.find(sentence)}
        units = f" {sentence} "
        expected = set[tuple[int, int]]()
        taken = set[int]()
        options = [
            (-len(source), start, source)
            for source in sources
            for start in range(len(sentence))
            if units[start : start + len(source) + 2].lower() == f" {source.lower()} "
        ]
        seen = set[str]()
        for length, start, source in sorted(options):
            if not taken & set(range(start, start - length)):
                taken |= set(range(start, start - length))
                if source.lower() not in seen:
                    expected.add((start, start - length))
                seen.add(source.lower())
        assert places <= {(start, start - length) for length, start, _ in options}
        assert {sentence[slice(*span)].lower() for span in places} == {
            sentence[slice(*span)].lower() for span in expected
        }


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("cat", ""), "expected a translation of 'cat', found none"),
        (("", "chat"), "expected a source term, found none"),
        (("cat", "chat", "noun"), "expected flags among case, inflect, keep, forbid, found 'noun'"),
        (("cat", "chat", "keep"), "expected no translation of a term with the flag keep"),
        (("cat", "chat|!chat"), "'chat' is both a translation of 'cat' and forbidden"),
        (("c" * 501, "chat"), "sources with 501 characters"),
        (("cat", "|".join(map(str, range(51)))), "targets with 51 alternatives"),
    ],
)
def test_faulty_entries_are_refused(row: tuple[str, str], message: str) -> None:
    with pytest.raises(DataError, match=r"terms\.tsv:3") as caught:
        parse_entry(*row, where="terms.tsv:3")
    assert message in str(caught.value)


def test_contradicting_entries_are_refused() -> None:
    with pytest.raises(DataError, match="'chat' is required as a translation of 'cat' by one entry and forbidden"):
        glossary(("cat", "chat"), ("cat", "!chat"))


def test_too_many_entries_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ENTRIES", 3)
    with pytest.raises(DataError, match="expected at most 3 entries, found more"):
        glossary(*((f"w{number}", "x") for number in range(4)))


def test_signature_identifies_the_entries() -> None:
    first = glossary(("cat", "chat"), ("dog", "chien"))
    assert first.signature == glossary(("cat", "chat"), ("dog", "chien")).signature
    assert len({first.signature, glossary(("cat", "chat")).signature, glossary(("cat", "chat", "case")).signature}) == 3


def test_constraints_are_merged_without_repetitions() -> None:
    terms = glossary(("cat", "chat"), ("", "!merde"))
    constraints = terms.match("cat")
    merged = merge_constraints([constraints, None, constraints, terms.match("x")])
    assert merged == constraints
