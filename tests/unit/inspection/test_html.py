"""The HTML page as text: its data are complete, and nothing in a sentence or title becomes markup."""

from __future__ import annotations

import base64
import hashlib
import html as markup
import json
import re
from html.parser import HTMLParser
from typing import TypedDict

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from records import MakeRecord
from torch import Tensor

from regard.errors import DataError
from regard.inspection.html import render, render_comparison, render_iframe
from regard.inspection.record import AttentionRecord
from regard.values import Encoding


class PageText(TypedDict):
    pieces: list[str]
    words: list[str]
    wordOf: list[int]


class PageLayer(TypedDict):
    name: str
    heads: int
    weights: str


class PageRecord(TypedDict):
    src: PageText
    tgt: PageText
    rows: int
    unit: float
    layers: list[PageLayer]


class PageModel(TypedDict):
    name: str
    records: list[PageRecord]


class Reader(HTMLParser):
    """Collects tags, script contents and the security policy, as a browser would parse them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.scripts: list[str] = []
        self.styles: list[str] = []
        self.comments: list[str] = []
        self.policy = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        attributes = dict(attrs)
        if attributes.get("http-equiv") == "Content-Security-Policy":
            self.policy = attributes["content"] or ""
        if tag in ("script", "style"):
            self.texts = self.scripts if tag == "script" else self.styles
            self.texts.append("")

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] in (["script"], ["style"]) and self.cdata_elem:
            self.texts[-1] += data

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


def data_of(page: str) -> list[PageModel]:
    models: list[PageModel] = json.loads(Reader(page).scripts[0])
    return models


def weights_of(record: PageRecord, layer: PageLayer) -> Tensor:
    """Decodes the weights of a layer like the script of the page, `(H, T, S)`."""
    numbers = torch.frombuffer(bytearray(base64.b64decode(layer["weights"])), dtype=torch.uint8).long().view(-1, 2)
    shape = (layer["heads"], record["rows"], len(record["src"]["pieces"]) + 1)
    return ((numbers[:, 0] + 256 * numbers[:, 1]) * record["unit"]).view(shape)


def test_the_data_are_complete(day: AttentionRecord, korean: AttentionRecord) -> None:
    [model] = data_of(render([day, korean]))
    first, second = model["records"]
    assert first["src"] == {"pieces": list(day.src.pieces), "words": list(day.src_words), "wordOf": [0, 1, 2, 3, 3]}
    assert first["tgt"]["wordOf"] == [0, 1, 1, 2, 3, 3, 4]
    assert [layer["name"] for layer in second["layers"]] == ["layer 1", "layer 2"]
    for layer, expected in zip(second["layers"], korean.layers, strict=True):
        torch.testing.assert_close(weights_of(second, layer), expected, atol=8e-6, rtol=0, check_dtype=False)


def test_weights_above_one_are_preserved(day: AttentionRecord) -> None:
    large = AttentionRecord(day.src, day.tgt, (7 * day.layers[0],))
    [record] = data_of(render(large))[0]["records"]
    decoded = weights_of(record, record["layers"][0])
    torch.testing.assert_close(decoded, large.layers[0], atol=6e-5, rtol=0, check_dtype=False)


def test_a_page_stays_small(make_record: MakeRecord) -> None:
    """Less than three bytes per weight, and a small script."""
    words = " ".join(f"word{number}" for number in range(60))
    assert len(render(make_record(words, words, layers=8, heads=8))) < 750_000


def test_models_side_by_side(day: AttentionRecord, make_record: MakeRecord) -> None:
    other = make_record("How was your day ?", "Comment était ta journée ?", layers=2, heads=3)
    same_sentence = AttentionRecord(
        Encoding(day.src.text, (1,), ("all",), ((0, len(day.src.text)),)), other.tgt, (other.layers[0][:, :, :2],)
    )
    first, second = data_of(render_comparison({"one": day, "two": [same_sentence]}))
    assert (first["name"], second["name"]) == ("one", "two")
    assert second["records"][0]["src"]["pieces"] == ["all"]
    assert second["records"][0]["layers"][0]["heads"] == 3


def test_models_with_different_sentences_are_refused(day: AttentionRecord, korean: AttentionRecord) -> None:
    with pytest.raises(DataError, match="expected 2 sentences for each model, as for 'one', got 1 for 'two'"):
        render_comparison({"one": [day, korean], "two": [day]})
    with pytest.raises(DataError, match=r"sentence 2: 'one' has 'My sister reads a book \.' but 'two' has 'How was"):
        render_comparison({"one": [day, korean], "two": [day, day]})
    with pytest.raises(DataError, match="at least one sentence"):
        render_comparison({})


def test_a_single_record_needs_no_list(day: AttentionRecord) -> None:
    assert render(day, title="T") == render([day], title="T")


def test_hostile_sentences_remain_text(day: AttentionRecord, hostile: AttentionRecord) -> None:
    plain, page = Reader(render(day)), Reader(render([hostile], title="</title><script>{{data}}&amp;\ud800é"))
    assert page.tags == plain.tags
    assert page.comments == plain.comments == []
    assert page.scripts[1] == plain.scripts[1]
    assert not set("<>&") & set(page.scripts[0])  # `</script/` also ends a script, which not every parser knows
    assert json.loads(page.scripts[0])[0]["records"][0]["src"]["pieces"] == list(hostile.src.pieces)
    assert json.loads(page.scripts[0])[0]["records"][0]["layers"][0]["name"] == "</script>"


@settings(max_examples=50, deadline=None)
@given(text=st.text(st.characters(codec=None), min_size=1, max_size=30), title=st.text(max_size=30))
def test_any_text_is_preserved(text: str, title: str) -> None:
    encoding = Encoding(text, (4,), (text,), ((0, len(text)),))
    page = render(AttentionRecord(encoding, encoding, (torch.full((1, 2, 2), 0.5),)), title=title)
    assert page.isascii()
    assert data_of(page)[0]["records"][0]["tgt"]["pieces"] == [text]
    match = re.search("<title>(.*?)</title>", page, re.DOTALL)
    assert match is not None
    assert match[1] == markup.escape(title).encode("ascii", "xmlcharrefreplace").decode()


def test_the_policy_allows_only_the_own_script(day: AttentionRecord) -> None:
    page = Reader(render(day))
    rules = dict(rule.split(" ", 1) for rule in page.policy.split("; "))
    assert rules["default-src"] == "'none'"
    for kind, body in (("script", page.scripts[1]), ("style", page.styles[0])):
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert rules[f"{kind}-src"] == f"'sha256-{digest}'"


def test_the_page_references_no_other_resource(day: AttentionRecord) -> None:
    page = render(day)
    assert set(re.findall(r"https?://[^\s\"']+", page)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"\b(src|href)=|@import|url\(|innerHTML|document\.write|\beval\b", page)


def test_an_iframe_contains_the_page(hostile: AttentionRecord) -> None:
    element = render_iframe(hostile, title='"><script>', height=300)
    reader = Reader(element)
    assert reader.tags == ["iframe"]
    attributes = dict(re.findall(r'(\w+)="([^"]*)"', element))
    assert markup.unescape(attributes["srcdoc"]) == render(hostile, title='"><script>')
    assert attributes["height"] == "300"


def test_at_least_one_record_is_required() -> None:
    with pytest.raises(DataError, match="at least one sentence"):
        render([])
