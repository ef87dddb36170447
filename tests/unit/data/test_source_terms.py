"""Terms that are inserted into the sources of training pairs."""

from __future__ import annotations

import random
from itertools import pairwise, product

import numpy as np
import pytest

from regard.data.corpus import Corpus, Resampling
from regard.data.guided_links import GuidedLinks
from regard.data.source_noise import SourceNoise
from regard.data.source_terms import MAX_WORDS, SourceTerms, linked_spans
from regard.data.stream import BatchStream
from regard.text.source_terms import TERM_SYMBOLS, insert_terms, term_symbols
from regard.text.subword import Subword
from regard.values import Links, Pair

PAIR = ("The black cat sleeps, Tom!", "Le chat noir dort, Tom !")
LINKS: Links = ((0, 0), (1, 2), (2, 1), (3, 3), (4, 4), (4, 5))


@pytest.fixture(scope="module")
def subword() -> Subword:
    """A vocabulary with the symbols for terms, and with a tag."""
    return Subword.train([*PAIR] * 40, vocab_size=330, tags=("<web>", *TERM_SYMBOLS))


@pytest.fixture(scope="module")
def corpus(subword: Subword) -> Corpus:
    """200 equal pairs."""
    return Corpus.encode([Pair(*PAIR, row + 1) for row in range(200)], subword, subword, max_len=80)


def guided(subword: Subword, links: Links = LINKS, count: int = 200) -> GuidedLinks:
    """Equal links of all pairs."""
    return GuidedLinks.from_links([links] * count, subword, subword)


def terms(subword: Subword, share: float = 0.5, *, links: Links = LINKS, max_len: int = 80) -> SourceTerms:
    """Terms in a share of the sources."""
    return SourceTerms(share, guided(subword, links), subword, max_len)


def texts(corpus: Corpus, subword: Subword) -> list[str]:
    """Sources of a corpus, with the symbols as brackets."""
    names = dict.fromkeys(term_symbols(subword) or (), "")
    names |= dict(zip(names, ("▁[", "]"), strict=True))
    return ["".join(names.get(i, subword.pieces[i]) for i in row) for row in map(corpus.src_ids, range(len(corpus)))]


def spans_by_trying_all(links: list[tuple[int, int]]) -> set[tuple[int, int, int, int]]:
    """Spans of which each word has a link, and that no link leaves, found by trying all."""
    ends = range(9)
    found = set()
    for a, b, c, d in product(ends, ends, ends, ends):
        if not (0 < b - a <= MAX_WORDS and 0 < d - c <= MAX_WORDS):
            continue
        inside = [(src, tgt) for src, tgt in links if a <= src < b or c <= tgt < d]
        is_closed = all(a <= src < b and c <= tgt < d for src, tgt in inside)
        if is_closed and {src for src, _ in inside} == {*range(a, b)} and {tgt for _, tgt in inside} == {*range(c, d)}:
            found.add((a, b, c, d))
    return found


def test_linked_spans_are_those_found_by_trying_all() -> None:
    choose = random.Random(1)
    num_found = 0
    for _ in range(100):
        links = sorted({(choose.randrange(8), choose.randrange(8)) for _ in range(choose.randint(0, 9))})
        spans = linked_spans(links)
        assert len(spans) == len(set(spans))
        assert set(spans) == spans_by_trying_all(links)
        num_found += len(spans)
    assert num_found > 100


def test_terms_stand_behind_their_words_and_before_marks(corpus: Corpus, subword: Subword) -> None:
    plain = texts(corpus, subword)[0].replace("▁", " ")
    seen = set()
    for text in texts(terms(subword, 1.0).apply(corpus, seed=1, epoch=0), subword):
        parts = text.replace("▁", " ").split(" [")
        outside = parts[0] + "".join(part.split("]", 1)[1] for part in parts[1:])
        assert outside == plain
        assert 1 <= len(parts) - 1 <= 3
        seen |= {(before.split("]")[-1].split(" ")[-1], part.split("]")[0]) for before, part in pairwise(parts)}
    assert ("cat", " chat noir") in seen
    assert ("sleeps", " dort") in seen
    assert ("Tom", " Tom") in seen
    assert ("black", " noir") in seen
    assert {term for _, term in seen} <= {
        " Le", " noir", " chat", " chat noir", " Le chat noir", " chat noir dort", " dort", " dort, Tom", " Tom",
    }  # fmt: skip


def test_a_share_of_the_sources_gets_terms_and_no_target(corpus: Corpus, subword: Subword) -> None:
    longer = terms(subword).apply(corpus, seed=1, epoch=0)
    assert 70 < (longer.src_lens > corpus.src_lens).sum() < 130
    assert np.array_equal(longer.tgt.values, corpus.tgt.values)
    assert terms(subword, 0.0).apply(corpus, seed=1, epoch=0) is corpus


