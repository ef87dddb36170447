"""Sentence and clause boundaries by punctuation alone, in many scripts."""

from __future__ import annotations

import pytest
from growth import growth
from hypothesis import given
from hypothesis import strategies as st

from regard.text.normalize import normalize
from regard.text.sentences import BoundaryKind, find_boundaries, sentence_spans, separator, written_without_spaces

MIXED = st.text(st.sampled_from("ab .,!?…;:«»\"'()。！「」，।؟،1３．\u0301 -"), max_size=60).map(normalize)


@pytest.mark.parametrize(
    "text",
    [
        'The U.S. Army came (on Jan. 5).|"Stop!" he said.|He paid $3.50.|And so on...|What?!|No.|No. 5, too.',
        "Mr. and Mrs. Li left.|(She stayed.)|J. R. Brown vs. Dr. Day!",
        "Il dit : « Viens ! »|Puis il part.|Elle reste ; enfin… elle rit.|« Non ! », dit-il.|M. Petit dort.",
        "Am 3. Oktober, z. B. in Bonn, war es so weit.|Danach nicht.",
        "¿Qué?|¡Ven!|Sí.",
        "Привет!|Т.е. он пришёл.|Да?",
        "我来了，他走了！|“你好。”他说。|好吗？|好",
        "「行く。」と彼は言った。|彼は３．５キロ歩いた。|そして、寝た。",
        "나는 간다.|너는 오니?|그래, 가자!|네.",
        "هل أنت هنا؟|نعم، أنا هنا.|شكرا۔",
        "वह आया।|क्या?|हाँ, जी॥",
        "ይህ ነው።|አዎ፣ ነው።",
        "see http://a.b/c?d=e.f,g for v1.2",
        "1. Open the door.|2. Close it.",
        "...",
    ],
)
def test_sentences(text: str) -> None:
    sentences = text.split("|")
    joined = sentences[0]
    for sentence in sentences[1:]:
        joined += ("" if written_without_spaces(joined[-1]) or joined[-1] == "”" else " ") + sentence
    assert [joined[start:end] for start, end in sentence_spans(joined)] == sentences


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("Well, he came; she left: so what", ["Well,", "he came;", "she left:", "so what"]),
        ("one – two - three-four", ["one –", "two -", "three-four"]),
        ("10,000 at 3:45 in a,b", ["10,000 at 3:45 in a,b"]),
        ("我来，他走；好", ["我来，", "他走；", "好"]),
        ("نعم، لا؛ ربما", ["نعم،", "لا؛", "ربما"]),
        ("١،٥", ["١،٥"]),
    ],
)
def test_clauses(text: str, clauses: list[str]) -> None:
    ends = [boundary.position for boundary in find_boundaries(text) if boundary.kind is BoundaryKind.CLAUSE]
    assert [text[start:end].strip() for start, end in zip([0, *ends], [*ends, None], strict=True)] == clauses


@given(MIXED)
def test_boundaries_are_in_order_and_include_every_space(text: str) -> None:
    positions = [boundary.position for boundary in find_boundaries(text)]
    assert positions == sorted(set(positions))
    assert all(0 < position < len(text) for position in positions)
    spaces = {position for position, character in enumerate(text) if character == " "}
    closing = {position for position in spaces if text[position + 1] == "»"}
    assert spaces - closing <= set(positions)
    assert "".join(text[start:end] for start, end in sentence_spans(text)).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize(
    ("left", "right", "between"),
    [
        ("Il dort.", "Elle lit.", " "),
        ("그는 잔다.", "그녀는 읽는다.", " "),
        ("他睡觉。", "她读书。", ""),
        ("“他睡觉。”", "“她读书。”", ""),
        ("寝た。", "OK", ""),
        ("เขาไป", "เธอมา", ""),
        ("", "x", ""),
        ("x", "", ""),
        ('"', '"', " "),
    ],
)
def test_separators(left: str, right: str, between: str) -> None:
    assert separator(left, right) == between


@pytest.mark.parametrize("unit", [".", "x.", ".»", "!? ", ", ", ",-", "- ", "。", "」", "x", "Mr. "])
def test_time_is_linear_in_the_length(unit: str) -> None:
    """Eight times the text takes 8 times as long; a quadratic algorithm would take 64 times as long."""
    short, long = (normalize(unit * (size // len(unit)) + "x") for size in (25_000, 200_000))
    assert sum(1 for _ in find_boundaries(long)) < len(long)
    assert growth(lambda text: list(find_boundaries(text)), short, long) < 24
