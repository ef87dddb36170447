"""The translator: as many lines out as in, in order, each with what was asked for."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from regard.alignment.word_alignment import word_alignment
from regard.config.schema import LOCATION_REACH, Config, SearchConfig
from regard.errors import CheckpointError, DataError, SearchError
from regard.evaluate.scores import corpus_chrf, corpus_scores
from regard.model.build import build_model
from regard.native import packed
from regard.search.log_probs import NotFiniteError
from regard.store import StoredModel, load_model, save_model
from regard.text.normalize import normalize
from regard.text.subword import Subword
from regard.translation.loading import load
from regard.translation.result import Translation
from regard.translation.translator import Translator

ENGLISH = ["the cat sleeps on the big bed", "a small dog runs in the garden", "we do not know where they are"]
FRENCH = ["le chat dort sur le grand lit", "un petit chien court dans le jardin", "on ne sait pas où ils sont"]
SMALL = {"embed_size": 12, "hidden_size": 16}
MODELS: dict[str, dict[str, object]] = {
    "plain": {"kind": "rnn", "decoder": "plain", **SMALL},
    "bahdanau": {"kind": "rnn", "decoder": "bahdanau", "attention": {"score": "additive"}, **SMALL},
    "location": {"kind": "rnn", "decoder": "luong", "attention": {"score": "location", "max_source": 20}, **SMALL},
    "learned": {
        "kind": "transformer",
        "position": "learned",
        "max_positions": 24,
        "width": 16,
        "ff_size": 16,
        "heads": 2,
        "encoder_layers": 1,
        "decoder_layers": 2,
    },
}
MODELS["located"] = {**MODELS["learned"], "position": "sinusoidal", "cross_score": "location"}


@pytest.fixture(scope="module")
def subword() -> Subword:
    return Subword.train((ENGLISH + FRENCH) * 5, vocab_size=320)


def stored(
    kind: str,
    subword: Subword,
    *,
    seed: int = 1,
    data: dict[str, int] | None = None,
    eos: float = 7.0,
    scale: float = 3.0,
) -> StoredModel:
    config = Config.model_validate(
        {
            "model": MODELS[kind],
            "search": {"max_len_ratio": 1.0, "max_len_offset": 4},
            "data": data or {},
        }
    )
    torch.manual_seed(seed)
    model = build_model(config.model, src_vocab=len(subword), tgt_vocab=len(subword), shared=True).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(scale)
        # Untrained models spell bytes and hardly ever stop: make them say words.
        for word in sorted(set(" ".join(FRENCH).split())):
            model.output_bias[subword.encode(word).ids[0]] += 5.0
        model.output_bias[3] += eos
    return StoredModel(model, config, subword, subword, None)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def translator(subword: Subword) -> Translator:
    return Translator.of([stored("bahdanau", subword)])


def test_one_out_for_each_in_and_in_order(translator: Translator) -> None:
    lines = [ENGLISH[0], "", " \t\u00a0", "x", f"  {ENGLISH[1]}\n", "𝔘nseen ひ", *ENGLISH, "", " ".join(ENGLISH)]
    found = translator.translate(lines)
    assert [one.source for one in found] == [normalize(line) for line in lines]
    for line, one in zip(lines, found, strict=True):
        [alone] = translator.translate(line)
        assert (one.text, one.tokens) == (alone.text, alone.tokens)
        assert one.score == pytest.approx(alone.score, abs=1e-4)
        assert "\n" not in one.text
        if line.strip():
            assert one.score < 0
        else:
            assert one == Translation("", "", 0.0)
    assert [one.text for one in translator.translate_lines(lines, buffer_size=2)] == [one.text for one in found]
    assert [one.text for one in translator.translate_lines(lines)] == [one.text for one in found]
    assert translator.translate([]) == []


def test_lines_are_read_no_further_than_the_window(translator: Translator) -> None:
    taken = []

    def endless() -> Iterator[str]:
        while True:
            taken.append(1)
            yield ENGLISH[len(taken) % 3]

    translations = translator.translate_lines(endless(), buffer_size=5)
    for count in range(1, 12):
        assert next(translations).source == ENGLISH[count % 3]
        assert len(taken) == -(-count // 5) * 5
    with pytest.raises(SearchError, match="buffer_size of at least 1 line, got 0"):
        next(translator.translate_lines(ENGLISH, buffer_size=0))


def test_attention_comes_with_what_it_is_about(translator: Translator) -> None:
    plainly, aligned, shown = (
        translator.translate(ENGLISH, alignment=alignment, attention=attention)
        for alignment, attention in ((False, False), (True, False), (False, True))
    )
    for none, links, both in zip(plainly, aligned, shown, strict=True):
        assert none.text == links.text == both.text
        assert (none.attention, none.alignment, links.attention) == (None, (), None)
        record = both.attention
        assert record is not None
        assert (record.src.text, record.tgt.text) == (both.source, both.text)
        assert record.tgt.pieces == both.tokens
        assert both.alignment == links.alignment == word_alignment(record)
        torch.testing.assert_close(record.matrix().sum(1), torch.ones(len(record.tgt_labels)))


def test_a_model_without_attention_has_none(subword: Subword) -> None:
    plain = Translator.of([stored("plain", subword)])
    [one] = plain.translate(ENGLISH[0], attention=True, alignment=True)
    assert (one.attention, one.alignment) == (None, ())
    assert "attention" not in one.to_dict()
    [scored] = plain.score(ENGLISH[0], FRENCH[0])
    assert (scored.attention, scored.alignment) == (None, ())
    with pytest.raises(SearchError, match="coverage_penalty to 0"):
        plain.translate(ENGLISH[0], coverage_penalty=0.1)


def test_a_model_without_attention_is_charged_for_none(subword: Subword) -> None:
    model = stored("plain", subword)
    search = SearchConfig(coverage_penalty=0.2)  # as could be stored once
    charged = replace(model, config=model.config.model_copy(update={"search": search}))
    assert Translator.of([charged]).translate(ENGLISH) == Translator.of([model]).translate(ENGLISH)
    with pytest.raises(SearchError, match="a coverage penalty needs attention"):
        Translator.of([model]).translate(ENGLISH, coverage_penalty=0.2)


def test_n_best_lists(translator: Translator) -> None:
    lines = [*ENGLISH, ""]
    for one in translator.translate(lines, n_best=4, attention=True):
        if not one.source:
            assert one.n_best == ()
            continue
        assert 1 <= len(one.n_best) <= 4
        assert replace(one.n_best[0], n_best=one.n_best) == one
        scores = [other.score for other in one.n_best]
        assert scores == sorted(scores, reverse=True)
        assert len({other.tokens for other in one.n_best}) == len(one.n_best)
        assert all(other.attention is not None for other in one.n_best)
    assert any(len(one.n_best) == 4 for one in translator.translate(lines, n_best=4))
    assert all(one.n_best == () for one in translator.translate(lines))
    # The beam widens for as many as are wanted, unless its width was said.
    assert len(translator.translate(ENGLISH[0], n_best=9)[0].n_best) > 5
    # With room for eos alone there is one to list, and it is listed.
    translator.search, usual = SearchConfig(max_len_ratio=0.01, max_len_offset=1), translator.search
    [only] = translator.translate(ENGLISH[0], n_best=3)
    translator.search = usual
    assert only.n_best == (replace(only, n_best=()),)
    with pytest.raises(SearchError, match="n_best between 1 and the beam of 2, got 3"):
        translator.translate(ENGLISH, beam=2, n_best=3)


def test_options_reach_the_search(translator: Translator) -> None:
    [short] = translator.translate(ENGLISH[0], length_penalty=0.0)
    [normed] = translator.translate(ENGLISH[0], length_penalty=0.0, beam=1)
    [divided] = translator.translate(ENGLISH[0], length_penalty=2.0, beam=1)
    assert normed.tokens == divided.tokens
    factor = ((5 + len(normed.tokens) + (not normed.warnings)) / 6) ** 2
    assert divided.score == pytest.approx(normed.score / factor, rel=1e-4)
    assert short.score >= normed.score - 1e-5  # five rows are not multiplied as one is: the last digits may differ
    [covered] = translator.translate(ENGLISH[0], coverage_penalty=5.0, length_penalty=0.0)
    assert covered.score < short.score


def test_penalties_reach_streams_too(translator: Translator) -> None:
    penalties = {"length_penalty": 2.0, "coverage_penalty": 5.0}
    found = list(translator.translate_lines(ENGLISH[:1], **penalties))
    assert found == translator.translate(ENGLISH[0], **penalties)
    for left_out in penalties:
        others = {name: value for name, value in penalties.items() if name != left_out}
        assert found != translator.translate(ENGLISH[0], **others)


def test_given_translations_are_scored(translator: Translator) -> None:
    sources, targets = [*ENGLISH, "", ENGLISH[0]], [*FRENCH, FRENCH[0], "  "]
    found = translator.score(sources, targets)
    for source, target, one in zip(sources, targets, found, strict=True):
        assert (one.source, one.text) == (normalize(source), normalize(target))
        if not (source.strip() and target.strip()):
            assert (one.score, one.attention, one.alignment) == (0.0, None, ())
            continue
        assert one.score < 0
        assert one.attention is not None
        assert one.attention.tgt.text == target
        assert one.alignment == word_alignment(one.attention)
        [alone] = translator.score(source, target)
        assert alone.score == pytest.approx(one.score, rel=1e-4)
    with pytest.raises(SearchError, match="each of the 3 sentences, got 2"):
        translator.score(ENGLISH, FRENCH[:2])


@pytest.mark.parametrize(
    ("kind", "data", "limit"),
    [("bahdanau", {"max_len": 9}, 9), ("learned", {}, 23), ("location", {}, 19), ("learned", {"max_len": 10}, 10)],
)
def test_long_sentences_are_translated_in_parts(subword: Subword, kind: str, data: dict[str, int], limit: int) -> None:
    translator = Translator.of([stored(kind, subword, data=data)])
    long = " ".join(ENGLISH * 4)
    assert len(subword.encode(long).ids) > 2 * limit
    fine, found, empty = translator.translate(["the cat", long, ""], attention=True, n_best=2)
    assert fine.warnings == () or "length limit" in fine.warnings[0]
    assert found.source == long
    assert found.attention is None
    assert "sentence 2: longer than the model was trained for" in found.warnings[0]
    assert found.n_best == (replace(found, n_best=()),)
    assert empty.text == ""
    num_src, num_tgt = len(long.split()), len(found.text.split())
    assert found.alignment == tuple(sorted(found.alignment))
    assert all(0 <= src < num_src and 0 <= tgt < num_tgt for src, tgt in found.alignment)
    if num_tgt > 4:
        assert max(src for src, _ in found.alignment) > 7  # not only the first part has links
    # The lines are numbered through all windows.
    warned = list(translator.translate_lines(["a", "b", "c", long], buffer_size=2))[-1].warnings
    assert warned[0].startswith("sentence 4: ")


def test_parts_keep_their_places(subword: Subword) -> None:
    translator = Translator.of([stored("bahdanau", subword, data={"max_len": 9}, eos=-10.0)])
    long = " ".join(ENGLISH)
    [found] = translator.translate(long, alignment=True)
    words = long.split()
    wanted, score, said = [], 0.0, []
    start = 0
    while start < len(words):  # as many words as fit, again and again
        stop = len(words)
        while len(subword.encode(" ".join(words[start:stop])).ids) > 9:
            stop -= 1
        [part] = translator.translate(" ".join(words[start:stop]), alignment=True)
        wanted += [(src + start, tgt + len(" ".join(said).split())) for src, tgt in part.alignment]
        score += part.score
        said.append(part.text)
        start = stop
    assert len(said) > 2
    assert all(said)
    assert len(wanted) > 8
    assert found.text == " ".join(text for text in said if text)
    assert found.alignment == tuple(sorted(wanted))
    assert found.score == pytest.approx(score, abs=1e-3)


def test_pairs_beyond_the_positions_are_named_and_left(subword: Subword) -> None:
    translator = Translator.of([stored("learned", subword)])
    long = " ".join(FRENCH * 3)
    first, second, third = translator.score([ENGLISH[0], "a", "a"], [FRENCH[0], "un", long])
    assert first.attention is not None
    assert second.attention is not None
    assert (third.score, third.attention, third.text) == (0.0, None, long)
    assert "sentence 3: not read: it has" in third.warnings[0]
    assert "positions end at 24" in third.warnings[0]


def test_a_translation_that_did_not_end_says_so(subword: Subword) -> None:
    model = stored("bahdanau", subword)
    with torch.no_grad():
        model.model.output_bias[3] = -1e4
    _, one = Translator.of([model]).translate(["", ENGLISH[0]])
    assert one.warnings[0] == "sentence 2: the translation reached its length limit before its end"
    assert [doubt.kind for doubt in one.quality_flags] == ["unfinished", "repetition"]
    assert len(one.tokens) == len(subword.encode(ENGLISH[0]).ids) + 1 + 4


@pytest.mark.parametrize("beam", [1, 5])
@pytest.mark.parametrize("kind", MODELS)
def test_neighbors_change_nothing(subword: Subword, kind: str, beam: int) -> None:
    """The same text, and the same score to 1e-4, in any batch: products of other shapes round otherwise.

    Weights blown up threefold let a Transformer of 16 dimensions magnify the rounding itself to 1e-4; by half, to 4e-6.
    """
    translator = Translator.of([stored(kind, subword, eos=4.0, scale=1.5)])
    lines = [" ".join((ENGLISH * 2)[number % 3].split()[: 1 + number % 7]) for number in range(20)]
    together = translator.translate(lines, beam=beam, alignment=True)
    backwards = translator.translate(lines[::-1], beam=beam)[::-1]
    streamed = list(translator.translate_lines(lines, beam=beam, buffer_size=3))
    alone = [translator.translate(line, beam=beam)[0] for line in lines]
    for one, *others in zip(together, backwards, streamed, alone, strict=True):
        assert [(other.text, other.tokens) for other in others] == [(one.text, one.tokens)] * 3
        assert [other.score for other in others] == pytest.approx([one.score] * 3, abs=1e-4)


@pytest.mark.parametrize("kind", ["bahdanau", "plain"])
def test_with_care_what_is_suspicious_is_tried_again(subword: Subword, kind: str) -> None:
    translator = Translator.of([stored(kind, subword, eos=3.0)])
    lines = ["", *ENGLISH, f"{ENGLISH[0]}. {ENGLISH[1]}. We do not know."]
    once = translator.translate(lines, attention=True)
    careful = translator.translate(lines, retry=True)
    streamed = list(translator.translate_lines(lines, retry=True, buffer_size=2))
    assert [one.text for one in streamed] == [one.text for one in careful]
    assert any(one.quality_flags for one in once)
    assert sum(len(one.quality_flags) for one in careful) < sum(len(one.quality_flags) for one in once)
    for number, (before, after) in enumerate(zip(once, careful, strict=True), start=1):
        assert after.source == before.source
        assert len(after.quality_flags) <= len(before.quality_flags)
        if not before.quality_flags:
            assert after.text == before.text
        assert after.to_dict()["quality_flags"] == [one.to_dict() for one in after.quality_flags]
        assert set(after.warnings) == {f"sentence {number}: {one.message}" for one in after.quality_flags}


def test_an_ensemble_of_one_model_twice_is_the_model(subword: Subword, translator: Translator) -> None:
    alone = translator.translate(ENGLISH, attention=True)
    both = Translator.of([stored("bahdanau", subword), stored("bahdanau", subword)]).translate(ENGLISH, attention=True)
    for one, other in zip(alone, both, strict=True):
        assert one.text == other.text
        assert one.score == pytest.approx(other.score, abs=1e-4)
        assert one.attention is not None
        assert other.attention is not None
        assert (len(one.attention.layers), len(other.attention.layers)) == (1, 2)
        assert one.alignment == other.alignment


def test_a_transformer_that_goes_by_position_reads_no_further_than_it_reaches(subword: Subword) -> None:
    texts = [" ".join(["cat"] * count) for count in range(1, 300)]
    lengths = [len(subword.encode(text).ids) + 1 for text in texts]  # with eos
    first = next(number for number, length in enumerate(lengths) if length > LOCATION_REACH)
    at_most, beyond = texts[first - 1 : first + 1]
    translator = Translator.of([stored("located", subword, data={"max_len": 1000})])
    fits, too_long = translator.translate([at_most, beyond], beam=1)
    assert not any("in 2 parts" in warning for warning in fits.warnings)
    assert "translated in 2 parts" in too_long.warnings[0]
    [weights] = translator.score(at_most, "le chat")[0].attention.layers[:1]
    assert weights.shape[-1] <= LOCATION_REACH
    assert (weights[..., -1] > 0).all()  # the last position that is read can be attended to


def test_an_ensemble_keeps_the_narrowest_limits(subword: Subword) -> None:
    both = Translator.of([stored("bahdanau", subword), stored("learned", subword)])
    [one] = both.translate(" ".join(ENGLISH * 2))
    assert "parts" in one.warnings[0]


@pytest.mark.parametrize("side", ["src_subword", "tgt_subword"])
def test_an_ensemble_needs_one_vocabulary(subword: Subword, side: str) -> None:
    other = Subword.train([*ENGLISH, "and something else"] * 5, vocab_size=310)
    models = [stored("bahdanau", subword), replace(stored("bahdanau", subword), **{side: other})]
    language = {"src_subword": "source", "tgt_subword": "target"}[side]
    with pytest.raises(SearchError, match=f"one and two have different {language} vocabularies"):
        Translator.of(models, names=["one", "two"])
    with pytest.raises(SearchError, match="model 1 and model 2"):
        Translator.of(models)
    with pytest.raises(SearchError, match="a model or several, got none"):
        Translator.of([])


def test_damaged_weights_name_the_sentence(subword: Subword) -> None:
    model = stored("bahdanau", subword)
    spoilt = subword.encode("garden").ids[-1]
    with torch.no_grad():
        model.model.encoder.get_parameter("embedding.weight")[spoilt] = math.nan
    lines = [ENGLISH[0], "", ENGLISH[2], "garden"]
    assert spoilt not in [token for line in lines[:3] for token in subword.encode(line).ids]
    with pytest.raises(NotFiniteError, match="for sentence 4 at step 1"):
        Translator.of([model]).translate(lines)
    with pytest.raises(NotFiniteError, match="for sentence 4 at step 1"):
        list(Translator.of([model]).translate_lines(lines, buffer_size=3))
    with pytest.raises(NotFiniteError, match="for sentence 2 at step 1"):
        Translator.of([model]).score(["a", "garden"], ["un", "jardin"])


def test_json_and_notebooks(translator: Translator) -> None:
    [one] = translator.translate("a <b>big</b> dog", n_best=2, attention=True)
    told = json.loads(json.dumps(one.to_dict()))
    assert told["text"] == one.text
    assert told["alignment"] == [list(link) for link in one.alignment]
    assert [other["text"] for other in told["n_best"]] == [other.text for other in one.n_best]
    assert set(told["attention"]) == {"src", "tgt", "layers"}
    assert "attention" not in one.to_dict(attention=False)
    assert "<iframe" in one._repr_html_()
    bare = replace(one, attention=None)._repr_html_()
    assert "&lt;b&gt;big" in bare
    assert "<b>" not in bare


def test_a_translator_in_8_bits_holds_no_model_in_float32(subword: Subword, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "FEWEST", 1)
    model = stored("bahdanau", subword)
    wide, narrow = (Translator.of([model], precision=precision) for precision in ("float32", "int8"))
    assert [one.model is model.model for one in (*wide.models, *narrow.models)] == [True, False]
    assert model.model.output_weight.numel() > 0
    assert narrow.models[0].model.output_weight.numel() == 0
    assert narrow.models[0].config is model.config
    assert [one.text for one in narrow.translate(ENGLISH)] == [one.text for one in wide.translate(ENGLISH)]


def test_models_are_loaded_by_their_paths(subword: Subword, translator: Translator, tmp_path: Path) -> None:
    for number, kind in enumerate(("bahdanau", "learned")):
        model = stored(kind, subword)
        save_model(
            tmp_path / str(number), model=model.model, config=model.config, src_subword=subword, tgt_subword=subword
        )
    opened = load(tmp_path / "0", device="cpu")
    assert [one.text for one in opened.translate(ENGLISH)] == [one.text for one in translator.translate(ENGLISH)]
    both = load([str(tmp_path / "0"), tmp_path / "1"])
    assert len(both.models) == 2
    assert isinstance(load_model(tmp_path / "1").model, torch.nn.Module)
    with pytest.raises(CheckpointError):
        load(tmp_path)


@pytest.mark.parametrize("wrong", [float("nan"), None, b"bytes", 7, ["a list"]])
def test_what_is_no_text_is_named(translator: Translator, wrong: object) -> None:
    named = f"2: expected text, got .* \\({type(wrong).__name__}\\)"
    for call in (
        lambda: translator.translate(["Hello.", wrong]),
        lambda: list(translator.translate_lines(iter(["Hello.", wrong]))),
        lambda: translator.score(["Hello.", wrong], ["a", "b"]),
    ):
        with pytest.raises(DataError, match=f"sentence {named}"):
            call()
    with pytest.raises(DataError, match=f"translation {named}"):
        translator.score(["Hello.", "there"], ["a", wrong])
    with pytest.raises(DataError, match=f"reference {named}"):
        corpus_scores(["a", "b"], ["a", wrong])
    with pytest.raises(DataError, match=f"translation {named}"):
        corpus_chrf(["a", wrong], ["a", "b"])
