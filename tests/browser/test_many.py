"""Several sentences, several models, long sentences, and saved pictures."""

from __future__ import annotations

import struct

import pytest
import torch
from pages import OpenPage, PageReader
from records import MakeRecord

from regard.inspection.record import AttentionRecord


@pytest.fixture
def fifty(make_record: MakeRecord) -> list[AttentionRecord]:
    """Fifty numbered sentences with two heads; the last has an accent."""
    return [*(make_record(f"number {i} comes", f"vient le {i}", heads=2, seed=i) for i in range(49)),
            make_record("the school is closed", "l'école est fermée")]  # fmt: skip


def test_sentences_one_by_one(open_page: OpenPage, reader: PageReader, fifty: list[AttentionRecord]) -> None:
    page = open_page(*fifty)
    assert page.text_content("#place") == "1 of 50"
    assert page.is_disabled("#previous")
    page.click("#next")
    page.click("#next")
    assert reader.texts(page, ".tgt .word") == ["vient", "le", "2"]
    torch.testing.assert_close(reader.matrix(page), fifty[2].words(), atol=6e-5, rtol=0)
    page.click("#previous")
    assert (page.text_content("#place"), page.input_value("#find")) == ("2 of 50", "number 1 comes")


def test_sentences_are_found_by_their_words(
    open_page: OpenPage, reader: PageReader, fifty: list[AttentionRecord]
) -> None:
    page = open_page(*fifty)
    page.click("#find")
    assert page.locator("#found [role=option]").count() == 50
    page.fill("#find", "ECOLE")
    assert reader.texts(page, "#found .text span") == ["the school is closed"]
    page.keyboard.press("Enter")
    assert reader.texts(page, ".src .word") == ["the", "school", "is", "closed", "</s>"]
    assert not page.locator("#found").is_visible()
    page.fill("#find", "comes 1")  # contains both, in any order
    assert len(reader.texts(page, "#found .text span")) == 14
    page.keyboard.press("ArrowDown")
    active = page.get_attribute("#find", "aria-activedescendant")
    assert active is not None
    assert page.get_attribute("#find", "aria-expanded") == "true"
    page.keyboard.press("Enter")
    assert page.text_content("#place") == f"{int(active.removeprefix('found-')) + 1} of 50"
    page.fill("#find", "nowhere")
    assert reader.texts(page, "#found li") == ["No sentence contains these words."]
    page.keyboard.press("Escape")
    assert page.input_value("#find") == reader.texts(page, ".src")[0].replace("number", "number ").replace(
        "comes</s>", " comes"
    )
    page.fill("#find", "comes 33")
    page.click("#found [role=option]", button="right")
    assert page.locator("#found").is_visible()
    page.click("#found [role=option]")
    assert reader.texts(page, ".tgt .word") == ["vient", "le", "33"]


def test_touch_scrolls_the_sentence_list_and_selects(
    open_page: OpenPage, reader: PageReader, fifty: list[AttentionRecord]
) -> None:
    page = open_page(*fifty, has_touch=True, viewport={"width": 500, "height": 700})
    page.locator("#find").tap()
    box = reader.box(page.locator("#found"))
    touch = page.context.new_cdp_session(page)
    points = [{"x": box["x"] + 40, "y": box["y"] + box["height"] - 20 - 25 * step} for step in range(8)]
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": points[:1]})
    for point in points[1:]:
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert page.evaluate("document.querySelector('#found').scrollTop") > 50
    assert page.text_content("#place") == "1 of 50"
    page.locator("#found [role=option]").nth(12).tap()
    assert page.text_content("#place") == "13 of 50"
    assert not page.locator("#found").is_visible()


def test_the_chosen_head_is_kept_while_sentences_have_it(
    open_page: OpenPage, reader: PageReader, fifty: list[AttentionRecord]
) -> None:
    page = open_page(*fifty)
    page.click(".tiles [aria-label='attention, head 2']")
    page.click("#next")
    torch.testing.assert_close(reader.matrix(page), fifty[1].words(0, 1), atol=6e-5, rtol=0)
    page.fill("#find", "school")
    page.keyboard.press("Enter")
    torch.testing.assert_close(reader.matrix(page), fifty[49].words(), atol=6e-5, rtol=0)


