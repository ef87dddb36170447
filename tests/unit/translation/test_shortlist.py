"""Shortlists made from a model's attention: what is in them, and that only their model takes them."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from regard.errors import CheckpointError, DataError, RegardError, SearchError
from regard.store.weights import read_tensors, write_tensors
from regard.translation.loading import load
from regard.translation.shortlist import make_shortlist, read_shortlist, shortlisted, write_shortlist
from regard.translation.translator import Translator


@pytest.fixture(scope="module")
def translator(workshop: Path) -> Translator:
    return load(workshop / "model", device="cpu")


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()[:60]


def test_what_is_in_it(workshop: Path, translator: Translator, tmp_path: Path) -> None:
    sources, targets = _lines(workshop / "train.en"), _lines(workshop / "train.fr")
    table = make_shortlist(translator, sources, [*targets[:-1], ""], links=5, frequent=20)
    assert table.num_always == 4 + 256 + 20
    [src, *_] = translator.src_subword.encode_ids(sources[:1])
    [tgt, *_] = translator.tgt_subword.encode_ids(targets[:1])
    assert bool(table.allowed(torch.tensor([src]))[0, src].all())  # one vocabulary: it can be copied
    read = translator.score(sources[0], targets[0])[0].attention
    assert read is not None
    matrix = read.matrix()
    best = int(matrix[: len(tgt), 0].argmax())
    if matrix[best, 0] >= 0.05:
        assert tgt[best] in table.candidates[src[0]].tolist() or tgt[best] in table.ranking[: table.num_always].tolist()
    path = tmp_path / "short"
    write_shortlist(path, table, translator)
    again = read_shortlist(path, translator)
    assert torch.equal(again.candidates, table.candidates)
    assert torch.equal(again.ranking, table.ranking)
    assert again.num_always == table.num_always
    whole = shortlisted(translator, table).translate(sources[:3], beam=1)
    assert [one.source for one in whole] == [one.source for one in translator.translate(sources[:3], beam=1)]


def test_every_link_is_that_of_the_greatest_attention(workshop: Path, translator: Translator) -> None:
    """Counted again by loops over one pair."""
    src, tgt = "the cat sleeps .", "le chat dort ."
    read = translator.score(src, tgt)[0].attention
    assert read is not None
    weights = read.matrix().tolist()
    table = make_shortlist(translator, [src], [tgt], links=2)
    for column, piece in enumerate(read.src.ids):
        sums: dict[int, float] = {}
        for place, other in enumerate(read.src.ids):
            for row, said in enumerate(read.tgt.ids):
                if other == piece and weights[row][place] >= 0.05:
                    sums[said] = sums.get(said, 0.0) + weights[row][place]
        best = sorted(sums, key=lambda one: -sums[one])[:2]
        assert table.candidates[piece].tolist() == [
            piece,
            *best,
            *[translator.tgt_subword.specials.eos] * (2 - len(best)),
        ], column


def test_a_head_that_is_read_a_step_later(workshop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    translator = load(workshop / "model", device="cpu")
    [read] = translator.score("the cat sleeps .", "le chat dort .")
    assert read.attention is not None
    src, tgt = read.attention.src.ids, read.attention.tgt.ids
    weights = torch.zeros(1, len(tgt) + 1, len(src) + 1)
    for place in range(len(src)):
        weights[0, place + 1, place] = 1.0  # the step that has read a word looks at its source
    later = replace(read, attention=replace(read.attention, layers=(weights,)))
    monkeypatch.setattr(translator, "score", lambda *_, **__: [later])
    for shifted in (False, True):
        translator.readout = replace(translator.readout, shifted=shifted)
        table = make_shortlist(translator, [""], [""], links=1)
        said = tgt[0] if shifted else tgt[1]
        assert table.candidates[src[0]].tolist() == [src[0], said]


def test_it_belongs_to_its_vocabularies(translator: Translator, workshop: Path, tmp_path: Path) -> None:
    path = tmp_path / "short"
    with pytest.raises(CheckpointError):
        read_shortlist(path, translator)
    write_tensors(path, {"linked": torch.zeros(1)})
    with pytest.raises(CheckpointError, match="no shortlist"):
        read_shortlist(path, translator)
    write_tensors(path, {}, metadata={"shortlist": '{"always": 3, "src": "a", "tgt": "b"}'})
    with pytest.raises(SearchError, match="other vocabularies"):
        read_shortlist(path, translator)


def test_a_table_that_is_damaged(translator: Translator, tmp_path: Path) -> None:
    path = tmp_path / "short"
    write_shortlist(path, make_shortlist(translator, ["the cat"], ["le chat"]), translator)
    tensors, metadata = read_tensors(path)
    tensors = {name: tensor.clone() for name, tensor in tensors.items()}
    note = json.loads(metadata["shortlist"])
    linked, order = tensors["linked"], tensors["order"]
    for spoilt, changed, told in (
        ({"linked": linked[:-1]}, {}, "expected whole numbers, links of"),
        ({"linked": linked[0]}, {}, "expected whole numbers, links of"),
        ({"linked": torch.tensor(3, dtype=torch.int32)}, {}, "expected whole numbers, links of"),
        ({"linked": linked.float()}, {}, "expected whole numbers"),
        ({"linked": linked + 10**6}, {}, "expected links to target subwords"),
        ({"order": order.clone().fill_(3)}, {}, "an order of all target subwords"),
        ({"more": order}, {}, "no whole shortlist"),
        ({}, {"always": -1}, "in every shortlist, got -1"),
        ({}, {"always": 10**12}, "in every shortlist, got 1000000000000"),
        ({}, {"always": True}, "no whole shortlist"),
        ({}, {"always": "3"}, "no whole shortlist"),
        ({}, {"always": None}, "no whole shortlist"),
        ({}, {"src": 3}, "other vocabularies"),
    ):
        write_tensors(path, {**tensors, **spoilt}, metadata={"shortlist": json.dumps({**note, **changed})})
        with pytest.raises(RegardError, match=f"short: .*{told}"):
            read_shortlist(path, translator)
    for text in ("[3]", "{", '{"always": 3, "always": 3}', "9" * 5000):
        write_tensors(path, tensors, metadata={"shortlist": text})
        with pytest.raises(RegardError, match="short: "):
            read_shortlist(path, translator)


def test_what_is_no_table_is_named(translator: Translator, tmp_path: Path) -> None:
    path = tmp_path / "short"
    with pytest.raises(CheckpointError, match="short: no such file"):
        read_shortlist(path, translator)
    for content, told in (
        (b"", "safetensors"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "a Git LFS pointer"),
        (b"\xfd7zXZ\0", "an .xz archive"),
        (b"the cat\tle chat\n", "safetensors"),
    ):
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match=f"short: .*{told}"):
            read_shortlist(path, translator)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(CheckpointError, match="short: expected a file, found a pipe"):
        read_shortlist(path, translator)
    with pytest.raises(CheckpointError, match="expected a file, found a directory"):
        read_shortlist(tmp_path, translator)


def test_what_it_cannot_be_made_of(translator: Translator) -> None:
    with pytest.raises(DataError, match="nothing was attended to"):
        make_shortlist(translator, [""], [""])
    with pytest.raises(DataError, match="got 0 and 300"):
        make_shortlist(translator, ["a"], ["b"], links=0)


def test_another_engine_has_none(translator: Translator) -> None:
    other = Translator(
        translator.engine,
        translator.src_subword,
        translator.tgt_subword,
        search=translator.search,
        limits=translator.limits,
    )
    table = make_shortlist(translator, ["the cat"], ["le chat"])
    with pytest.raises(SearchError, match="models of regard, not with exports"):
        shortlisted(other, table)
