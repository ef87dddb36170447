"""The page of the service in use, against a stand-in server that answers with stored models.

Through `open_service`, every test also checks that the page reports no error, breaks no content security policy, and
asks no other server. Failures that the stand-in has to answer with are reported by the browser, and expected.
"""

from __future__ import annotations

import json
import re
import threading
from typing import TYPE_CHECKING

import pytest
from pages import PageReader
from service_pages import OpenService, upload
from stand_in import Failure, Request, Script, Translators

from regard.inspection.record import AttentionRecord
from regard.translation.glossary import Glossary, GlossaryEntry

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page
    from playwright.sync_api import Request as BrowserRequest

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright, which `.[dev]` installs")
expect = playwright.expect

CAT = "The cat sees a dog."
BOTH = "The cat sees a dog. Anna likes this small house."


TYPE = """text => {
    const source = document.querySelector('#source');
    for (let end = 1; end <= text.length; end++) {
        source.value = text.slice(0, end);
        source.dispatchEvent(new Event('input', { bubbles: true }));
    }
}"""
"""Types a text at once, so that a slow machine makes no pause between two letters."""


def asked(script: Script, path: str) -> list[Request]:
    return [request for requested, request in script.requests if requested == path]


def translated(page: Page, text: str = CAT) -> None:
    page.fill("#source", text)
    expect(page.locator("#translation .run").first).to_be_visible()
    expect(page.locator("#attention .src .word").first).to_be_visible()


def expected_text(translators: Translators, text: str = CAT, direction: tuple[str, str] = ("en", "fr")) -> str:
    return translators[direction].translate(text)[0].text


def attention_of(translators: Translators, text: str = CAT) -> AttentionRecord:
    record = translators["en", "fr"].translate(text, attention=True)[0].attention
    assert record is not None
    return record


def spoken(page: Page) -> Locator:
    return page.locator("#spoken")


def test_glossary_terms_are_marked_and_unmet_terms_are_listed(open_service: OpenService, script: Script) -> None:
    # The second term is impossible, since the third line forbids it.
    entries = [
        GlossaryEntry(("dog",), ("merle",)), GlossaryEntry(("cat",), ("roi",)), GlossaryEntry((), forbidden=("roi",)),
    ]  # fmt: skip
    script.glossaries = {"animals": Glossary(entries)}
    page = open_service(script)
    translated(page)
    expect(page.locator("#terms-note")).to_be_hidden()
    page.select_option("#glossary", "animals")
    expect(page.locator("#translation .run.term")).to_have_text(re.compile(r"merle\W*"))
    expect(page.locator("#translation .run.term")).to_have_attribute("title", "Term: dog \u2192 merle")
    expect(page.locator("#terms-note")).to_have_text("Terms that are not met: cat \u2192 roi")
    assert asked(script, "/v1/translate")[-1]["glossary"] == "animals"


def test_without_glossaries_none_is_offered(open_service: OpenService, script: Script) -> None:
    page = open_service(script)
    translated(page)
    expect(page.locator("#glossary")).to_be_hidden()


def test_translates_while_someone_types(open_service: OpenService, script: Script, translators: Translators) -> None:
    page = open_service(script)
    translated(page)
    expect(page.locator("#translation")).to_have_text(expected_text(translators))
    expect(spoken(page)).to_have_text(expected_text(translators))
    expect(page.locator("#from option:checked")).to_have_text("English (auto)")
    request = asked(script, "/v1/translate")[-1]
    assert request == {"text": CAT, "source": "auto", "target": "fr", "attention": True, "alignment": True}
    page.fill("#source", "")
    expect(page.locator("#placeholder")).to_be_visible()
    expect(page.locator("#attention")).to_be_hidden()


def test_a_pause_in_typing_makes_one_request(open_service: OpenService, script: Script) -> None:
    page = open_service(script, clock=True)
    expect(page.locator("#examples li").first).to_be_visible()  # connected: else it translates once more when it is
    page.evaluate(TYPE, CAT)
    page.clock.run_for(1000)
    expect(page.locator("#translation .run").first).to_be_visible()
    assert [request["text"] for request in asked(script, "/v1/translate")] == [CAT]


