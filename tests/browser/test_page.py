"""The attention page in use: it shows the weights of the record and responds to mouse and keyboard.

Through `open_page`, every test also checks that the page reports no error and makes no request.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from pages import OpenPage, PageReader, Scheme
from torch import Tensor

from regard.inspection.html import render, render_iframe
from regard.inspection.ranking import most_and_least
from regard.inspection.record import AttentionRecord
from regard.values import Encoding

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


def same(shown: Tensor, weights: Tensor, atol: float = 5.1e-4) -> None:
    torch.testing.assert_close(shown.float(), weights, atol=atol, rtol=0)


def same_cells(shown: Tensor, weights: Tensor) -> None:
    same(shown, weights, atol=6e-5)


def drawn_tiles(reader: PageReader, page: Page, count: int) -> list[tuple[int, int]]:
    """Waits until `count` head thumbnails are drawn (on scrolling into view; 300 wide before); returns their sizes."""
    sizes = "[...document.querySelectorAll('.tiles canvas')].map(canvas => [canvas.height, canvas.width])"
    settled = reader.settled(page, sizes, lambda sizes: sum(width != 300 for _, width in sizes) == count)
    assert isinstance(settled, list)
    return [(height, width) for height, width in settled]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_and_matrix_are_there(
    open_page: OpenPage, reader: PageReader, day: AttentionRecord, scheme: Scheme
) -> None:
    page = open_page(day, title="How was your day?", color_scheme=scheme)
    assert page.title() == "How was your day?"
    assert reader.texts(page, ".src .word") == [*day.src_words, "</s>"]
    assert reader.texts(page, ".tgt .word") == list(day.tgt_words)
    same_cells(reader.matrix(page), day.words())
    assert page.locator(".links path").count() > 0
    assert not page.locator(".heads, #finder, .model, .fit, .map").filter(visible=True).count()
    [background] = reader.colors(page, "var(--page)")
    assert (sum(background) > 600) == (scheme == "light")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_canvas_is_shaded_by_the_weights(
    open_page: OpenPage, reader: PageReader, day: AttentionRecord, scheme: Scheme
) -> None:
    page = open_page(day, color_scheme=scheme)
    lightness = page.evaluate(
        "(() => { const { plan, matrix } = app.panels[0].matrix, { rows, columns } = app.panels[0].view;"
        "const image = matrix.getContext('2d').getImageData(0, 0, matrix.width, matrix.height).data;"
        "const at = (from, place) => from + (place + 0.3) * plan.cell;"
        "const sum = (t, s) => { const place = 4 * (Math.round(at(plan.top, t)) * matrix.width"
        "+ Math.round(at(plan.left, s))); return image[place] + image[place + 1] + image[place + 2]; };"
        "return Array.from({ length: rows * columns },"
        "(_, place) => sum(Math.floor(place / columns), place % columns)); })()"
    )
    weights = day.words().flatten().tolist()
    ordered = [light for _, light in sorted(zip(weights, lightness, strict=True))]
    assert ordered == sorted(ordered, reverse=scheme == "light")
    assert len(set(ordered)) > 10


def test_hovering_over_a_word_shows_its_attention(
    open_page: OpenPage, reader: PageReader, day: AttentionRecord
) -> None:
    page = open_page(day)
    page.hover(".tgt .word:nth-child(4)")
    same(reader.shares(page, "src"), day.words()[3])
    assert reader.texts(page, ".word.chosen") == [day.tgt_words[3]]
    assert page.text_content(".name") == day.tgt_words[3]
    page.hover(".src .word:nth-child(2)")
    same(reader.shares(page, "tgt"), day.words()[:, 1])
    assert torch.count_nonzero(reader.shares(page, "src")) == 0
    assert page.text_content(".direction") == "Which words attended to this word"
    assert page.locator(".links .chosen").count() == int((day.words()[:, 1] >= 0.02).sum())


def test_the_ranking_is_that_of_the_record(
    open_page: OpenPage, reader: PageReader, transformer: AttentionRecord
) -> None:
    page = open_page(transformer)
    for number, ranking in enumerate(most_and_least(transformer), start=1):
        page.hover(f".tgt .word:nth-child({number})")
        assert reader.texts(page, ".most li span:first-child") == [source.word for source in ranking.most]
        assert reader.texts(page, ".least li span:first-child") == [source.word for source in ranking.least]
        percent = [float(text.rstrip("%")) for text in reader.texts(page, ".most .number")]
        assert percent == pytest.approx([100 * source.weight for source in ranking.most], abs=0.051)


def test_a_click_pins_a_word(open_page: OpenPage, reader: PageReader, day: AttentionRecord) -> None:
    page = open_page(day)
    page.click(".tgt .word:nth-child(2)")
    page.hover(".tgt .word:nth-child(5)")
    page.hover("h1")
    assert reader.texts(page, ".word.chosen") == [day.tgt_words[1]]
    same(reader.shares(page, "src"), day.words()[1])


def test_the_keyboard_reaches_all_words(open_page: OpenPage, reader: PageReader, day: AttentionRecord) -> None:
    page = open_page(day)
    page.locator(".src .word").first.focus()
    page.keyboard.press("ArrowRight")
    assert reader.texts(page, ".word:focus") == [day.src_words[1]]
    same(reader.shares(page, "tgt"), day.words()[:, 1])
    assert page.locator(".src .word").nth(1).get_attribute("tabindex") == "0"
    page.keyboard.press("End")
    assert reader.texts(page, ".word:focus") == ["</s>"]
    page.keyboard.press("ArrowRight")
    assert reader.texts(page, ".word:focus") == ["</s>"]
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    assert reader.texts(page, ".tgt .word:focus") == [day.tgt_words[int(day.words()[:, 0].argmax())]]
    assert page.get_attribute(".word:focus", "aria-selected") == "true"
    assert day.tgt_words[int(day.words()[:, 0].argmax())] in reader.text(page, ".spoken")
    assert page.locator(".src .word[tabindex='0']").count() == page.locator(".tgt .word[tabindex='0']").count() == 1


def test_tab_reaches_every_part(open_page: OpenPage, transformer: AttentionRecord, day: AttentionRecord) -> None:
    page, reached = open_page(transformer, day), []
    for _ in range(14):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):  # once round
            break
        reached.append(
            page.evaluate(
                "document.activeElement.id || document.activeElement.className || document.activeElement.role"
            )
        )
        outline = page.evaluate(
            "getComputedStyle(document.activeElement.closest('.switch label') ?? document.activeElement).outlineStyle"
        )
        assert outline == "solid", reached[-1]
    for part in ("find", "next", "png", "svg", "theme", "matrix", "radio"):
        assert part in reached, (part, reached)
    assert reached.count("word chosen") == 2  # one word per side, which is chosen by moving to it


def test_lists_have_accessible_names(open_page: OpenPage, day: AttentionRecord) -> None:
    page = open_page(beside={"first": [day], "second": [day]})
    for number in (0, 1):
        panel = page.locator(".panel").nth(number)
        for name in ("Source", "Translation"):
            assert panel.get_by_role("listbox", name=name, exact=True).count() == 1, (number, name)
        assert panel.get_by_role("list", name="Highest weights", exact=True).count() == 1
    # The spelling of the ARIA specification; Chromium alone also accepts `labeledby`.
    assert page.locator("[aria-labelledby]").count() == 8


def test_right_to_left(open_page: OpenPage, reader: PageReader) -> None:
    words = ("أختي", "تقرأ", "كتابا")
    text = " ".join(words)
    spans = tuple((text.index(word), text.index(word) + len(word)) for word in words)
    encoding = Encoding(text, (1, 2, 3), words, spans)
    page = open_page(AttentionRecord(encoding, encoding, (torch.full((1, 4, 4), 0.25),)))
    first, second = (reader.box(page.locator(".tgt .word").nth(number)) for number in (0, 1))
    assert first["x"] > second["x"]
    page.locator(".tgt .word").first.focus()
    page.keyboard.press("ArrowLeft")
    assert reader.texts(page, ".word:focus") == [words[1]]


def test_subwords(open_page: OpenPage, reader: PageReader, day: AttentionRecord) -> None:
    page = open_page(day)
    page.check("input[value=subword]", force=True)
    assert reader.texts(page, ".src .word") == list(day.src_labels)
    assert reader.texts(page, ".tgt .word") == list(day.tgt_labels)
    same_cells(reader.matrix(page), day.matrix())
    page.check("input[value=word]", force=True)
    same_cells(reader.matrix(page), day.words())


def test_layers_and_heads(open_page: OpenPage, reader: PageReader, transformer: AttentionRecord) -> None:
    page = open_page(transformer)
    same_cells(reader.matrix(page), transformer.words())
    assert page.locator(".tiles button").count() == 1 + 4 * 5
    page.click(".tiles [aria-label='layer 3, mean of 4 heads']")
    same_cells(reader.matrix(page), transformer.words(2))
    page.click(".tiles [aria-label='layer 4, head 3']")
    same_cells(reader.matrix(page), transformer.words(3, 2))
    assert page.text_content(".caption") == "Layer 4, head 3"
    assert page.locator(".tiles [aria-checked=true]").count() == 1
    page.click(".tiles [aria-label='mean of all layers and heads']")
    same_cells(reader.matrix(page), transformer.words())


def test_heads_by_keyboard(open_page: OpenPage, reader: PageReader, transformer: AttentionRecord) -> None:
    page = open_page(transformer)
    page.focus(".tiles [aria-checked=true]")
    for key in ("ArrowDown", "ArrowRight", "ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    assert page.get_attribute(":focus", "aria-label") == "layer 2, head 2"
    same_cells(reader.matrix(page), transformer.words(1, 1))
    page.focus(".tiles [aria-checked=true]")
    for key in ("ArrowUp", "ArrowUp", "ArrowUp"):
        page.keyboard.press(key)
    assert page.get_attribute(":focus", "aria-label") == "mean of all layers and heads"
    assert page.locator(".tiles button[tabindex='0']").count() == 1


def test_a_tap_pins_a_cell(open_page: OpenPage, reader: PageReader, day: AttentionRecord) -> None:
    page = open_page(day, has_touch=True)
    page.touchscreen.tap(*reader.cell(page, 1, 2))
    assert reader.texts(page, ".tgt .word.chosen") == [day.tgt_words[1]]
    page.touchscreen.tap(5, 5)
    assert reader.texts(page, ".tgt .word.chosen") == [day.tgt_words[1]]


def test_every_head_has_its_own_picture(open_page: OpenPage, reader: PageReader, transformer: AttentionRecord) -> None:
    page = open_page(transformer)
    assert set(drawn_tiles(reader, page, 21)) == {tuple(transformer.words().shape)}
    pictures = page.evaluate("[...document.querySelectorAll('.tiles canvas')].map(canvas => canvas.toDataURL())")
    assert len(set(pictures)) == 21


def test_a_click_on_a_head_works_while_its_thumbnail_is_replaced(
    open_page: OpenPage, reader: PageReader, transformer: AttentionRecord
) -> None:
    page = open_page(transformer)
    drawn_tiles(reader, page, 21)
    place = reader.box(page.locator(".tiles [aria-label='layer 1, head 1']"))
    page.mouse.move(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    page.mouse.down()
    page.evaluate("app.panels[0].heads.tiles.forEach(tile => { tile.drawn = ''; app.panels[0].heads.draw(tile); })")
    page.mouse.up()
    assert page.locator(".caption").inner_text() == "Layer 1, head 1"


def test_heads_are_drawn_when_they_scroll_into_view(
    open_page: OpenPage, reader: PageReader, sixty: AttentionRecord
) -> None:
    page = open_page(sixty, viewport={"width": 600, "height": 500})
    reader.wait_for_frames(page)
    assert {width for _, width in drawn_tiles(reader, page, 0)} == {300}
    page.locator(".tiles").scroll_into_view_if_needed()
    assert [width for _, width in drawn_tiles(reader, page, 1 + 8 * 9)] == [61] * (1 + 8 * 9)


def test_the_pinned_word_is_kept_when_the_head_changes(
    open_page: OpenPage, reader: PageReader, transformer: AttentionRecord
) -> None:
    page = open_page(transformer)
    page.click(".tgt .word:nth-child(2)")
    page.click(".tiles [aria-label='layer 1, head 1']")
    page.hover("h1")
    assert reader.texts(page, ".word.chosen") == [transformer.tgt_words[1]]
    same(reader.shares(page, "src"), transformer.words(0, 0)[1])


def test_one_layer_of_several_heads(open_page: OpenPage, reader: PageReader, two_heads: AttentionRecord) -> None:
    page = open_page(two_heads)
    assert page.text_content(".caption") == "Attention, mean of 2 heads"
    assert page.locator(".tiles button").count() == 3
    page.click(".tiles [aria-label='attention, head 2']")
    same_cells(reader.matrix(page), two_heads.words(0, 1))


def test_cells_show_their_weight(open_page: OpenPage, reader: PageReader, day: AttentionRecord) -> None:
    page = open_page(day)
    page.mouse.move(*reader.cell(page, 3, 1))
    value = f"{100 * float(day.words()[3, 1]):.1f}%"
    assert reader.text(page, ".tip").split() == [day.tgt_words[3], "→", day.src_words[1], value]
    assert reader.texts(page, ".word.chosen") == [day.tgt_words[3]]
    page.focus(".matrix")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    assert reader.text(page, ".tip").split()[:3] == [day.tgt_words[2], "→", day.src_words[2]]
    assert reader.text(page, ".spoken").startswith(f"{day.tgt_words[2]}, {day.src_words[2]}: ")
    page.keyboard.press("Enter")
    page.hover("h1")
    assert not page.locator(".tip").is_visible()
    assert reader.texts(page, ".word.chosen") == [day.tgt_words[2]]


def test_column_labels_respond_to_hovering(open_page: OpenPage, reader: PageReader, day: AttentionRecord) -> None:
    page = open_page(day)
    x, y = reader.cell(page, 0, 2)
    page.mouse.move(x, y - 40)
    assert reader.texts(page, ".word.chosen") == [day.src_words[2]]


def test_switching_between_light_and_dark(
    open_page: OpenPage, reader: PageReader, transformer: AttentionRecord
) -> None:
    page = open_page(transformer)
    drawn_tiles(reader, page, 21)
    picture = "document.querySelector('.tiles canvas').toDataURL()"
    [light], before = reader.colors(page, "var(--page)"), page.evaluate(picture)
    page.click("#theme")
    [dark], after = reader.colors(page, "var(--page)"), reader.settled(page, picture, lambda current: current != before)
    assert sum(dark) < sum(light)
    assert before != after
    page.click("#theme")
    assert reader.colors(page, "var(--page)") == [light]


def luminance(color: list[int]) -> float:
    linear = [value / 255 / 12.92 if value <= 10 else ((value / 255 + 0.055) / 1.055) ** 2.4 for value in color]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: list[int], second: list[int]) -> float:
    low, high = sorted([luminance(first), luminance(second)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_of_text_and_lightness_of_shades(
    open_page: OpenPage, reader: PageReader, day: AttentionRecord, scheme: Scheme
) -> None:
    """WCAG 2, 1.4.3 requires a contrast of 4.5:1. Shades that differ in lightness do not require color vision."""
    page = open_page(day, color_scheme=scheme)
    names = ("ink", "soft", "mark", "card", "page", "low", "chip")
    tones = dict(zip(names, reader.colors(page, *(f"var(--{name})" for name in names)), strict=True))
    pairs = [(text, ground) for text in ("ink", "soft", "mark") for ground in ("card", "page")]
    for text, ground in [*pairs, ("ink", "low"), ("soft", "low"), ("ink", "chip")]:
        assert contrast(tones[text], tones[ground]) >= 4.5, (text, ground)
    steps = [luminance(color) for color in page.evaluate("app.colors.ramp")]
    assert steps == sorted(steps, reverse=scheme == "light")
    assert contrast(page.evaluate("app.colors.ramp")[0], page.evaluate("app.colors.ramp")[-1]) > 7


def test_narrow_screens_draw_only_chosen_links(open_page: OpenPage, day: AttentionRecord) -> None:
    wide, narrow = open_page(day), open_page(day, viewport={"width": 330, "height": 700})
    assert wide.locator(".links .faint").count() > 0
    assert narrow.locator(".links .faint").count() == 0
    assert narrow.locator(".links .chosen").count() > 0


def test_hostile_sentences_are_inert(open_page: OpenPage, reader: PageReader) -> None:
    pieces = (
        "</script><script>alert(1)</script>",
        "</script><img/src=x/onerror=alert(1)>",
        "<!--",
        "&lt;",
        "\u202eback",
        "${1}",
        "\x1b\ufffe",
    )
    text, spans = " ".join(pieces), []
    for piece in pieces:
        spans.append((text.index(piece), text.index(piece) + len(piece)))
    encoding = Encoding(text, tuple(range(7)), pieces, tuple(spans))
    record = AttentionRecord(encoding, encoding, (torch.full((2, 8, 8), 1 / 8),) * 2, ("<b>", "</script>"))
    page = open_page(
        beside={"<i>one</i>": [record, record], "two": [record, record]}, title="<script>alert(2)</script>"
    )
    assert page.text_content("h1") == "<script>alert(2)</script>"
    assert reader.texts(page, ".model") == ["<i>one</i>", "two"]
    for level in ("subword", "word"):
        page.check(f"input[value={level}]", force=True)
        assert reader.texts(page, ".panel:first-child .src .word") == [*pieces, "</s>"]
        for number in range(1, 7):
            page.locator(f".tgt .word:nth-child({number})").first.hover()
        page.mouse.move(*reader.cell(page, 0, 0))
    page.click("#find")
    page.fill("#find", "<img")
    assert page.locator("#found [role=option]").count() == 2
    page.keyboard.press("Escape")
    assert len(list(reader.saved_svg(page))) > 0
    assert page.locator("script").count() == 2
    assert page.locator("img, b").count() == 0
    assert page.locator("i").count() == page.locator(".scale i, .ranking li i").count()


def test_the_policy_blocks_other_scripts(browser: Browser, tmp_path: Path, day: AttentionRecord) -> None:
    (tmp_path / "page.html").write_text(render(day), encoding="ascii")
    page = browser.new_page()  # not `open_page`, because this page reports an error
    page.goto((tmp_path / "page.html").as_uri())
    blocked = page.evaluate(
        "new Promise(resolve => {"
        "addEventListener('securitypolicyviolation', event => resolve(event.violatedDirective));"
        "document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.ran = 1'})); })"
    )
    assert blocked.startswith("script-src")
    assert page.evaluate("window.ran") is None
    page.close()


def test_a_target_without_words(open_page: OpenPage, reader: PageReader, day: AttentionRecord) -> None:
    empty = Encoding("", (), (), ())
    record = AttentionRecord(day.src, empty, (torch.full((1, 1, 6), 1 / 6),))
    page = open_page(record)
    page.hover(".src .word:nth-child(1)")
    page.check("input[value=subword]", force=True)
    assert reader.texts(page, ".tgt .word") == ["</s>"]


def test_an_iframe_in_a_notebook(browser: Browser, reader: PageReader, day: AttentionRecord) -> None:
    page = browser.new_page()
    page.set_content(f"<h1>Notebook</h1>{render_iframe(day, title='How?')}")
    inside = page.frame_locator("iframe")
    inside.locator(".tgt .word").nth(3).hover()
    assert inside.locator(".word.chosen").text_content() == day.tgt_words[3]
    assert reader.box(inside.locator(".matrix"))["width"] > 100
    page.close()
