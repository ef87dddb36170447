"""What the model reads in the place of placeholders, and quantities: both are written as in the source."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from translators import backward, capitals, noisy, shuffled, table, translations, unaligned, unchanged

from regard.translation.markup.document import parse
from regard.translation.markup.markup_options import MarkupOptions
from regard.translation.markup.quantities import find_quantities
from regard.translation.markup.stand_ins import StandIns

OPTIONS = MarkupOptions(stand_ins=StandIns(("Tom", "Mary", "Paris"), ("7", "12")))


def test_the_model_reads_names_and_numbers() -> None:
    document = parse("Hello {name}, you have {count} letters.", "text", OPTIONS)
    (sentence,) = document.sentences
    assert sentence in ("Hello Tom, you have 7 letters.", "Hello Tom, you have 12 letters.")
    number = sentence.split()[4]
    translate = table({sentence: (f"Vous avez {number} lettres, Tom !", "0-4 1-4 2-0 3-1 4-2 5-3")})
    assert document.render(translations(document, translate)) == "Vous avez {count} lettres, {name} !"


@pytest.mark.parametrize(
    ("translation", "links", "expected"),
    [
        ("Voyez Tom demain.", "0-0 1-1 2-2", "Voyez {who} demain."),
        ("Demain, voyez l'Tom.", "0-1 1-2 2-0", "Demain, voyez l'{who}."),
        ("Voyez Thomas demain.", "0-0 1-1 2-2", "Voyez {who} demain."),  # another word took its place
        ("Voyez demain.", "0-0 2-1", "Voyez {who} demain."),  # it is lost
        ("Voyez.", "", "Voyez {who}."),
        ("Tom voyez Tom, Tom.", "0-1 1-2 2-3", "voyez {who}."),  # it is repeated
        ("VOYEZ TOM DEMAIN.", "", "VOYEZ {who} DEMAIN."),
        ("Tomate demain.", "0-0 2-1", "Tomate {who} demain."),
    ],
)
def test_a_placeholder_comes_back_once(translation: str, links: str, expected: str) -> None:
    document = parse("See {who} tomorrow.", "text", MarkupOptions(stand_ins=StandIns(("Tom",))))
    assert document.sentences == ("See Tom tomorrow.",)
    translate = table({document.sentences[0]: (translation, links)})
    assert document.render(translations(document, translate)) == expected


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("{a}: {b}", ()),  # nothing to translate
        ("page%d.html of {a}{b}", ("page .html of",)),  # within a word, and next to each other
        ("%s likes %d", ("likes",)),  # their order counts
        ("%s likes %s", ("Mary likes Mary",)),
        ("Tom, Mary, Paris and {a}", ("Tom, Mary, Paris and",)),  # no name is free
    ],
)
def test_what_has_no_stand_in(text: str, sentences: tuple[str, ...]) -> None:
    document = parse(text, "text", OPTIONS)
    assert [len(found.split()) for found in document.sentences] == [len(found.split()) for found in sentences]
    assert document.render(translations(document, unchanged)) == text
    assert document.render(translations(document, capitals)).lower() == text.lower()


def test_quantities() -> None:
    text = "10 km, 5.5 km/h, 20 °C, 5 GB and 100 m\u00b2; in the 1980s, 5 a day, 5 %, $3.50, version 1.2 kg-free"
    text += ", 3.5 l'eau"
    found = [text[start:end] for start, end in find_quantities(text)]
    assert found == ["10 km", "5.5 km/h", "20 °C", "5 GB", "100 m²", "1.2 kg"]


@pytest.mark.parametrize(
    ("translation", "links", "expected"),
    [
        ("marchez 10 km.", "0-0 1-1 2-2", "marchez 10&nbsp;km."),
        ("marchez dix kilomètres.", "0-0 1-1 2-2", "marchez 10&nbsp;km."),
        ("10,0 km marchez.", "0-2 1-0 2-1", "10&nbsp;km marchez."),
        ("marchez.", "0-0", "marchez 10&nbsp;km."),
    ],
)
def test_a_quantity_comes_back_once(translation: str, links: str, expected: str) -> None:
    document = parse("walk 10&nbsp;km.", "html")
    assert document.sentences == ("walk 10 km.",)
    assert document.render(translations(document, table({"walk 10 km.": (translation, links)}))) == expected


@pytest.mark.parametrize(
    ("translation", "links", "expected"),
    [
        ("jusqu'à 50 % ici.", "2-1 2-2 3-3", "jusqu'à 50%% ici."),
        ("jusqu'à 50% ici.", "2-1 3-2", "jusqu'à 50%% ici."),
        ("ici.", "3-0", "50%% ici."),
    ],
)
def test_a_doubled_percent_sign_after_a_number_is_read_as_one(translation: str, links: str, expected: str) -> None:
    document = parse("up to 50%% here.", "text")
    assert document.sentences == ("up to 50% here.",)
    assert document.render(translations(document, table({document.sentences[0]: (translation, links)}))) == expected


PARTS = st.lists(
    st.sampled_from(
        [
            "{a}",
            "{b}",
            " %s ",
            " %d.",
            "(",
            ")",
            '"',
            "'",
            " ",
            " ",
            " ",
            "Tom",
            "go",
            "so.",
            "10 km",
            "<b>",
            "</b>",
            "#",
            ",",
        ]
    ),
    max_size=14,
).map("".join)


@settings(deadline=None, max_examples=300)
@given(PARTS, st.integers(0, 999), st.sampled_from(["html", "text"]))
def test_nothing_is_lost_or_doubled(text: str, seed: int, format: str) -> None:
    document = parse(text, format, OPTIONS)
    assert document.render(translations(document, unchanged)) == text
    for translate in (capitals, unaligned, backward, shuffled(seed, "z"), noisy(seed)):
        output = document.render(translations(document, translate))
        for part in ("{a}", "{b}", "%s", "%d"):
            assert output.count(part) == text.count(part), (part, output)