@pytest.mark.parametrize("ignored", [False, True], ids=["aborted", "dropped"])
def test_an_overtaken_answer_is_not_shown(
    open_service: OpenService, script: Script, translators: Translators, reader: PageReader, ignored: bool
) -> None:
    """The request in flight is aborted; and where aborting has no effect, its answer is dropped."""
    page = open_service(script)
    if ignored:
        page.evaluate(
            "(() => { const real = fetch; window.arrived = 0; window.fetch = async (path, options) => {"
            "const answer = await real(path, { ...options, signal: undefined }); window.arrived++; return answer; };"
            "})()"
        )
    release, first = threading.Event(), "Boris sees a black dog!"
    script.delay = lambda text: (release.wait(60), 0.0)[1] if text == first else 0.0
    aborted: list[str] = []

    def note(request: BrowserRequest) -> None:
        aborted.append((request.post_data_json or {}).get("text", ""))

    page.on("requestfailed", note)
    with page.expect_request("**/v1/translate"):
        page.fill("#source", first)
    with page.expect_response("**/v1/translate"):
        page.fill("#source", CAT)
    expect(page.locator("#translation")).to_have_text(expected_text(translators))
    release.set()
    if ignored:
        reader.settled(page, "window.arrived", lambda arrived: arrived == 2)
    page.wait_for_timeout(100)
    expect(page.locator("#translation")).to_have_text(expected_text(translators))
    assert aborted == ([] if ignored else [first])


def test_words_show_what_they_attended_to(
    open_service: OpenService, script: Script, translators: Translators, reader: PageReader
) -> None:
    page = open_service(script)
    translated(page)
    record = attention_of(translators)
    for selector in ("#translation .run", "#attention .tgt .word"):
        page.locator(selector).nth(1).hover()
        shown = reader.shares(page, "src")
        assert shown.tolist() == pytest.approx(record.words()[1].tolist(), abs=6e-4)
        assert reader.texts(page, "#attention .tgt .word.chosen") == [record.tgt_words[1]]
        page.mouse.move(5, 5)
    assert page.locator(".links .chosen").count() > 0
    page.locator("#attention .src .word").nth(1).hover()
    assert reader.shares(page, "tgt").tolist() == pytest.approx(record.words()[:, 1].tolist(), abs=6e-4)
    assert page.locator("#translation .run.chosen").count() == 0


def test_a_tap_shows_attention(open_service: OpenService, script: Script) -> None:
    page = open_service(script, touch=True, width=360)
    translated(page)
    page.locator("#attention .tgt .word").nth(2).tap()
    expect(page.locator("#attention .tgt .word").nth(2)).to_have_class(re.compile("chosen"))
    expect(page.locator("#translation .run").nth(2)).to_have_class(re.compile("chosen"))


def test_layers_and_heads_of_a_transformer_and_the_matrix_of_a_recurrent_model(
    open_service: OpenService, script: Script, translators: Translators
) -> None:
    page = open_service(script)
    translated(page)
    layers = attention_of(translators).layers
    assert page.locator(".tiles button").count() == 1 + len(layers) * (1 + len(layers[0]))
    page.click(".tiles [aria-label='layer 2, head 1']")
    expect(page.locator(".caption")).to_have_text("Layer 2, head 1")
    page.fill("#source", BOTH)  # the chosen head stays chosen
    expect(page.locator("#steps")).to_be_visible()
    expect(page.locator(".caption")).to_have_text("Layer 2, head 1")
    page.select_option("#from", "fr")
    translated(page, "Le chat voit un chien.")
    expect(page.locator(".heads")).to_be_hidden()
    expect(page.locator(".caption")).to_have_text("Attention")


def test_an_alternative_replaces_the_rest(open_service: OpenService, script: Script) -> None:
    page = open_service(script)
    translated(page)
    words = page.locator("#translation .run").all_text_contents()
    page.locator("#translation .run").nth(2).click()
    expect(page.locator("#alternatives-title")).to_have_text(f"Instead of \u201c{words[2]}\u201d")
    choice = page.locator("#alternatives-list button").first
    expect(choice).to_be_focused()
    assert asked(script, "/v1/alternatives")[-1]["prefix"] == " ".join(words[:2])
    word = choice.locator("b").text_content()
    assert word != words[2]
    page.keyboard.press("Enter")
    expect(page.locator("#alternatives")).to_be_hidden()
    expect(page.locator("#translation .run").nth(2)).to_have_text(word)
    expect(page.locator("#translation .run").nth(2)).to_be_focused()
    assert page.locator("#translation .run").all_text_contents()[:2] == words[:2]
    expect(page.locator("#attention .tgt .word").nth(2)).to_have_text(word)
    expect(spoken(page)).to_have_text(re.compile("^Chosen: "))


