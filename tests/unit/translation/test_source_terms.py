"""Terms that are written into the sources of translations instead of constraining the search."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
import torch
from random_translators import ENGLISH, FRENCH, random_model

from regard.errors import SearchError
from regard.search.beam import BeamOptions
from regard.search.constraints import Constraints, Term
from regard.search.engine import Engine
from regard.search.prefix import WordEnd
from regard.search.sample import SampleOptions
from regard.search.term_batch import SearchConstraints
from regard.text.source_terms import TERM_SYMBOLS, Insertion, insert_terms, term_symbols
from regard.text.subword import Subword
from regard.translation.glossary import Glossary
from regard.translation.glossary_files import parse_entry
from regard.translation.result import Segment, Translation, concatenate
from regard.translation.source_terms import source_insertions, without_insertions
from regard.translation.translator import Translator
from regard.values import Hypothesis

LINE = ENGLISH[0]


class RecordingEngine:
    """An engine that records the sources and constraints of the searches of another one."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.sources: list[list[int]] = []
        self.limits: list[int] = []
        self.constraints: list[SearchConstraints | None] = []

    def search(
        self,
        sources: Sequence[Sequence[int]],
        limits: Sequence[int],
        options: BeamOptions | SampleOptions,
        *,
        need_weights: bool,
        need_scores: bool = True,
        prefixes: Sequence[Sequence[int]] | None = None,
        word_end: WordEnd | None = None,
        constraints: SearchConstraints | None = None,
    ) -> list[list[Hypothesis]]:
        self.sources += map(list, sources)
        self.limits += limits
        self.constraints.append(constraints)
        return self.engine.search(
            sources, limits, options, need_weights=need_weights, need_scores=need_scores, prefixes=prefixes,
            word_end=word_end, constraints=constraints,
        )  # fmt: skip

    force = None


@pytest.fixture(scope="module")
def subword() -> Subword:
    """A vocabulary with the symbols for terms."""
    return Subword.train((ENGLISH + FRENCH) * 5, vocab_size=322, tags=TERM_SYMBOLS)


@pytest.fixture(scope="module")
def translator(subword: Subword) -> Translator:
    """A translator that reads terms."""
    return Translator.of([random_model("bahdanau", subword)])


@pytest.fixture
def engine(translator: Translator) -> RecordingEngine:
    """An engine that records."""
    return RecordingEngine(translator.engine)


def recording(translator: Translator, engine: RecordingEngine) -> Translator:
    """The translator with an engine that records."""
    return translator.with_engine(engine)  # type: ignore[arg-type]  # it does not force


def glossary(*rows: tuple[str, str] | tuple[str, str, str]) -> Glossary:
    """A glossary of rows: source, target, flags."""
    return Glossary(parse_entry(*row) for row in rows)


def spelled(ids: Sequence[int], subword: Subword) -> str:
    """Subwords as text, with brackets for the symbols."""
    names = dict(zip(term_symbols(subword) or (), ("▁[", "]"), strict=True))
    text = "".join(names.get(i, subword.pieces[i]) for i in ids).replace("▁", " ").strip()
    return re.sub("<0x([0-9A-F]{2})>", lambda match: chr(int(match[1], 16)), text)


def test_the_first_translation_stands_behind_the_term(
    translator: Translator, engine: RecordingEngine, subword: Subword
) -> None:
    terms = glossary(("cat", "lapin|chat"), ("big bed", "grand lit"), ("sleeps", "!dort"))
    lines = [f"{LINE}.", "no term"]
    recording(translator, engine).translate(lines, beam=1, glossary=terms, terms_in_source=True)
    assert [spelled(ids, subword) for ids in engine.sources] == [
        "the cat [ lapin] sleeps on the big bed [ grand lit].",
        "no term",
    ]
    [constraints] = engine.constraints
    assert constraints is not None
    assert all(own is not None and own.include == () for own in constraints.of_sentence)
    assert [term.alternatives for term in (constraints.of_sentence[0] or Constraints()).exclude] == [("dort",)]


def test_the_search_is_not_constrained_and_has_the_same_limits(translator: Translator, engine: RecordingEngine) -> None:
    recorded = recording(translator, engine)
    recorded.translate(LINE, beam=2, glossary=glossary(("cat", "lapin")), terms_in_source=True)
    assert engine.constraints == [None]
    recorded.translate(LINE, beam=2)
    assert engine.limits[0] == engine.limits[1]
    assert len(engine.sources[0]) > len(engine.sources[1])


def test_a_text_cannot_spell_the_symbols(translator: Translator, engine: RecordingEngine, subword: Subword) -> None:
    begin, end = TERM_SYMBOLS
    recording(translator, engine).translate(f"the cat {begin} lapin {end}", beam=1)
    assert spelled(engine.sources[0], subword) == "the cat lapin"


