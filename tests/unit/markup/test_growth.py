"""Documents made to take long do not."""

from __future__ import annotations

import pytest
from growth import growth
from translators import shuffled, translations, unaligned

from regard.markup.document import parse

FLOODS = [
    "<b>",
    "</b>",
    "<",
    "<b>w ",
    "w </b>",
    "<a b='<a b=\"",
    "<!--",
    "<!-- x",
    "<code>",
    "<code>x<p>",
    "&",
    "&amp;",
    "{{ a",
    "http://a.example/)))))",
    "a@",
    "a.",
    "%5",
    "<br>",
    "x<br>",
    "<script>",
    "x<i></i> ",
    "<b>x</b> <i>y</i> ",
    "<li translate=no>x",
    "<b><i>x</b></i> ",
    "<![CDATA[",
    "<?php",
    "<u>x <i>y</i> ",
    "({x}) ",
    "</",
    "x</b> <i>y ",
]


@pytest.mark.parametrize("format", ["html", "xml"])
@pytest.mark.parametrize("flood", FLOODS)
def test_time_is_linear(flood: str, format: str) -> None:
    def work(text: str) -> None:
        document = parse(text, format)
        document.render(translations(document, unaligned))
        document.render(translations(document, shuffled(1, "s")))

    short, long = (flood * (size // len(flood)) for size in (1_000, 16_000))
    assert growth(work, short, long) < 16 * 6


def test_deep_nesting_is_valid() -> None:
    for depth in (200, 2_000):
        text = "<p>Never " + "<span>" * depth + "say never" + "</span>" * depth + " again</p>"
        document = parse(text, "html")
        for translate in (unaligned, shuffled(2, "s")):
            output = document.render(translations(document, translate))
            assert output.count("<span>") == output.count("</span>") == depth
            assert output.rindex("<span>") < output.index("</span>")