def test_escape_closes_the_alternatives(open_service: OpenService, script: Script) -> None:
    page = open_service(script)
    translated(page)
    page.locator("#translation .run").nth(1).focus()
    page.keyboard.press("Enter")
    expect(page.locator("#alternatives-list button").first).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Escape")
    expect(page.locator("#alternatives")).to_be_hidden()
    expect(page.locator("#translation .run").nth(1)).to_be_focused()


def test_a_translation_of_your_own_is_scored_word_by_word(
    open_service: OpenService, script: Script, translators: Translators
) -> None:
    page = open_service(script)
    translated(page)
    page.click("#own-mode")
    expect(page.locator("#own")).to_be_focused()
    expect(page.locator("#own-score")).to_have_text("This is the model\u2019s translation.")
    page.fill("#own", "Un chien voit le chat.")
    expect(page.locator("#own-words .glossed")).to_have_text(["Un", "chien", "voit", "le", "chat."])
    assert asked(script, "/v1/score")[-1]["translation"] == "Un chien voit le chat."
    assert all(re.fullmatch(r"<?\d+%", text) for text in page.locator("#own-words .number").all_text_contents())
    expect(page.locator("#own-score")).to_contain_text("Log-probability: yours \u2212")
    expect(page.locator("#attention .tgt .word")).to_have_text(["Un", "chien", "voit", "le", "chat."])
    links = translators["en", "fr"].score(CAT, "Un chien voit le chat.")[0].alignment
    words = CAT.split()
    aligned = [" ".join(words[source] for source, target in links if target == number) for number in range(5)]
    assert page.locator("#own-words .from").all_text_contents() == [text or "\u2013" for text in aligned]
    page.click("#own-mode")
    expect(page.locator("#attention .tgt .word")).to_have_text(expected_text(translators).split())


def test_improbable_words_are_underlined(open_service: OpenService, script: Script) -> None:
    page = open_service(script)
    translated(page, BOTH)
    styles = page.eval_on_selector_all(
        ".run", "all => all.map(word => [word.className.split(' ')[1], getComputedStyle(word).textDecorationStyle])"
    )
    assert {"unsure", "improbable"} <= {kind for kind, _ in styles}
    expected = {"sure": "solid", "unsure": "dotted", "improbable": "wavy"}
    assert [style for _, style in styles] == [expected[kind] for kind, _ in styles]
    shares = [int(text.removesuffix("% probable")) for text in page.eval_on_selector_all(
        ".run", "all => all.map(word => word.getAttribute('aria-description'))")]  # fmt: skip
    for (kind, _), share in zip(styles, shares, strict=True):
        assert share >= 60 if kind == "sure" else 25 <= share <= 60 if kind == "unsure" else share <= 25
    expect(page.locator("#legend .key")).to_have_text(["below 60%", "below 25%"])


def test_several_sentences(open_service: OpenService, script: Script, translators: Translators) -> None:
    page = open_service(script)
    translated(page, BOTH + "\nBoris sees a black dog!")
    expect(page.locator("#place")).to_have_text("3 of 3")  # where the cursor is
    page.click("#previous")
    expect(page.locator("#attention .src .word").first).to_have_text("Anna")
    expect(page.locator(".passage.current")).to_have_text(expected_text(translators, "Anna likes this small house."))
    page.locator("#translation .run").first.click()
    expect(page.locator("#place")).to_have_text("1 of 3")
    expect(page.locator("#attention .src .word").nth(1)).to_have_text("cat")
    page.keyboard.press("Escape")
    page.evaluate("document.querySelector('#source').setSelectionRange(30, 30)")
    page.locator("#source").press("ArrowRight")
    expect(page.locator("#place")).to_have_text("2 of 3")
    assert "\n" in (page.locator("#translation").text_content() or "")
    assert asked(script, "/v1/score") == []


