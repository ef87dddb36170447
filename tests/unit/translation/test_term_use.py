"""Terms that translations use, and how often each is met."""

from __future__ import annotations

import pytest

from regard.search.constraints import Term
from regard.translation.glossary import Glossary
from regard.translation.glossary_files import parse_entry
from regard.translation.term_use import MAX_LINES, TermStatistics, count_terms, occurrences, term_uses

GLOSSARY = Glossary(
    parse_entry(*row)
    for row in (
        ("cat", "chat|chats|!minou", "inflect"),
        ("US", "États-Unis", "case"),
        ("Acme", "", "keep"),
        ("", "!zut"),
    )
)


@pytest.mark.parametrize(
    ("term", "text", "expected"),
    [
        (Term(("chat",)), "chat, chats, achat, chat", [(0, 4), (20, 24)]),
        (Term(("chat",)), "Chat", []),
        (Term(("chat", "CHIEN"), ignore_case=True), "Chat chien", [(0, 4), (5, 10)]),
        (Term(("strasse",), ignore_case=True), "Die STRASSE, die Straße.", [(4, 11), (17, 23)]),
        (Term(("hat",), whole_words=False), "chat", [(1, 4)]),
        (Term(("机器",)), "我爱机器学习", [(2, 4)]),
        (Term(("aa",), whole_words=False), "aaa", [(0, 2), (1, 3)]),
        (Term(("C++",)), "C++, C+", [(0, 3)]),
    ],
)
def test_occurrences_are_those_of_the_text(term: Term, text: str, expected: list[tuple[int, int]]) -> None:
    assert list(occurrences(term, text)) == expected


def test_uses_name_source_target_and_whether_they_are_met() -> None:
    uses = term_uses(GLOSSARY, "Cats of Acme in the US", "Les minous et chats d'ACME, zut, minou")
    found = [(use.source, use.targets[0], use.is_forbidden, use.is_met, use.target_spans) for use in uses]
    assert found == [
        ("Cats", "chat", False, True, ((14, 19),)),
        ("Cats", "minou", True, False, ((33, 38),)),
        ("Acme", "Acme", False, False, ()),
        ("US", "États-Unis", False, False, ()),
        ("", "zut", True, False, ((28, 31),)),
    ]
    assert [use.span for use in uses] == [(0, 4), (0, 4), (8, 12), (20, 22), None]
    assert uses[0].to_dict() == {
        "source": "Cats", "span": [0, 4], "targets": ["chat", "chats"], "forbidden": False, "met": True,
        "target_spans": [[14, 19]],
    }  # fmt: skip


def test_statistics_count_sentences_per_term() -> None:
    statistics = count_terms(GLOSSARY, [("a cat", "un chat"), ("Cat", "minou"), ("a dog", "zut"), ("US", "États-Unis")])
    rows = [(row["source"], row["targets"], row["matched"], row["met"], row["unmet"]) for row in statistics.to_dict()]
    assert rows == [
        ("cat", ["chat", "chats"], 2, 1, 1),
        ("cat", ["minou"], 2, 1, 1),
        ("", ["zut"], 1, 0, 1),
        ("US", ["États-Unis"], 1, 1, 0),
    ]
    assert statistics.report() == [
        "terms: 6 matched, 3 met, 3 unmet",
        "term cat -> chat | chats: 2 matched, 1 met, 1 unmet",
        "term cat -> not minou: 2 matched, 1 met, 1 unmet",
        "term any -> not zut: 1 matched, 0 met, 1 unmet",
        "term US -> États-Unis: 1 matched, 1 met, 0 unmet",
    ]


def test_a_long_report_is_cut() -> None:
    statistics = TermStatistics(Glossary(parse_entry(f"w{number}", "x") for number in range(MAX_LINES + 7)))
    statistics.add(" ".join(f"w{number}" for number in range(MAX_LINES + 7)), "x")
    report = statistics.report()
    assert len(report) == MAX_LINES + 2
    assert report[-1] == "... and 7 more terms"