@pytest.fixture
def beside(
    day: AttentionRecord, transformer: AttentionRecord, make_record: MakeRecord
) -> dict[str, list[AttentionRecord]]:
    """Two models with the same words but other subwords; their translations of the second sentence differ."""
    other = make_record("How was yo|ur day?", "Comment s'est passée ta jour|née ?", layers=2, heads=2)
    return {"first": [day, transformer], "second": [other, make_record("My sister reads a book.", "누나|가 읽|어요|.")]}


def test_two_models_side_by_side(
    open_page: OpenPage, reader: PageReader, beside: dict[str, list[AttentionRecord]], day: AttentionRecord
) -> None:
    page = open_page(beside=beside)
    assert reader.texts(page, ".model") == ["first", "second"]
    left, right = (page.locator(".panel").nth(number) for number in (0, 1))
    assert reader.box(left)["y"] == reader.box(right)["y"]
    left.locator(".src .word").nth(1).hover()
    assert reader.texts(page, ".word.chosen") == ["was", "was"]  # the same word in both
    shown = reader.shares(page, "tgt")
    expected = torch.cat([day.words()[:, 1], beside["second"][0].words()[:, 1]])
    torch.testing.assert_close(shown, expected, atol=5.1e-4, rtol=0)
    right.locator(".tiles [aria-label='layer 2, head 1']").click()
    right.locator(".caption", has_text="Layer 2, head 1").wait_for()  # drawn asynchronously
    assert reader.texts(page, ".caption") == ["Attention", "Layer 2, head 1"]
    page.check("input[value=subword]", force=True)
    left.locator(".src .word").nth(1).hover()
    assert reader.texts(page, ".panel:first-child .word.chosen") == ["▁was"]
    assert reader.texts(page, ".panel:last-child .word.chosen") != ["▁was"]  # the second model has other subwords


def test_words_of_one_model_are_not_highlighted_in_the_other(
    open_page: OpenPage, reader: PageReader, beside: dict[str, list[AttentionRecord]]
) -> None:
    page = open_page(beside=beside)
    page.click("#next")
    chosen = reader.texts(page, ".panel:last-child .word.chosen")
    page.locator(".panel:first-child .tgt .word").first.hover()
    assert reader.texts(page, ".panel:first-child .word.chosen") == ["여동생은"]
    assert reader.texts(page, ".panel:last-child .word.chosen") == chosen