def test_attention_of_a_long_text_is_asked_for_by_sentence(open_service: OpenService, script: Script) -> None:
    page = open_service(script)
    translated(page, " ".join([CAT] * 50))
    [request] = asked(script, "/v1/stream")
    assert "attention" not in request and asked(script, "/v1/translate") == []
    expect(page.locator("#place")).to_have_text("50 of 50")
    scored = asked(script, "/v1/score")
    assert [request["text"] for request in scored] == [CAT]


def test_a_long_text_is_shown_while_it_is_translated(
    open_service: OpenService, script: Script, translators: Translators
) -> None:
    script.between = 0.1
    page = open_service(script)
    page.fill("#source", "\n".join([CAT] * 50))
    expect(page.locator("#detected")).to_contain_text("of 50 sentences")
    assert 1 <= page.locator("#translation .passage").count() < 50
    script.between = 0.0
    expect(page.locator("#detected")).to_be_empty()
    expect(page.locator("#translation")).to_have_text("\n".join([expected_text(translators)] * 50))


def test_a_long_text_whose_connection_is_lost_is_translated_again(open_service: OpenService, script: Script) -> None:
    script.lost = "done"
    page = open_service(script)
    page.fill("#source", " ".join([CAT] * 50))
    expect(page.locator("#notice")).to_contain_text("cannot be reached")
    script.lost = ""
    expect(page.locator("#place")).to_have_text("50 of 50")
    expect(page.locator("#notice")).to_be_hidden()


def test_no_attention_by_way_of_another_language(open_service: OpenService, script: Script) -> None:
    script.path = ["en", "ko", "fr"]
    script.attention = False
    page = open_service(script)
    page.fill("#source", CAT)
    expect(page.locator("#attention-note")).to_contain_text("by way of Korean")
    expect(page.locator("#panels")).to_be_hidden()
    assert asked(script, "/v1/score") == []


def test_languages_are_exchanged(open_service: OpenService, script: Script, translators: Translators) -> None:
    page = open_service(script)
    translated(page)
    text = page.locator("#translation").text_content() or ""
    page.click("#swap")
    expect(page.locator("#source")).to_have_value(text)
    expect(page.locator("#from")).to_have_value("fr")
    expect(page.locator("#to")).to_have_value("en")
    expect(page.locator("#translation")).to_have_text(expected_text(translators, text, ("fr", "en")))
    assert asked(script, "/v1/translate")[-1]["source"] == "fr"
    page.reload()
    expect(page.locator("#from")).to_have_value("fr")


def test_an_uncertain_detection_is_shown(open_service: OpenService, script: Script) -> None:
    script.detected = [{"language": "en", "confidence": 42.0}]
    page = open_service(script)
    translated(page)
    expect(page.locator("#detected")).to_have_text("Detected: English, 42% certain")


def test_a_text_from_the_address(open_service: OpenService, script: Script, translators: Translators) -> None:
    page = open_service(script, query="?q=The%20cat%20sees%20a%20dog.&source=en&target=fr")
    expect(page.locator("#translation")).to_have_text(expected_text(translators))
    expect(page.locator("#from")).to_have_value("en")


def test_languages_of_the_address_come_first(open_service: OpenService, script: Script) -> None:
    page = open_service(script)
    page.select_option("#from", "fr")
    page.reload()
    expect(page.locator("#from")).to_have_value("fr")
    page.goto(page.url.partition("?")[0] + "?source=en&target=fr")
    expect(page.locator("#from")).to_have_value("en")
    expect(page.locator("#to")).to_have_value("fr")
    page.goto(page.url.partition("?")[0])
    expect(page.locator("#from")).to_have_value("fr")


