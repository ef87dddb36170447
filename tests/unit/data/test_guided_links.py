"""Word links mapped to subwords: compared with offsets, for sampled segmentations; invalid files."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from regard.data.corpus import Corpus
from regard.data.guided_links import GuidedLinks, WordStarts, read_guided_links
from regard.data.stream import BatchStream
from regard.errors import DataError
from regard.text.subword import Subword
from regard.text.words import word_of_piece
from regard.values import Batch, Pair

SOURCES = [
    "How was your day ?",
    "I see a cat .",
    "unbelievably  long-winded sentences",
    "日本語 😀 ok",
    "The cat sees me .",
]
TARGETS = [
    "Comment s'est passée ta journée ?",
    "Je vois un chat .",
    "des phrases incroyables",
    "ça va",
    "Le chat me voit .",
]


@pytest.fixture(scope="module")
def subword() -> Subword:
    return Subword.train([*SOURCES, *TARGETS] * 3, vocab_size=320, seed=1)


@pytest.fixture(scope="module")
def pairs() -> list[Pair]:
    return [
        Pair(" ".join(src.split()), tgt, line) for line, (src, tgt) in enumerate(zip(SOURCES, TARGETS, strict=True), 1)
    ]


@pytest.mark.parametrize("alpha", [0.0, 0.1, 0.5])
def test_word_numbers_by_ids_equal_those_by_offsets(subword: Subword, alpha: float) -> None:
    starts = WordStarts(subword)
    for seed in range(10):
        for text in [*SOURCES, *TARGETS]:
            encoding = subword.encode(" ".join(text.split()), sample_alpha=alpha, seed=seed)
            assert tuple(starts.word_numbers(encoding.ids).tolist()) == word_of_piece(encoding)


@pytest.mark.parametrize("unlinked_to_eos", [False, True])
def test_targets_fit_any_segmentation(subword: Subword, pairs: list[Pair], unlinked_to_eos: bool) -> None:
    """Compares the sparse targets with a dense matrix computed from offsets."""
    links = [
        ((0, 0), (1, 1), (1, 2), (2, 3), (3, 4), (4, 5)),
        ((0, 0), (3, 3)),
        ((0, 2), (1, 2), (2, 1)),
        (),
        ((1, 1),),
    ]
    corpus = Corpus.encode(pairs, subword, subword, max_len=200, sample_alpha=0.2)
    guided_links = GuidedLinks.from_links(links, subword, subword, unlinked_to_eos=unlinked_to_eos)
    stream = BatchStream(corpus, batch_tokens=100, seed=1, specials=subword.specials, guided_links=guided_links)
    seen = set()
    for _ in range(4 * stream.batches_per_epoch):
        batch = next(stream)
        dense = torch.zeros(*batch.tgt_out_ids.shape, batch.src_ids.shape[1])
        assert batch.alignment_targets is not None
        dense[tuple(batch.alignment_targets.indices)] = batch.alignment_targets.values
        for number, row in enumerate(batch.indices):
            src_ids = batch.src_ids[number, : batch.src_len[number] - 1].tolist()
            tgt_ids = batch.tgt_out_ids[number, : batch.tgt_len[number] - 1].tolist()
            seen.add((row, tuple(src_ids), tuple(tgt_ids)))
            src_of, tgt_of = word_of_piece(subword.decode(src_ids)), word_of_piece(subword.decode(tgt_ids))
            for t in range(dense.shape[1]):
                tgt_word = tgt_of[t] if t < len(tgt_of) else None
                linked = [s for s, word in enumerate(src_of) if (word, tgt_word) in links[row]]
                if unlinked_to_eos and links[row] and tgt_word is not None and not linked:
                    linked = [len(src_ids)]
                expected = torch.zeros(dense.shape[2])
                expected[linked] = 1 / max(1, len(linked))
                torch.testing.assert_close(dense[number, t], expected)
    assert len(seen) > len(pairs)  # segmentations were sampled


def test_batches_move_their_targets_to_the_device(subword: Subword, pairs: list[Pair]) -> None:
    corpus = Corpus.encode(pairs, subword, subword, max_len=200)
    guided_links = GuidedLinks.from_links([((0, 0),)] * len(pairs), subword, subword)

    def first_batch(links: GuidedLinks | None) -> Batch:
        return next(BatchStream(corpus, batch_tokens=1000, seed=1, specials=subword.specials, guided_links=links))

    batch = first_batch(guided_links)
    moved = batch.to("cpu").alignment_targets
    assert moved is not None
    assert batch.alignment_targets is not None
    assert moved.indices.tolist() == batch.alignment_targets.indices.tolist()
    assert first_batch(None).alignment_targets is None
    empty = first_batch(GuidedLinks.from_links([()] * len(pairs), subword, subword)).alignment_targets
    assert empty is not None
    assert empty.indices.shape == (3, 0)


def read(path: Path, text: str, pairs: list[Pair], subword: Subword) -> tuple[GuidedLinks, list[str]]:
    path.write_text(text, encoding="utf-8")
    return read_guided_links(path, pairs, num_lines=5, src_subword=subword, tgt_subword=subword)


def test_links_beyond_their_sentence_are_left_out_with_a_note(
    tmp_path: Path, subword: Subword, pairs: list[Pair]
) -> None:
    path = tmp_path / "links"
    guided_links, notes = read(path, "0-0 9-1\n0-0 1-5\n\n\n0-0\n", pairs, subword)
    assert [guided_links.links[row].tolist() for row in range(5)] == [[0, 0], [0, 0], [], [], [0, 0]]
    assert notes == [
        f"{path}:1: link 9-1 was left out: the sentences have 5 and 6 words, counted from 0",
        f"{path}:2: link 1-5 was left out: the sentences have 5 and 5 words, counted from 0",
    ]


def test_many_invalid_links_are_counted(tmp_path: Path, subword: Subword, pairs: list[Pair]) -> None:
    invalid = " ".join(f"{i}-0" for i in range(50, 59))
    guided_links, notes = read(tmp_path / "links", f"0-0 {invalid}\n\n\n\n\n", pairs, subword)
    assert len(notes) == 6
    assert "4 more links" in notes[-1]
    assert guided_links.links[0].tolist() == [0, 0]


def test_word_numbers_from_1_are_detected(tmp_path: Path, subword: Subword, pairs: list[Pair]) -> None:
    guided_links, notes = read(tmp_path / "links", "1-1 5p6\n2-2\n\n\n\n", pairs, subword)
    assert guided_links.links[0].tolist() == [0, 0, 4, 5]
    assert not notes


def test_lines_of_left_out_pairs_are_skipped(tmp_path: Path, subword: Subword, pairs: list[Pair]) -> None:
    kept = [pairs[1], pairs[4]]
    guided_links, _ = read(tmp_path / "links", "99-99\n0-0\n\n\n1-1\n", kept, subword)
    assert [guided_links.links[row].tolist() for row in range(2)] == [[0, 0], [1, 1]]


def test_invalid_files_are_refused(tmp_path: Path, subword: Subword, pairs: list[Pair]) -> None:
    with pytest.raises(DataError, match=r"links has 2 lines but the training text has 5"):
        read(tmp_path / "links", "0-0\n\n", pairs, subword)
    with pytest.raises(DataError, match=r"links:2: expected links such as 0-0 .* got 'x'"):
        read(tmp_path / "links", "0-0\nx\n\n\n\n", pairs, subword)
    with pytest.raises(
        DataError, match=r"links: expected word links for guided alignment, found none for any of the 5"
    ):
        read(tmp_path / "links", "\n\n\n\n\n", pairs, subword)
    with pytest.raises(
        DataError, match=r"found none for any of the 5 training pairs: .*links:2: link 0-9 was left out"
    ):
        read(tmp_path / "links", "\n7-9 0-9\n\n\n\n", pairs, subword)
    with pytest.raises(DataError, match="missing"):
        read_guided_links(tmp_path / "missing", pairs, num_lines=5, src_subword=subword, tgt_subword=subword)
