from __future__ import annotations

from growth import growth

from regard.translation.markup.open_elements import OpenElements


def test_closing_closes_what_is_within() -> None:
    elements = OpenElements[int]()
    for number, name in enumerate("abcab"):
        elements.open(name, number)
    assert elements.innermost(-1) == 4
    assert elements.close("c") == [4, 3, 2]
    assert elements.close("c") == []
    assert elements.close_all() == [1, 0]
    assert elements.innermost(-1) == -1
    assert elements.close("a") == []


def test_end_tags_without_a_partner_cost_no_search() -> None:
    def work(text: str) -> None:
        elements = OpenElements[int]()
        for number in range(len(text)):
            elements.open("a", number)
        for _ in text:
            elements.close("b")

    assert growth(work, "x" * 1_000, "x" * 16_000) < 16 * 6