def test_history_stays_in_the_browser(open_service: OpenService, script: Script) -> None:
    page = open_service(script, clock=True)
    translated_at_once(page, "The cat")
    translated_at_once(page, CAT)  # grew from the first, so it replaces it
    translated_at_once(page, "Anna likes this small house.")
    page.click("#open-history")
    expect(page.locator("#history-list .entry span:nth-of-type(1)")).to_have_text(["Anna likes this small house.", CAT])
    requests = len(script.seen)
    page.locator("#history-list li").first.get_by_role("button", name="Remove").click()
    expect(page.locator("#history-list .entry")).to_have_count(1)
    assert len(script.seen) == requests
    page.locator("#history-list .entry").click()
    expect(page.locator("#source")).to_have_value(CAT)
    page.click("#open-history")
    page.uncheck("#keep-history")
    expect(page.locator("#history-list")).to_have_text("The history is switched off.")
    assert page.evaluate("localStorage.getItem('regard.history')") is None
    page.click("#close-history")
    translated_at_once(page, "Boris sees a black dog!")
    assert page.evaluate("localStorage.getItem('regard.history')") is None


def answered(page: Page, text: str) -> None:
    """Types a text and waits for its translation, which does not enter the history yet."""
    page.fill("#source", text)
    with page.expect_response("**/v1/translate") as answer:
        page.clock.run_for(1000)
    expect(page.locator("#spoken")).to_have_text(answer.value.json()["translations"][0]["text"])


def translated_at_once(page: Page, text: str) -> None:
    """Types a text and lets the time pass after which it enters the history."""
    answered(page, text)
    page.clock.run_for(3000)


def test_the_history_can_be_deleted(open_service: OpenService, script: Script) -> None:
    page = open_service(script, clock=True)
    translated_at_once(page, CAT)
    page.click("#open-history")
    page.click("#clear-history")
    expect(page.locator("#history-list")).to_have_text("No translations yet.")
    assert page.evaluate("localStorage.getItem('regard.history')") is None


@pytest.mark.parametrize("forget", ["#clear-history", "#keep-history"])
def test_nothing_enters_a_deleted_history_later(open_service: OpenService, script: Script, forget: str) -> None:
    page = open_service(script, clock=True)
    translated_at_once(page, "The cat")
    answered(page, CAT)
    page.click("#open-history")
    page.click(forget)
    page.clock.run_for(3000)
    assert page.evaluate("localStorage.getItem('regard.history')") is None


def test_a_file_is_translated_with_progress(open_service: OpenService, script: Script) -> None:
    script.file = {"state": "running", "done": 120, "total": 400, "error": None}
    page = open_service(script)
    page.check("#kind [value=file]", force=True)
    upload(page, "story.txt", b"A story.\n")
    expect(page.locator("#jobs .state")).to_have_text("120 of 400 sentences")
    assert page.get_attribute("#jobs progress", "value") == "120"
    [body] = script.uploads
    assert b'name="target"\r\n\r\nfr\r\n' in body
    assert b"A story." in body
    script.file = {"state": "done", "done": 400, "total": 400, "error": None}
    with page.expect_download() as download:
        page.get_by_role("button", name="Download story.txt").click()
    assert download.value.suggested_filename == "story.fr.txt"
    assert download.value.path().read_text(encoding="utf-8") == "Une histoire.\n"
    page.get_by_role("button", name="Remove \u201cstory.txt\u201d").click()
    expect(page.locator("#jobs li")).to_have_count(0)


def test_files_that_cannot_be_translated(open_service: OpenService, script: Script) -> None:
    script.expected = ("413",)
    page = open_service(script)
    page.check("#kind [value=file]", force=True)
    upload(page, "picture.png")
    expect(page.locator("#jobs .state")).to_contain_text("picture.png: expected one of the formats .txt")
    assert script.uploads == []
    script.failures = [("/v1/files", Failure(413, "The file is too large.", "file_too_large"))]
    upload(page, "big.txt")
    expect(page.locator("#jobs .state").first).to_have_text("Failed. The file is too large for this server.")
    script.file = {"state": "failed", "done": 0, "total": 0, "error": "The file is not UTF-8."}
    upload(page, "odd.txt")
    expect(page.locator("#jobs .state").first).to_have_text("Failed. The file is not UTF-8.")