def test_terms_depend_on_seed_epoch_and_row_only(corpus: Corpus, subword: Subword) -> None:
    first = texts(terms(subword).apply(corpus, seed=1, epoch=3), subword)
    assert texts(terms(subword).apply(corpus, seed=1, epoch=3), subword) == first
    assert texts(terms(subword).apply(corpus, seed=2, epoch=3), subword) != first
    assert texts(terms(subword).apply(corpus, seed=1, epoch=4), subword) != first
    shorter = Corpus.encode(list(corpus.pairs[:50]), subword, subword, max_len=80)
    assert texts(terms(subword).apply(shorter, seed=1, epoch=3), subword) == first[:50]


def test_sources_without_links_or_room_stay(corpus: Corpus, subword: Subword) -> None:
    for own in (terms(subword, 1.0, links=()), terms(subword, 1.0, max_len=int(corpus.src_lens[0]))):
        assert np.array_equal(own.apply(corpus, seed=1, epoch=0).src.values, corpus.src.values)


def test_tags_before_a_source_are_words_without_links(subword: Subword) -> None:
    tagged = Corpus.encode([Pair(f"<web> {PAIR[0]}", PAIR[1], 1)] * 200, subword, subword, max_len=80)
    shifted: Links = tuple((src + 1, tgt) for src, tgt in LINKS)
    found = texts(terms(subword, 1.0, links=shifted).apply(tagged, seed=1, epoch=0), subword)
    assert all(text.startswith("▁<web>▁The") for text in found)
    assert any("black▁[▁noir]" in text for text in found)


def stream(corpus: Corpus, subword: Subword, own: SourceTerms | None, *, noise: float = 0.0) -> BatchStream:
    """A stream with guided alignment."""
    return BatchStream(
        corpus,
        batch_tokens=300,
        seed=5,
        specials=subword.specials,
        guided_links=guided(subword),
        noise=SourceNoise(noise, subword, 80, ("unpunctuated",)) if noise else None,
        terms=own,
    )


@pytest.mark.parametrize("sampled", [False, True])
def test_a_restored_stream_continues_with_the_same_terms(corpus: Corpus, subword: Subword, sampled: bool) -> None:
    if sampled:
        resampling = Resampling(subword, subword, 0.2, 80)
        corpus = Corpus(corpus.src, corpus.tgt, corpus.pairs, resampling=resampling)
    first, restored, skipped = (stream(corpus, subword, terms(subword, 0.9)) for _ in range(3))
    for _ in range(first.batches_per_epoch + 3):  # into the second epoch
        next(first)
    restored.restore(first.state())
    skipped.skip(skipped.batches_per_epoch + 3)
    batch = next(first)
    assert set(term_symbols(subword) or ()) < set(batch.src_ids.flatten().tolist())
    for other in (restored, skipped):
        assert next(other).src_ids.equal(batch.src_ids)


def test_guided_alignment_links_the_own_subwords_of_words(corpus: Corpus, subword: Subword) -> None:
    """Without the columns of the terms, the attention to train towards is that of the source without terms."""
    targets = next(stream(corpus, subword, None)).alignment_targets
    assert targets is not None
    shape = (int(corpus.tgt_lens[0]) + 1, int(corpus.src_lens[0]) + 1)
    plain = np.zeros(shape)
    for (number, step, column), value in zip(targets.indices.t().tolist(), targets.values.tolist(), strict=True):
        plain[step, column] += value * (number == 0)
    assert plain.sum() > 5
    with_terms = stream(corpus, subword, terms(subword, 1.0))
    begin, end = term_symbols(subword) or (0, 0)
    for _ in range(5):
        batch = next(with_terms)
        assert batch.alignment_targets is not None
        matrix = np.zeros((len(batch.src_ids), shape[0], batch.src_ids.shape[1]))
        found = batch.alignment_targets
        for place, value in zip(found.indices.t().tolist(), found.values.tolist(), strict=True):
            matrix[tuple(place)] += value
        for number, row in enumerate(batch.src_ids.tolist()):
            inside, own = False, []
            for column, token in enumerate(row):
                inside = inside or token == begin
                own += [] if inside or token == subword.specials.pad else [column]
                inside = inside and token != end
            assert len(own) < len(row)
            assert np.allclose(matrix[number][:, own], plain)
            assert np.isclose(matrix[number].sum(), plain.sum())


def test_noise_that_removes_a_word_leaves_the_others_their_terms(subword: Subword) -> None:
    pairs = [Pair("The cat !", "Le chat !", row + 1) for row in range(200)]
    corpus = Corpus.encode(pairs, subword, subword, max_len=80)
    own = terms(subword, 1.0, links=((0, 0), (1, 1), (2, 2)))
    batch = next(stream(corpus, subword, own, noise=1.0))
    for row in batch.src_ids.tolist():
        text = subword.decode(row).text
        assert text.startswith("The")
        assert "!" not in text


def test_a_vocabulary_without_symbols_has_none(subword: Subword) -> None:
    assert term_symbols(Subword.train([*PAIR] * 40, vocab_size=330, tags=("<web>",))) is None
    assert insert_terms([1, 2], ()) == [1, 2]
    begin, end = term_symbols(subword) or (0, 0)
    assert begin != end
    assert {begin, end}.isdisjoint(subword.encode(f"{PAIR[0]} <web> [x]").ids)