def test_narrow_screens_put_models_below_each_other(
    open_page: OpenPage, reader: PageReader, beside: dict[str, list[AttentionRecord]]
) -> None:
    page = open_page(beside=beside, viewport={"width": 400, "height": 800})
    left, right = (reader.box(page.locator(".panel").nth(number)) for number in (0, 1))
    assert right["y"] >= left["y"] + left["height"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


def test_sixty_words_are_drawn_within_a_second(open_page: OpenPage, reader: PageReader, sixty: AttentionRecord) -> None:
    """Processor time from loading to the first paint, including all work started by loading."""
    page = open_page(sixty)
    chrome = page.context.new_cdp_session(page)
    chrome.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.reload()
    reader.settled(page, "performance.getEntriesByName('first-contentful-paint').length", bool)
    metrics = {metric["name"]: metric["value"] for metric in chrome.send("Performance.getMetrics")["metrics"]}
    assert 0 < metrics["ScriptDuration"] < metrics["TaskDuration"] < 1


@pytest.mark.parametrize("width", [1240, 700, 390])
def test_sixty_words_stay_usable(open_page: OpenPage, reader: PageReader, sixty: AttentionRecord, width: int) -> None:
    page = open_page(sixty, viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    word = page.locator(".tgt .word:nth-child(60)")
    word.hover()
    assert reader.texts(page, ".word.chosen") == ["mot59"]
    strongest = int(sixty.words()[59].argmax())
    box = reader.box(page.locator(".src .word").nth(strongest))
    frame = reader.box(page.locator(".src"))
    assert frame["y"] <= box["y"] < frame["y"] + frame["height"]  # scrolled into view
    page.check("input[value=subword]", force=True)
    page.locator(".tgt .word").first.focus()
    page.keyboard.press("End")
    page.focus(".matrix")
    for _ in range(61):
        page.keyboard.press("ArrowRight")
    assert reader.text(page, ".tip").startswith("</s> → </s>")
    tip, scroller = reader.box(page.locator(".tip")), reader.box(page.locator(".scroller"))
    assert scroller["x"] - 60 < tip["x"] < scroller["x"] + scroller["width"]


def test_scrolling_beneath_a_resting_pointer_is_not_hovering(
    open_page: OpenPage, reader: PageReader, sixty: AttentionRecord
) -> None:
    page = open_page(sixty)
    page.hover(".tgt .word:nth-child(3)")
    page.locator(".tgt .word").nth(9).evaluate(  # as browsers do after scrolling
        "word => word.dispatchEvent(new MouseEvent('mouseover',"
        "{ bubbles: true, screenX: pointer.x, screenY: pointer.y }))"
    )
    assert reader.texts(page, ".word.chosen") == ["mot2"]
    page.hover(".tgt .word:nth-child(10)")
    assert reader.texts(page, ".word.chosen") == ["mot9"]


def test_a_long_matrix_scrolls_or_fits(open_page: OpenPage, reader: PageReader, sixty: AttentionRecord) -> None:
    page = open_page(sixty)
    assert page.locator(".map").is_visible()
    size = (
        "(node => [node.scrollWidth > node.clientWidth, node.scrollHeight > node.clientHeight])"
        "(document.querySelector('.scroller'))"
    )
    assert page.evaluate(size) == [True, True]
    page.locator(".scroller").evaluate("node => node.scrollTo(0, 0)")
    page.locator(".map").click(position={"x": 100, "y": 100})
    assert page.evaluate("app.panels[0].matrix.offset.x > 200 && app.panels[0].matrix.offset.y > 200")
    page.click(".fit")
    assert page.evaluate(size) == [False, False]
    assert not page.locator(".map").is_visible()
    page.locator(".below").scroll_into_view_if_needed()
    page.mouse.move(*reader.cell(page, 59, 59))
    assert reader.text(page, ".tip").startswith("mot59 → word59")
    page.click(".fit")
    assert page.locator(".map").is_visible()


def test_the_saved_png_shows_the_matrix(open_page: OpenPage, day: AttentionRecord) -> None:
    page = open_page(day, title="Was it a good day?")
    with page.expect_download() as download:
        page.click("#png")
    assert download.value.suggested_filename == "was-it-a-good-day.png"
    data = download.value.path().read_bytes()
    assert data.startswith(b"\x89PNG\r\n")
    width, height = struct.unpack(">II", data[16:24])
    assert width > 3 * 200
    assert height > 3 * 200


def test_the_saved_svg_is_complete(
    open_page: OpenPage, reader: PageReader, sixty: AttentionRecord, beside: dict[str, list[AttentionRecord]]
) -> None:
    picture = reader.saved_svg(open_page(sixty))
    assert len(reader.drawn(picture, "title")) == 60 * 61
    texts = reader.drawn(picture, "text")
    assert "mean of all layers and heads" in texts
    assert {"mot0", "mot59", "word0", "word59"} <= set(texts)
    both = reader.saved_svg(open_page(beside=beside))
    assert {"first", "second", "journée"} <= set(reader.drawn(both, "text"))


def test_characters_that_xml_forbids_are_replaced(
    open_page: OpenPage, reader: PageReader, make_record: MakeRecord
) -> None:
    odd = make_record("bell\x07 \ufffe", "salut")
    [title, *_] = reader.drawn(reader.saved_svg(open_page(odd)), "title")
    assert title.startswith("salut → bell\ufffd ")


def test_print_draws_all_heads(open_page: OpenPage, sixty: AttentionRecord) -> None:
    page = open_page(sixty, viewport={"width": 600, "height": 500})
    page.pdf()
    drawn = "[...document.querySelectorAll('.tiles canvas')].filter(canvas => canvas.width === 61).length"
    assert page.evaluate(drawn) == 1 + 8 * 9


def test_a_zero_matrix_is_drawn(open_page: OpenPage, reader: PageReader, day: AttentionRecord) -> None:
    blank = AttentionRecord(day.src, day.tgt, (torch.zeros_like(day.layers[0]),))
    page = open_page(blank)
    page.hover(".tgt .word:nth-child(1)")
    assert page.locator(".links path").count() == 0
    assert torch.count_nonzero(reader.matrix(page)) == 0