def test_the_demonstration_is_being_trained(
    open_service: OpenService, script: Script, translators: Translators
) -> None:
    training = {"state": "training", "step": 1240, "steps": 3000, "seconds_left": 130, "message": ""}
    script.languages = False
    script.demo = training
    page = open_service(script)
    expect(page.locator("#notice .number")).to_have_text("Step 1,240 of 3,000 \u00b7 about 2 min left")
    assert page.get_attribute("#notice progress", "value") == "1240"
    page.fill("#source", CAT)
    script.languages, script.demo = True, {**training, "state": "ready"}
    expect(page.locator("#translation")).to_have_text(expected_text(translators))
    expect(page.locator("#notice")).to_be_hidden()


def test_a_training_that_has_just_begun(open_service: OpenService, script: Script) -> None:
    script.languages = False
    script.demo = {"state": "training", "step": 0, "steps": 0, "seconds_left": None, "message": ""}
    page = open_service(script)
    expect(page.locator("#notice progress")).to_be_visible()
    assert page.get_attribute("#notice progress", "value") is None
    assert page.locator("#notice .number").count() == 0


def test_a_training_that_failed(open_service: OpenService, script: Script) -> None:
    script.languages = False
    script.demo = {"state": "failed", "message": "the disk is full"}
    page = open_service(script)
    expect(page.locator("#notice")).to_have_text("The training failed: the disk is full")


def test_a_model_that_comes_later(open_service: OpenService, script: Script, translators: Translators) -> None:
    script.languages = False
    page = open_service(script)
    expect(page.locator("#notice")).to_contain_text("The server has no model yet.")
    page.fill("#source", CAT)
    script.languages = True
    expect(page.locator("#translation")).to_have_text(expected_text(translators))


def test_too_many_requests(open_service: OpenService, script: Script, translators: Translators) -> None:
    script.expected = ("429",)
    page = open_service(script, clock=True)
    expect(page.locator("#examples li").first).to_be_visible()
    script.failures = [("", Failure(429, retry_after="17"))]
    page.fill("#source", CAT)
    page.clock.run_for(500)
    expect(page.locator("#notice")).to_have_text("The server has many requests. Trying again in 17 s.")
    page.clock.run_for(5000)
    expect(page.locator("#notice")).to_have_text("The server has many requests. Trying again in 12 s.")
    expect(page.locator("#alerted")).to_have_text("The server has many requests. Trying again in 17 s.")
    page.clock.run_for(13000)
    expect(page.locator("#translation")).to_have_text(expected_text(translators))
    expect(page.locator("#notice")).to_be_hidden()


def test_a_server_that_cannot_be_reached(open_service: OpenService, script: Script, translators: Translators) -> None:
    script.expected = ("net::ERR",)
    page = open_service(script)
    translated(page)
    script.failures = [("", Failure(0))] * 1000
    page.fill("#source", "Boris sees a black dog!")
    expect(page.locator("#notice")).to_contain_text("The server cannot be reached.")
    expect(page.locator("#result")).to_have_class(re.compile("stale"))
    script.failures = []
    expect(page.locator("#translation")).to_have_text(expected_text(translators, "Boris sees a black dog!"))


def test_an_error_of_the_server(open_service: OpenService, script: Script, translators: Translators) -> None:
    script.expected = ("500",)
    page = open_service(script)
    script.failures = [("", Failure(500, "the model is broken"))]
    page.fill("#source", CAT)
    expect(page.locator("#notice p")).to_have_text("The server reports an error: the model is broken")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#translation")).to_have_text(expected_text(translators))


def test_a_text_that_is_too_long(open_service: OpenService, script: Script) -> None:
    script.settings = {"charLimit": 20}
    page = open_service(script)
    page.fill("#source", CAT)  # 19 characters
    expect(page.locator("#translation .run").first).to_be_visible()
    page.fill("#source", CAT + " \U0001f600")
    expect(page.locator("#notice")).to_have_text("The text has 21 characters; at most 20 can be translated at a time.")
    expect(page.locator("#count")).to_have_text("21 / 20")
    assert len(asked(script, "/v1/translate")) == 1


