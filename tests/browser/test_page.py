"""The page of attention as people use it: it shows the record's numbers, and answers mouse and keyboard.

Every test also checks, through `open_page`, that nothing complained and that nothing left the page.
"""

from __future__ import annotations

import pytest
import torch

from regard.inspection.html import frame, render
from regard.inspection.ranking import most_and_least
from regard.inspection.record import AttentionRecord
from regard.values import Encoding


def shown_matrix(page):
    """The weights that the cells are shaded by, in percent, `(T, S)`."""
    cells = page.evaluate(
        "[...document.querySelectorAll('#grid .cell')]"
        ".map(one => [+one.dataset.t, +one.dataset.s, parseFloat(one.style.getPropertyValue('--share'))])"
    )
    size = [1 + max(one[axis] for one in cells) for axis in (0, 1)]
    matrix = torch.zeros(size)
    for t, s, share in cells:
        matrix[t, s] = share
    return matrix


def shares(page, side):
    """What each word of a side is shaded by, in percent."""
    style = "one => parseFloat(one.style.getPropertyValue('--share'))"
    return torch.tensor(page.evaluate(f"[...document.querySelectorAll('#{side} .word')].map({style})"))


def same(shown, weights):
    torch.testing.assert_close(shown.float(), 100 * weights, atol=0.11, rtol=0)


def texts(page, selector):
    return page.eval_on_selector_all(selector, "all => all.map(one => one.textContent)")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_and_matrix_are_there(open_page, day, scheme):
    page = open_page(day, title="How was your day?", color_scheme=scheme)
    assert page.title() == "How was your day?"
    assert texts(page, "#src .word") == [*day.src_words, "</s>"]
    assert texts(page, "#tgt .word") == list(day.tgt_words)
    same(shown_matrix(page), day.words())
    assert page.locator("#links path").count() > 0
    assert not page.locator("#overview").is_visible()  # one head is all there is
    lightness = page.evaluate(
        "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).reduce((a, b) => a + +b, 0)"
    )
    assert (lightness > 600) == (scheme == "light")


def test_pointing_at_a_word_shows_what_it_attended_to(open_page, day):
    page = open_page(day)
    page.hover("#tgt .word:nth-child(4)")
    same(shares(page, "src"), day.words()[3])
    assert texts(page, ".word.chosen") == [day.tgt_words[3]]
    assert page.text_content("#name") == day.tgt_words[3]
    page.hover("#src .word:nth-child(2)")
    same(shares(page, "tgt"), day.words()[:, 1])
    assert torch.count_nonzero(shares(page, "src")) == 0
    assert page.text_content("#direction") == "Which words looked at this one"


def test_the_ranking_is_that_of_the_record(open_page, transformer):
    page = open_page(transformer)
    for number, ranking in enumerate(most_and_least(transformer), start=1):
        page.hover(f"#tgt .word:nth-child({number})")
        assert texts(page, "#most li span:first-child") == [one.word for one in ranking.most]
        assert texts(page, "#least li span:first-child") == [one.word for one in ranking.least]
        percent = [float(one.rstrip("%")) for one in texts(page, "#most .number")]
        assert percent == pytest.approx([100 * one.weight for one in ranking.most], abs=0.11)


def test_a_click_keeps_a_word(open_page, day):
    page = open_page(day)
    page.click("#tgt .word:nth-child(2)")
    page.hover("#tgt .word:nth-child(5)")
    page.hover("h1")
    assert texts(page, ".word.chosen") == [day.tgt_words[1]]
    same(shares(page, "src"), day.words()[1])


def test_the_keyboard_reaches_all_words(open_page, day):
    page = open_page(day)
    page.locator("#src .word").first.focus()
    page.keyboard.press("ArrowRight")
    assert texts(page, ".word:focus") == [day.src_words[1]]
    same(shares(page, "tgt"), day.words()[:, 1])
    assert page.locator("#src .word").nth(1).get_attribute("tabindex") == "0"
    page.keyboard.press("End")
    assert texts(page, ".word:focus") == ["</s>"]
    page.keyboard.press("ArrowRight")
    assert texts(page, ".word:focus") == ["</s>"]
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    assert texts(page, "#tgt .word:focus") == [day.tgt_words[int(day.words()[:, 0].argmax())]]
    assert page.get_attribute(".word:focus", "aria-selected") == "true"
    assert day.tgt_words[int(day.words()[:, 0].argmax())] in page.text_content("#spoken")
    assert page.locator("#src .word[tabindex='0']").count() == page.locator("#tgt .word[tabindex='0']").count() == 1


def test_subwords(open_page, day):
    page = open_page(day)
    page.check("input[value=subword]", force=True)
    assert texts(page, "#src .word") == list(day.src_labels)
    assert texts(page, "#tgt .word") == list(day.tgt_labels)
    same(shown_matrix(page), day.matrix())
    page.check("input[value=word]", force=True)
    same(shown_matrix(page), day.words())


def test_layers_and_heads(open_page, transformer):
    page = open_page(transformer)
    same(shown_matrix(page), transformer.words())
    assert page.is_disabled("#head")
    page.select_option("#layer", index=3)
    same(shown_matrix(page), transformer.words(2))
    page.select_option("#head", index=2)
    same(shown_matrix(page), transformer.words(2, 1))
    page.select_option("#layer", index=0)
    same(shown_matrix(page), transformer.words())
    assert page.locator("#heads button").count() == 16
    page.click("#heads button[aria-label='layer 4, head 3']")
    same(shown_matrix(page), transformer.words(3, 2))
    assert (page.input_value("#layer"), page.input_value("#head")) == ("3", "2")
    assert page.locator("#heads button[aria-pressed=true]").count() == 1


