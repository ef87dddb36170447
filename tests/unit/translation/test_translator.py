"""The translator: one translation per line, in order, with attention, alignment and n-best lists on request."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from random_translators import ENGLISH, FRENCH, MODELS, random_model

from regard.alignment.word_alignment import word_alignment
from regard.config.schema import LOCATION_REACH, SearchConfig
from regard.errors import CheckpointError, DataError, SearchError
from regard.evaluate.scores import corpus_chrf, corpus_scores
from regard.native import packed
from regard.search.engine import StepEngine
from regard.search.log_probs import NotFiniteError
from regard.search.sample import SampleOptions
from regard.store import load_model, save_model
from regard.text.normalize import normalize
from regard.text.subword import Subword
from regard.translation.loading import load
from regard.translation.options import Changes, TranslateOptions
from regard.translation.result import Translation, join_lines
from regard.translation.translator import Translator


@pytest.fixture(scope="module")
def subword(small_subword: Subword) -> Subword:
    return small_subword


@pytest.fixture(scope="module")
def translator(random_translator: Translator) -> Translator:
    return random_translator


def texts(translations: Iterable[Translation]) -> list[str]:
    return [translation.text for translation in translations]


def test_one_translation_per_line_in_order(translator: Translator) -> None:
    lines = [ENGLISH[0], "", " \t\u00a0", "x", f"  {ENGLISH[1]}\n", "𝔘nseen ひ", *ENGLISH, "", " ".join(ENGLISH)]
    found = translator.translate(lines)
    assert [translation.source for translation in found] == [normalize(line) for line in lines]
    for line, translation in zip(lines, found, strict=True):
        [alone] = translator.translate(line)
        assert (translation.text, translation.tokens) == (alone.text, alone.tokens)
        assert translation.score == pytest.approx(alone.score, abs=1e-4)
        assert "\n" not in translation.text
        if line.strip():
            assert translation.score < 0
        else:
            assert translation == Translation("", "", 0.0)
    assert texts(translator.translate_lines(lines, buffer_size=2)) == texts(found)
    assert texts(translator.translate_lines(lines)) == texts(found)
    assert translator.translate([]) == []


def test_streams_are_read_buffer_by_buffer(translator: Translator) -> None:
    num_read = 0

    def endless() -> Iterator[str]:
        nonlocal num_read
        while True:
            num_read += 1
            yield ENGLISH[num_read % 3]

    translations = translator.translate_lines(endless(), buffer_size=5)
    for count in range(1, 12):
        assert next(translations).source == ENGLISH[count % 3]
        assert num_read == -(-count // 5) * 5
    with pytest.raises(SearchError, match="buffer_size of at least 1 line, got 0"):
        next(translator.translate_lines(ENGLISH, buffer_size=0))


def test_attention_has_the_subwords_it_belongs_to(translator: Translator) -> None:
    without, aligned, attended = (
        translator.translate(ENGLISH, alignment=alignment, attention=attention)
        for alignment, attention in ((False, False), (True, False), (False, True))
    )
    for translation, with_links, with_attention in zip(without, aligned, attended, strict=True):
        assert translation.text == with_links.text == with_attention.text
        assert (translation.attention, translation.alignment, with_links.attention) == (None, (), None)
        record = with_attention.attention
        assert record is not None
        assert (record.src.text, record.tgt.text) == (with_attention.source, with_attention.text)
        assert record.tgt.pieces == with_attention.tokens
        assert with_attention.alignment == with_links.alignment == word_alignment(record)
        torch.testing.assert_close(record.matrix().sum(1), torch.ones(len(record.tgt_labels)))


def test_models_without_attention_return_none(subword: Subword) -> None:
    plain = Translator.of([random_model("plain", subword)])
    [translation] = plain.translate(ENGLISH[0], attention=True, alignment=True)
    assert (translation.attention, translation.alignment) == (None, ())
    assert "attention" not in translation.to_dict()
    [scored] = plain.score(ENGLISH[0], FRENCH[0])
    assert (scored.attention, scored.alignment) == (None, ())
    with pytest.raises(SearchError, match="coverage_penalty to 0"):
        plain.translate(ENGLISH[0], coverage_penalty=0.1)


def test_models_without_attention_have_no_coverage_penalty(subword: Subword) -> None:
    model = random_model("plain", subword)
    search = SearchConfig(coverage_penalty=0.2)  # earlier versions could store it
    penalized = replace(model, config=model.config.model_copy(update={"search": search}))
    assert Translator.of([penalized]).translate(ENGLISH) == Translator.of([model]).translate(ENGLISH)
    with pytest.raises(SearchError, match="a coverage penalty needs attention"):
        Translator.of([model]).translate(ENGLISH, coverage_penalty=0.2)


def test_n_best_lists(translator: Translator) -> None:
    lines = [*ENGLISH, ""]
    for translation in translator.translate(lines, n_best=4, attention=True):
        if not translation.source:
            assert translation.n_best == ()
            continue
        assert 1 <= len(translation.n_best) <= 4
        assert replace(translation.n_best[0], n_best=translation.n_best) == translation
        scores = [entry.score for entry in translation.n_best]
        assert scores == sorted(scores, reverse=True)
        assert len({entry.tokens for entry in translation.n_best}) == len(translation.n_best)
        assert all(entry.attention is not None for entry in translation.n_best)
    assert any(len(translation.n_best) == 4 for translation in translator.translate(lines, n_best=4))
    assert all(translation.n_best == () for translation in translator.translate(lines))
    # A longer list widens the beam, unless its width is given.
    assert len(translator.translate(ENGLISH[0], n_best=9)[0].n_best) > 5
    # A limit of one token, eos, leaves a list of one entry.
    translator.search, usual = SearchConfig(max_len_ratio=0.01, max_len_offset=1), translator.search
    [empty] = translator.translate(ENGLISH[0], n_best=3)
    translator.search = usual
    assert empty.n_best == (replace(empty, n_best=()),)
    with pytest.raises(SearchError, match="n_best between 1 and the beam of 2, got 3"):
        translator.translate(ENGLISH, beam=2, n_best=3)


def test_options_reach_the_search(translator: Translator) -> None:
    [unpenalized] = translator.translate(ENGLISH[0], length_penalty=0.0)
    [greedy] = translator.translate(ENGLISH[0], length_penalty=0.0, beam=1)
    [divided] = translator.translate(ENGLISH[0], length_penalty=2.0, beam=1)
    assert greedy.tokens == divided.tokens
    factor = ((5 + len(greedy.tokens) + (not greedy.warnings)) / 6) ** 2
    assert divided.score == pytest.approx(greedy.score / factor, rel=1e-4)
    assert unpenalized.score >= greedy.score - 1e-5  # products of five rows round differently than those of one
    [covered] = translator.translate(ENGLISH[0], coverage_penalty=5.0, length_penalty=0.0)
    assert covered.score < unpenalized.score


def test_penalties_reach_streams(translator: Translator) -> None:
    both: Changes = {"length_penalty": 2.0, "coverage_penalty": 5.0}
    found = list(translator.translate_lines(ENGLISH[:1], **both))
    assert found == translator.translate(ENGLISH[0], **both)
    assert found != translator.translate(ENGLISH[0], length_penalty=2.0)
    assert found != translator.translate(ENGLISH[0], coverage_penalty=5.0)


def test_given_translations_are_scored(translator: Translator) -> None:
    sources, targets = [*ENGLISH, "", ENGLISH[0]], [*FRENCH, FRENCH[0], "  "]
    found = translator.score(sources, targets)
    for source, target, scored in zip(sources, targets, found, strict=True):
        assert (scored.source, scored.text) == (normalize(source), normalize(target))
        if not (source.strip() and target.strip()):
            assert (scored.score, scored.attention, scored.alignment) == (0.0, None, ())
            continue
        assert scored.score < 0
        assert scored.attention is not None
        assert scored.attention.tgt.text == target
        assert scored.alignment == word_alignment(scored.attention)
        [alone] = translator.score(source, target)
        assert alone.score == pytest.approx(scored.score, rel=1e-4)
    with pytest.raises(SearchError, match="each of the 3 source sentences, got 2"):
        translator.score(ENGLISH, FRENCH[:2])


@pytest.mark.parametrize(
    ("kind", "data", "limit"),
    [("bahdanau", {"max_len": 9}, 9), ("learned", {}, 23), ("location", {}, 19), ("learned", {"max_len": 10}, 10)],
)
def test_long_sentences_are_translated_in_segments(
    subword: Subword, kind: str, data: dict[str, int], limit: int
) -> None:
    translator = Translator.of([random_model(kind, subword, data=data)])
    long = " ".join(ENGLISH * 4)
    assert len(subword.encode(long).ids) > 2 * limit
    short, found, empty = translator.translate(["the cat", long, ""], attention=True, n_best=2)
    assert short.warnings == () or "length limit" in short.warnings[0]
    assert found.source == long
    assert found.attention is None
    assert "sentence 2: longer than the model was trained for" in found.warnings[0]
    assert found.n_best == (replace(found, n_best=()),)
    assert empty.text == ""
    num_src, num_tgt = len(long.split()), len(found.text.split())
    assert found.alignment == tuple(sorted(found.alignment))
    assert all(0 <= src < num_src and 0 <= tgt < num_tgt for src, tgt in found.alignment)
    if num_tgt > 4:
        assert max(src for src, _ in found.alignment) > 7  # not only the first segment has links
    # Lines are numbered across buffers.
    warned = list(translator.translate_lines(["a", "b", "c", long], buffer_size=2))[-1].warnings
    assert warned[0].startswith("sentence 4: ")


def test_segments_are_joined_at_their_words(subword: Subword) -> None:
    translator = Translator.of([random_model("bahdanau", subword, data={"max_len": 9}, eos=-10.0)])
    long = " ".join(ENGLISH)
    [found] = translator.translate(long, alignment=True)
    words = long.split()
    links: list[tuple[int, int]] = []
    texts_so_far: list[str] = []
    score = 0.0
    start = 0
    while start < len(words):  # each segment has as many words as fit
        stop = len(words)
        while len(subword.encode(" ".join(words[start:stop])).ids) > 9:
            stop -= 1
        [segment] = translator.translate(" ".join(words[start:stop]), alignment=True)
        num_tgt = len(" ".join(texts_so_far).split())
        links += [(src + start, tgt + num_tgt) for src, tgt in segment.alignment]
        score += segment.score
        texts_so_far.append(segment.text)
        start = stop
    assert len(texts_so_far) > 2
    assert all(texts_so_far)
    assert len(links) > 8
    assert found.text == " ".join(text for text in texts_so_far if text)
    assert found.alignment == tuple(sorted(links))
    assert found.score == pytest.approx(score, abs=1e-3)


def test_pairs_longer_than_the_positions_are_not_scored(subword: Subword) -> None:
    translator = Translator.of([random_model("learned", subword)])
    long = " ".join(FRENCH * 3)
    first, second, third = translator.score([ENGLISH[0], "a", "a"], [FRENCH[0], "un", long])
    assert first.attention is not None
    assert second.attention is not None
    assert (third.score, third.attention, third.text) == (0.0, None, long)
    assert "sentence 3: not read: it has" in third.warnings[0]
    assert "the model has 24 positions" in third.warnings[0]


def test_unfinished_translations_have_a_warning(subword: Subword) -> None:
    model = random_model("bahdanau", subword)
    with torch.no_grad():
        model.model.output_bias[3] = -1e4
    _, translation = Translator.of([model]).translate(["", ENGLISH[0]])
    assert translation.warnings[0] == (
        "sentence 2: unfinished: the translation reached its length limit before its end"
    )
    assert [flag.kind for flag in translation.quality_flags] == ["unfinished", "repetition"]
    assert len(translation.tokens) == len(subword.encode(ENGLISH[0]).ids) + 1 + 4


@pytest.mark.parametrize("beam", [1, 5])
@pytest.mark.parametrize("kind", MODELS)
def test_batching_changes_no_translation(subword: Subword, kind: str, beam: int) -> None:
    """The same text, and the same score up to 1e-4, in any batch: products of other shapes round differently.

    With weights scaled by 3, a Transformer of width 16 amplifies rounding to 1e-4; with 1.5, to 4e-6.
    """
    translator = Translator.of([random_model(kind, subword, eos=4.0, scale=1.5)])
    lines = [" ".join((ENGLISH * 2)[number % 3].split()[: 1 + number % 7]) for number in range(20)]
    together = translator.translate(lines, beam=beam, alignment=True)
    backwards = translator.translate(lines[::-1], beam=beam)[::-1]
    streamed = list(translator.translate_lines(lines, beam=beam, buffer_size=3))
    alone = [translator.translate(line, beam=beam)[0] for line in lines]
    for translation, *others in zip(together, backwards, streamed, alone, strict=True):
        assert [(other.text, other.tokens) for other in others] == [(translation.text, translation.tokens)] * 3
        assert [other.score for other in others] == pytest.approx([translation.score] * 3, abs=1e-4)


@pytest.mark.parametrize("kind", ["bahdanau", "plain"])
def test_flagged_translations_are_retried(subword: Subword, kind: str) -> None:
    translator = Translator.of([random_model(kind, subword, eos=3.0)])
    lines = ["", *ENGLISH, f"{ENGLISH[0]}. {ENGLISH[1]}. We do not know."]
    once = translator.translate(lines, attention=True)
    retried = translator.translate(lines, retry=True)
    assert texts(translator.translate_lines(lines, retry=True, buffer_size=2)) == texts(retried)
    num_flags = [[len(translation.quality_flags) for translation in found] for found in (once, retried)]
    assert sum(num_flags[1]) < sum(num_flags[0])
    for number, (before, after) in enumerate(zip(once, retried, strict=True), start=1):
        assert after.source == before.source
        assert len(after.quality_flags) <= len(before.quality_flags)
        if not before.quality_flags:
            assert after.text == before.text
        assert after.to_dict()["quality_flags"] == [flag.to_dict() for flag in after.quality_flags]
        assert set(after.warnings) == {f"sentence {number}: {flag.message}" for flag in after.quality_flags}


def test_an_ensemble_of_one_model_twice_is_the_model(subword: Subword, translator: Translator) -> None:
    alone = translator.translate(ENGLISH, attention=True)
    both = Translator.of([random_model("bahdanau", subword), random_model("bahdanau", subword)]).translate(
        ENGLISH, attention=True
    )
    for single, ensemble in zip(alone, both, strict=True):
        assert single.text == ensemble.text
        assert single.score == pytest.approx(ensemble.score, abs=1e-4)
        assert single.attention is not None
        assert ensemble.attention is not None
        assert (len(single.attention.layers), len(ensemble.attention.layers)) == (1, 2)
        assert single.alignment == ensemble.alignment


def test_location_based_transformers_have_a_length_limit(subword: Subword) -> None:
    sentences = [" ".join(["cat"] * count) for count in range(1, 300)]
    lengths = [len(subword.encode(sentence).ids) + 1 for sentence in sentences]  # with eos
    first = next(number for number, length in enumerate(lengths) if length > LOCATION_REACH)
    longest, too_long = sentences[first - 1 : first + 1]
    translator = Translator.of([random_model("located", subword, data={"max_len": 1000})])
    whole, split = translator.translate([longest, too_long], beam=1)
    assert not any("in 2 segments" in warning for warning in whole.warnings)
    assert "translated in 2 segments" in split.warnings[0]
    record = translator.score(longest, "le chat")[0].attention
    assert record is not None
    weights = record.layers[0]
    assert weights.shape[-1] <= LOCATION_REACH
    assert (weights[..., -1] > 0).all()  # the last position can be attended to


def test_an_ensemble_has_the_smallest_limits_of_its_models(subword: Subword) -> None:
    both = Translator.of([random_model("bahdanau", subword), random_model("learned", subword)])
    [translation] = both.translate(" ".join(ENGLISH * 2))
    assert "segments" in translation.warnings[0]


@pytest.mark.parametrize("side", ["src_subword", "tgt_subword"])
def test_an_ensemble_needs_one_vocabulary(subword: Subword, side: str) -> None:
    other = Subword.train([*ENGLISH, "and something else"] * 5, vocab_size=310)
    changed: dict[str, Any] = {side: other}
    models = [random_model("bahdanau", subword), replace(random_model("bahdanau", subword), **changed)]
    language = {"src_subword": "source", "tgt_subword": "target"}[side]
    with pytest.raises(SearchError, match=f"first and second have different {language} vocabularies"):
        Translator.of(models, names=["first", "second"])
    with pytest.raises(SearchError, match="model 1 and model 2"):
        Translator.of(models)
    with pytest.raises(SearchError, match="at least one model, got none"):
        Translator.of([])


def test_errors_of_damaged_weights_name_the_sentence(subword: Subword) -> None:
    model = random_model("bahdanau", subword)
    damaged = subword.encode("garden").ids[-1]
    with torch.no_grad():
        model.model.encoder.get_parameter("embedding.weight")[damaged] = math.nan
    lines = [ENGLISH[0], "", ENGLISH[2], "garden"]
    assert damaged not in [token for line in lines[:3] for token in subword.encode(line).ids]
    with pytest.raises(NotFiniteError, match="for sentence 4 at step 1"):
        Translator.of([model]).translate(lines)
    with pytest.raises(NotFiniteError, match="for sentence 4 at step 1"):
        list(Translator.of([model]).translate_lines(lines, buffer_size=3))
    with pytest.raises(NotFiniteError, match="for sentence 2 at step 1"):
        Translator.of([model]).score(["a", "garden"], ["un", "jardin"])


def test_json_and_notebooks(translator: Translator) -> None:
    [translation] = translator.translate("a <b>big</b> dog", n_best=2, attention=True)
    tree = json.loads(json.dumps(translation.to_dict()))
    assert tree["text"] == translation.text
    assert tree["alignment"] == [list(link) for link in translation.alignment]
    assert [entry["text"] for entry in tree["n_best"]] == texts(translation.n_best)
    assert set(tree["attention"]) == {"src", "tgt", "layers"}
    assert "attention" not in translation.to_dict(attention=False)
    assert "<iframe" in translation._repr_html_()
    without_attention = replace(translation, attention=None)._repr_html_()
    assert "&lt;b&gt;big" in without_attention
    assert "<b>" not in without_attention


def test_int8_translators_hold_no_float32_weights(subword: Subword, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "MIN_INT8_SIZE", 1)
    model = random_model("bahdanau", subword)
    float32, int8 = (Translator.of([model], precision=precision) for precision in ("float32", "int8"))
    assert [stored.model is model.model for stored in (*float32.models, *int8.models)] == [True, False]
    assert model.model.output_weight.numel() > 0
    assert int8.models[0].model.output_weight.numel() == 0
    assert int8.models[0].config is model.config
    assert texts(int8.translate(ENGLISH)) == texts(float32.translate(ENGLISH))


def test_models_are_loaded_from_paths(subword: Subword, translator: Translator, tmp_path: Path) -> None:
    for number, kind in enumerate(("bahdanau", "learned")):
        model = random_model(kind, subword)
        save_model(
            tmp_path / str(number), model=model.model, config=model.config, src_subword=subword, tgt_subword=subword
        )
    opened = load(tmp_path / "0", device="cpu")
    assert texts(opened.translate(ENGLISH)) == texts(translator.translate(ENGLISH))
    both = load([str(tmp_path / "0"), tmp_path / "1"])
    assert len(both.models) == 2
    assert isinstance(load_model(tmp_path / "1").model, torch.nn.Module)
    with pytest.raises(CheckpointError):
        load(tmp_path)


@pytest.mark.parametrize("wrong", [float("nan"), None, b"bytes", 7, ["a list"]])
def test_values_that_are_not_text_are_named(translator: Translator, wrong: Any) -> None:  # noqa: ANN401
    message = f"2: expected text, got .* \\({type(wrong).__name__}\\)"
    calls: list[Callable[[], object]] = [
        lambda: translator.translate(["Hello.", wrong]),
        lambda: list(translator.translate_lines(iter(["Hello.", wrong]))),
        lambda: translator.score(["Hello.", wrong], ["a", "b"]),
    ]
    for call in calls:
        with pytest.raises(DataError, match=f"sentence {message}"):
            call()
    with pytest.raises(DataError, match=f"translation {message}"):
        translator.score(["Hello.", "there"], ["a", wrong])
    with pytest.raises(DataError, match=f"reference {message}"):
        corpus_scores(["a", "b"], ["a", wrong])
    with pytest.raises(DataError, match=f"translation {message}"):
        corpus_chrf(["a", wrong], ["a", "b"])


@pytest.mark.parametrize("options", [{}, {"retry": True, "alignment": True, "n_best": 2}, {"sample": SampleOptions(3)}])
def test_segments_are_split_filled_and_joined(subword: Subword, options: Changes) -> None:
    translator = Translator.of([random_model("bahdanau", subword, data={"max_len": 12})])
    lines = [ENGLISH[0], "", f"  {' '.join(ENGLISH)}.\u00a0", *ENGLISH]
    segments = translator.split(lines, first=3)
    assert {segment.line for segment in segments} == {3, 5, 6, 7, 8}
    assert len(segments) > 5
    filled = translator.fill(segments, TranslateOptions(**options))
    assert [replace(segment, found=()) for segment in filled] == segments
    many = "n_best" in options or "sample" in options
    joined = join_lines([normalize(line) for line in lines], filled, first=3, many=many)
    expected = list(translator.translate_lines(lines, first=3, **options))
    assert [(entry.text, entry.alignment, entry.score) for entry in joined] == [
        (entry.text, entry.alignment, entry.score) for entry in expected
    ]
    assert texts(joined[0].n_best) == texts(expected[0].n_best)
    assert joined[2].warnings == tuple(warning.replace("sentence 3", "sentence 5") for warning in expected[2].warnings)
    # Segments of any lines, in any order, are filled in that order.
    if "sample" not in options:
        order = [4, 0, len(segments) - 1]
        some = translator.fill([segments[number] for number in order], TranslateOptions(**options))
        assert [segment.found[0].text for segment in some] == [filled[number].found[0].text for number in order]
    assert translator.fill([]) == []
    with pytest.raises(DataError, match="3"):
        translator.split(["a", None], first=2)  # type: ignore[list-item]


def test_another_engine_in_the_same_translator(translator: Translator) -> None:
    calls: list[int] = []
    assert isinstance(translator.engine, StepEngine)
    observed = translator.with_engine(translator.engine.observed(lambda: calls.append(1)))
    assert observed.translate(ENGLISH, attention=True)[0].text == translator.translate(ENGLISH)[0].text
    num_calls = len(calls)
    assert num_calls
    translator.translate(ENGLISH)
    assert len(calls) == num_calls
    assert observed.models == translator.models