def test_an_api_key_is_kept_for_the_session_only(
    open_service: OpenService, script: Script, translators: Translators
) -> None:
    script.key = "secret"
    script.expected = ("403",)
    page = open_service(script)
    page.fill("#source", CAT)
    expect(page.locator("#notice p")).to_have_text("This server needs an API key.")
    page.fill("#key", "wrong")
    page.keyboard.press("Enter")
    expect(page.locator("#notice p")).to_have_text("The server does not accept this API key.")
    page.fill("#key", "secret")
    page.keyboard.press("Enter")
    expect(page.locator("#translation")).to_have_text(expected_text(translators))
    assert page.evaluate("sessionStorage.getItem('regard.key')") == '"secret"'
    assert "secret" not in page.evaluate("JSON.stringify(localStorage)")
    assert not any("secret" in json.dumps(body) for body in asked(script, "/v1/translate"))


def test_a_server_that_announces_that_it_needs_a_key(open_service: OpenService, script: Script) -> None:
    script.key = "secret"
    script.settings = {"keyRequired": True}
    page = open_service(script)
    expect(page.locator("#key")).to_be_visible()
    assert asked(script, "/v1/translate") == []


def test_hostile_text_stays_text(open_service: OpenService, script: Script) -> None:
    script.expected = ("500",)
    page = open_service(script)
    hostile = "<img src=x onerror=alert(1)> </textarea><script>alert(2)</script> &lt; \u202eback"
    translated(page, hostile)
    page.click("#own-mode")
    page.fill("#own", hostile)
    expect(page.locator("#own-words .glossed").first).to_have_text("<img")
    page.click("#own-mode")
    script.failures = [("", Failure(500, hostile))]
    page.fill("#source", hostile + " again")
    expect(page.locator("#notice p")).to_contain_text("<img src=x")
    upload(page, "<img src=x>.png")
    assert page.locator("#jobs .name").text_content() == "<img src=x>.png"
    entries = "[{ text: '<b>x</b>', translation: '<b>y</b>', from: 'en', to: '<i>' }, 7, null]"
    page.evaluate(f"localStorage.setItem('regard.history', JSON.stringify({entries}))")
    page.click("#open-history")
    expect(page.locator("#history-list .entry")).to_have_count(1)
    assert page.locator("main img, #history i, #history-list li > b, .entry b").count() == 0
    scripts = page.eval_on_selector_all("script", "all => all.map(script => script.src)")
    assert all(scripts)


def test_the_theme_is_remembered(open_service: OpenService, script: Script, reader: PageReader) -> None:
    page = open_service(script)
    [light] = reader.colors(page, "var(--page)")
    page.click("#theme")
    page.reload()
    [dark] = reader.colors(page, "var(--page)")
    assert sum(dark) < 200 < sum(light)


def test_the_language_of_the_page(open_service: OpenService, script: Script) -> None:
    page = open_service(script, locale="ko-KR")
    expect(page.locator("#attention-title")).to_have_text("어텐션")
    assert page.evaluate("document.documentElement.lang") == "ko"
    page.fill("#source", CAT)
    expect(page.locator(".direction")).to_have_text("이 단어가 주목한 단어")
    page.select_option("#interface", "fr")
    expect(page.locator(".direction")).to_have_text("Mots auxquels ce mot a prêté attention")
    expect(page.locator("#to option:checked")).to_have_text("Français")
    page.reload()
    expect(page.locator("#attention-title")).to_have_text("Attention")
    assert page.title().startswith("regard : traduire")
    other = open_service(script, locale="de-DE")
    assert other.evaluate("document.documentElement.lang") == "en"


def test_every_language_has_the_same_texts(open_service: OpenService, script: Script) -> None:
    page = open_service(script)
    tables = page.evaluate("STRINGS")
    assert list(tables) == ["en", "ko", "fr"]
    holes = {
        code: {key: sorted(re.findall(r"\{\w+\}", text)) for key, text in table.items()}
        for code, table in tables.items()
    }
    assert holes["ko"] == holes["en"]
    assert holes["fr"] == holes["en"]
    assert all(text.strip() for table in tables.values() for text in table.values())