def test_attention_and_alignment_are_those_of_the_source_of_the_user(translator: Translator, subword: Subword) -> None:
    terms = glossary(("cat", "lapin"), ("big bed", "grand lit"))
    [plain] = translator.translate(LINE, beam=2, attention=True)
    [found] = translator.translate(LINE, beam=2, attention=True, glossary=terms, terms_in_source=True)
    assert plain.attention is not None
    assert found.attention is not None
    assert found.source == LINE
    assert found.attention.src == plain.attention.src == subword.encode(LINE)
    for layer in found.attention.layers:
        assert layer.shape[-1] == len(subword.encode(LINE).ids) + 1
        assert torch.allclose(layer.sum(-1), torch.ones(()), atol=1e-5)
    assert found.alignment
    assert max(src for src, _ in found.alignment) < len(LINE.split())


def test_attention_to_a_term_is_divided_among_its_source_subwords() -> None:
    """Compared with plain loops."""
    insertions = (Insertion(1, 3, (7, 8, 9)), Insertion(3, 4, (7, 9)))
    inserted, single = (1, 3), (3, 4)
    places = [(0, 1), (1, 2), (2, 3), inserted, inserted, inserted, (3, 4), single, single, (4, 5)]
    assert insert_terms([10, 11, 12, 13], insertions) == [10, 11, 12, 7, 8, 9, 13, 7, 9]
    weights = torch.rand(2, 3, len(places), generator=torch.Generator().manual_seed(1))
    expected = torch.zeros(2, 3, 5)
    for column, (first, end) in enumerate(places):
        for own in range(first, end):
            expected[..., own] += weights[..., column] / (end - first)
    [found] = without_insertions(Hypothesis((1,), 0.0, (0.0,), (weights,)), insertions).weights
    assert torch.allclose(found, expected)


def test_what_a_translation_lacks_is_reported(translator: Translator) -> None:
    terms = glossary(("cat", "xyz"))
    [found] = translator.translate(LINE, beam=1, glossary=terms, terms_in_source=True)
    assert found.unmet == ("xyz",)
    assert any("lacks the term 'xyz', which the model did not take over" in warning for warning in found.warnings)
    text = found.text.split()[0]
    [met] = translator.translate(f"cat {LINE}", beam=1, glossary=glossary(("cat", text)), terms_in_source=True)
    assert met.unmet == (() if text.lower() in met.text.lower().split() else (text,))


def test_unused_terms_of_segments_are_those_of_their_line(subword: Subword) -> None:
    found = [Translation("a", "un", 0.0)]
    segments = [
        Segment(1, number, subword.encode("a"), found, source_terms=(Term((text,)),))
        for number, text in enumerate(("un", "deux"))
    ]
    assert concatenate("a a", segments).unmet == ("deux",)


@pytest.mark.parametrize(("room", "expected"), [(3, []), (4, ["grand"]), (7, ["grand"]), (8, ["grand", "lit"])])
def test_terms_without_room_are_left_out(subword: Subword, room: int, expected: list[str]) -> None:
    source = subword.encode("the big bed")
    terms = (Term(("lit",), (8, 11)), Term(("grand",), (4, 7)))
    costs = [len(subword.encode(text).ids) + 2 for text in ("grand", "lit")]
    limit = len(source.ids) + {3: costs[0] - 1, 4: costs[0], 7: sum(costs) - 1, 8: sum(costs)}[room]
    found = source_insertions(Segment(1, 0, source, source_terms=terms), subword, limit=limit)
    assert [subword.decode(insertion.ids).text for insertion in found] == expected


def test_a_sentence_in_capitals_is_read_in_ordinary_case(
    translator: Translator, engine: RecordingEngine, subword: Subword
) -> None:
    terms = glossary(("cat", "lapin", "case"), ("CAT", "LAPIN", "case"), ("big", "grand"))
    [found] = recording(translator, engine).translate(LINE.upper(), beam=1, glossary=terms, terms_in_source=True)
    assert found.read_as == LINE
    assert spelled(engine.sources[0], subword) == "the cat [ LAPIN] sleeps on the big [ grand] bed"


def test_sampling_reads_terms_although_it_refuses_constraints(translator: Translator, engine: RecordingEngine) -> None:
    terms = glossary(("cat", "lapin"))
    recorded = recording(translator, engine)
    sample = SampleOptions(num_samples=2)
    recorded.translate(LINE, sample=sample, glossary=terms, terms_in_source=True)
    with pytest.raises(SearchError, match="sampling cannot use a glossary or terms"):
        recorded.translate(LINE, sample=sample, glossary=terms)


def test_other_models_are_refused(random_translator: Translator) -> None:
    with pytest.raises(SearchError, match=r"terms_in_source: .*train\.terms"):
        random_translator.translate(LINE, glossary=glossary(("cat", "lapin")), terms_in_source=True)
    with pytest.raises(SearchError, match="terms_in_source"):  # whether or not a sentence has terms
        random_translator.translate("no", glossary=glossary(("cat", "lapin")), terms_in_source=True)