def test_the_kept_word_stays_from_head_to_head(open_page, transformer):
    page = open_page(transformer)
    page.click("#tgt .word:nth-child(2)")
    page.click("#heads button[aria-label='layer 1, head 1']")
    page.hover("h1")
    assert texts(page, ".word.chosen") == [transformer.tgt_words[1]]
    same(shares(page, "src"), transformer.words(0, 0)[1])


def test_one_layer_of_several_heads(open_page, two_heads):
    page = open_page(two_heads)
    assert not page.locator("#layer").is_visible()
    page.select_option("#head", index=2)
    same(shown_matrix(page), two_heads.words(0, 1))
    page.click("#heads button[aria-label='attention, head 1']")
    same(shown_matrix(page), two_heads.words(0, 0))


def test_several_sentences(open_page, day, transformer):
    page = open_page(transformer, day)
    page.select_option("#layer", index=4)
    page.select_option("#head", index=4)
    page.select_option("#sentence", index=1)
    same(shown_matrix(page), day.words())
    assert not page.locator("#layer").is_visible()
    page.select_option("#sentence", index=0)
    assert texts(page, "#tgt .word") == list(transformer.tgt_words)


def test_cells_tell_their_value(open_page, day):
    page = open_page(day)
    page.hover("#grid .cell[data-t='3'][data-s='1']")
    value = f"{100 * float(day.words()[3, 1]):.1f}%"
    assert page.text_content("#tip").split() == [day.tgt_words[3], "→", day.src_words[1], value]
    assert texts(page, ".word.chosen") == [day.tgt_words[3]]
    page.focus("#grid")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    assert page.text_content("#tip").split()[:3] == [day.tgt_words[2], "→", day.src_words[2]]
    page.hover("h1")
    assert not page.locator("#tip").is_visible()


def test_sixty_words_stay_usable(open_page, sixty):
    page = open_page(sixty)
    paint = "performance.getEntriesByName('first-contentful-paint')[0]"
    for _ in range(100):  # wait_for_function would evaluate text, which the page's own policy forbids
        if page.evaluate(f"{paint} !== undefined"):
            break
        page.wait_for_timeout(50)
    painted = page.evaluate(f"{paint}.startTime")
    assert painted < 3000  # milliseconds; about 300 on a free machine
    for width in (1240, 700, 390):
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_timeout(100)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        word = page.locator("#tgt .word:nth-child(60)")
        word.hover()
        assert texts(page, ".word.chosen") == ["mot59"]
    page.check("input[value=subword]", force=True)
    page.locator("#grid .cell").last.hover()
    assert page.text_content("#tip").startswith("</s> → </s>")


def test_narrow_screens_draw_no_tangle(open_page, day):
    wide, narrow = open_page(day), open_page(day, viewport={"width": 330, "height": 700})
    assert wide.locator("#links .faint").count() > 0
    assert narrow.locator("#links .faint").count() == 0
    assert narrow.locator("#links .chosen").count() > 0


def test_hostile_sentences_do_nothing(open_page):
    pieces = (
        "</script><script>alert(1)</script>",
        "<!--",
        "<img/src=x/onerror=alert(1)>",
        "&lt;",
        "\u202eback",
        "${1}",
    )
    text, spans = " ".join(pieces), []
    for piece in pieces:
        spans.append((text.index(piece), text.index(piece) + len(piece)))
    encoding = Encoding(text, tuple(range(6)), pieces, tuple(spans))
    record = AttentionRecord(encoding, encoding, (torch.full((2, 7, 7), 1 / 7),) * 2, ("<b>", "</script>"))
    page = open_page(record, title="<script>alert(2)</script>")
    assert page.text_content("h1") == "<script>alert(2)</script>"
    for level in ("subword", "word"):
        page.check(f"input[value={level}]", force=True)
        assert texts(page, "#src .word") == [*pieces, "</s>"]
        for number in range(1, 7):
            page.hover(f"#tgt .word:nth-child({number})")
        page.hover("#grid .cell[data-t='0'][data-s='0']")
    assert page.locator("script").count() == 2
    assert page.locator("img, b").count() == 0


def test_the_policy_stops_what_was_not_ours(browser, tmp_path, day):
    (tmp_path / "page.html").write_text(render(day), encoding="ascii")
    page = browser.new_page()  # not `open_page`: this one is meant to complain
    page.goto((tmp_path / "page.html").as_uri())
    blocked = page.evaluate(
        "new Promise(tell => { addEventListener('securitypolicyviolation', event => tell(event.violatedDirective));"
        "document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.ran = 1'})); })"
    )
    assert blocked.startswith("script-src")
    assert page.evaluate("window.ran") is None
    page.close()


def test_a_target_without_words(open_page, day):
    empty = Encoding("", (), (), ())
    record = AttentionRecord(day.src, empty, (torch.full((1, 1, 6), 1 / 6),))
    page = open_page(record)
    page.hover("#src .word:nth-child(1)")
    page.check("input[value=subword]", force=True)
    assert texts(page, "#tgt .word") == ["</s>"]


def test_a_frame_in_a_notebook(browser, day):
    page = browser.new_page()
    page.set_content(f"<h1>Notebook</h1>{frame(day, title='How?')}")
    inside = page.frame_locator("iframe")
    inside.locator("#tgt .word").nth(3).hover()
    assert inside.locator(".word.chosen").text_content() == day.tgt_words[3]
    assert inside.locator("#grid .cell").count() == day.words().numel()
    page.close()