def test_every_text_of_the_page_has_a_key(open_service: OpenService, script: Script) -> None:
    """Keys that elements and scripts use exist, and no key is left over."""
    page = open_service(script)
    from regard.service.page_assets import NAMES, asset

    sources = {name: asset(name)[0].decode() for name in NAMES if name.endswith((".js", ".html"))}
    table = set(page.evaluate("Object.keys(STRINGS.en)"))
    marked = {
        key for text in sources.values() for key in re.findall(r'data-(?:text|label|title|hint|role)="(\w+)"', text)
    }
    assert marked - table == set()
    code = "".join(text for name, text in sources.items() if name not in ("strings.js", "texts.js"))
    literal = set(re.findall(r'"(\w+)"', code + sources["texts.js"].partition("const say")[2]))
    assert table - literal - marked == set()
    called = set(re.findall(r'say\("(\w+)"', code))
    assert called - table == set()


def test_the_keyboard_reaches_everything_in_order(open_service: OpenService, script: Script) -> None:
    page = open_service(script)
    translated(page)
    page.locator("h1").click()
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        name = page.evaluate(
            "(() => { const at = document.activeElement; return at === document.body ? '' :"
            "at.id || at.name || at.className.split(' ')[0] || at.getAttribute('role'); })()"
        )
        if not name:
            break
        focused = page.evaluate(
            "(() => { const at = document.activeElement, outline = at.closest('.switch label') ?? at;"
            "return getComputedStyle(outline).outlineStyle !== 'none'"
            "|| getComputedStyle(at.closest('.pane') ?? at, '::after').borderStyle === 'solid'; })()"
        )
        assert focused, name
        reached.append(name)
    parts = (
        "open-history interface theme kind from swap to source clear run own-mode copy level png svg word word matrix"
    )
    expected = parts.split()
    assert [name for name in reached if name in expected] == expected
    page.locator("#translation .run").first.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#translation .run").nth(1)).to_be_focused()
    expect(page.locator("#attention .tgt .word").nth(1)).to_have_class(re.compile("chosen"))
    page.keyboard.press("End")
    expect(page.locator("#translation .run").last).to_be_focused()


def test_the_page_works_without_storage(open_service: OpenService, script: Script) -> None:
    page = open_service(script)
    page.add_init_script("Object.defineProperty(window, 'localStorage', { get() { throw new Error('forbidden'); } })")
    page.reload()
    translated(page)
    page.click("#open-history")
    expect(page.locator("#history")).to_be_visible()


def test_the_translation_is_copied(open_service: OpenService, script: Script, translators: Translators) -> None:
    page = open_service(script)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    translated(page)
    page.click("#copy")
    expect(page.locator("#copy")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == expected_text(translators)


def test_an_old_panel_is_not_laid_out_while_hidden(open_service: OpenService, script: Script) -> None:
    page = open_service(script)
    translated(page)
    page.check("#kind [value=file]", force=True)
    page.set_viewport_size({"width": 700, "height": 800})
    page.check("#kind [value=text]", force=True)
    expect(page.locator("#attention .src .word").first).to_be_visible()
    assert page.evaluate("document.querySelector('.matrix').getBoundingClientRect().width") > 100


def test_the_running_text_scrolls_to_the_current_sentence(open_service: OpenService, script: Script) -> None:
    page = open_service(script)
    translated(page, "\n".join([CAT] * 40))
    visible = (
        "(() => { const box = selector => document.querySelector(selector).getBoundingClientRect();"
        "const frame = box('#translation'), passage = box('.passage.current');"
        "return passage.top >= frame.top && passage.bottom <= frame.bottom; })()"
    )
    expect(page.locator("#place")).to_have_text("40 of 40")
    assert page.evaluate(visible)
    page.evaluate("service.selectSentence(0)")
    expect(page.locator("#place")).to_have_text("1 of 40")
    assert page.evaluate(visible)
    assert page.evaluate("scrollY") == 0


def test_a_text_in_the_target_language_is_translated_into_another(
    open_service: OpenService, script: Script, translators: Translators
) -> None:
    script.detected = [{"language": "fr", "confidence": 99.0}]
    page = open_service(script)
    page.select_option("#to", "en")
    script.detected = [{"language": "en", "confidence": 99.0}]
    script.translators["en", "en"] = script.translators["en", "fr"]  # the service gives such a text back as it is
    page.fill("#source", CAT)
    expect(page.locator("#to")).to_have_value("fr")
    expect(page.locator("#translation")).to_have_text(expected_text(translators))
    assert [request["target"] for request in asked(script, "/v1/translate")] == ["en", "fr"]
