"""Shortlists from a model's attention: their content, and that only a matching model accepts them."""

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


def test_content(workshop: Path, translator: Translator, tmp_path: Path) -> None:
    sources, targets = _lines(workshop / "train.en"), _lines(workshop / "train.fr")
    table = make_shortlist(translator, sources, [*targets[:-1], ""], links=5, frequent=20)
    assert table.num_always == 4 + 256 + 20
    [src, *_] = translator.src_subword.encode_ids(sources[:1])
    [tgt, *_] = translator.tgt_subword.encode_ids(targets[:1])
    assert bool(table.allowed(torch.tensor([src]))[0, src].all())  # with a shared vocabulary, so that it can be copied
    record = translator.score(sources[0], targets[0])[0].attention
    assert record is not None
    matrix = record.matrix()
    best = int(matrix[: len(tgt), 0].argmax())
    if matrix[best, 0] >= 0.05:
        assert tgt[best] in table.candidates[src[0]].tolist() or tgt[best] in table.ranking[: table.num_always].tolist()
    path = tmp_path / "short"
    write_shortlist(path, table, translator)
    reread = read_shortlist(path, translator)
    assert torch.equal(reread.candidates, table.candidates)
    assert torch.equal(reread.ranking, table.ranking)
    assert reread.num_always == table.num_always
    restricted, unrestricted = (
        each.translate(sources[:3], beam=1) for each in (shortlisted(translator, table), translator)
    )
    assert [translation.source for translation in restricted] == [translation.source for translation in unrestricted]


def test_links_have_the_largest_attention(translator: Translator) -> None:
    """Against loops over one pair."""
    src, tgt = "the cat sleeps .", "le chat dort ."
    record = translator.score(src, tgt)[0].attention
    assert record is not None
    weights = record.matrix().tolist()
    table = make_shortlist(translator, [src], [tgt], links=2)
    for position, src_id in enumerate(record.src.ids):
        sums: dict[int, float] = {}
        for column, other_id in enumerate(record.src.ids):
            for row, tgt_id in enumerate(record.tgt.ids):
                if other_id == src_id and weights[row][column] >= 0.05:
                    sums[tgt_id] = sums.get(tgt_id, 0.0) + weights[row][column]
        best = sorted(sums, key=lambda tgt_id: -sums[tgt_id])[:2]
        assert table.candidates[src_id].tolist() == [
            src_id,
            *best,
            *[translator.tgt_subword.specials.eos] * (2 - len(best)),
        ], position


def test_shifted_readouts_link_the_row_of_the_next_step(workshop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    translator = load(workshop / "model", device="cpu")
    [scored] = translator.score("the cat sleeps .", "le chat dort .")
    assert scored.attention is not None
    src, tgt = scored.attention.src.ids, scored.attention.tgt.ids
    weights = torch.zeros(1, len(tgt) + 1, len(src) + 1)
    for position in range(len(src)):
        weights[0, position + 1, position] = 1.0  # the step whose input is a word attends to its source
    shifted_attention = replace(scored, attention=replace(scored.attention, layers=(weights,)))
    monkeypatch.setattr(translator, "score", lambda *_, **__: [shifted_attention])
    for shifted in (False, True):
        translator.readout = replace(translator.readout, shifted=shifted)
        table = make_shortlist(translator, [""], [""], links=1)
        linked = tgt[0] if shifted else tgt[1]
        assert table.candidates[src[0]].tolist() == [src[0], linked]


def test_shortlists_of_other_vocabularies_are_refused(translator: Translator, tmp_path: Path) -> None:
    path = tmp_path / "short"
    with pytest.raises(CheckpointError):
        read_shortlist(path, translator)
    write_tensors(path, {"linked": torch.zeros(1)})
    with pytest.raises(CheckpointError, match="not a shortlist"):
        read_shortlist(path, translator)
    write_tensors(path, {}, metadata={"shortlist": '{"always": 3, "src": "a", "tgt": "b"}'})
    with pytest.raises(SearchError, match="other vocabularies"):
        read_shortlist(path, translator)


def test_damaged_shortlists_are_refused(translator: Translator, tmp_path: Path) -> None:
    path = tmp_path / "short"
    write_shortlist(path, make_shortlist(translator, ["the cat"], ["le chat"]), translator)
    tensors, metadata = read_tensors(path)
    tensors = {name: tensor.clone() for name, tensor in tensors.items()}
    linked, order = tensors["linked"], tensors["order"]
    for new_tensors, new_metadata, message in (
        ({"linked": linked[:-1]}, {}, "expected int32 tensors"),
        ({"linked": linked[0]}, {}, "expected int32 tensors"),
        ({"linked": torch.tensor(3, dtype=torch.int32)}, {}, "expected int32 tensors"),
        ({"linked": linked.float()}, {}, "expected int32 tensors"),
        ({"linked": linked + 10**6}, {}, "expected target ids from 0"),
        ({"order": order.clone().fill_(3)}, {}, "each of the .* target ids once"),
        ({"more": order}, {}, "damaged shortlist: expected a file"),
        ({}, {"always": -1}, "in every shortlist, got -1"),
        ({}, {"always": 10**12}, "in every shortlist, got 1000000000000"),
        ({}, {"always": True}, "damaged shortlist: expected a file"),
        ({}, {"always": "3"}, "damaged shortlist: expected a file"),
        ({}, {"always": None}, "damaged shortlist: expected a file"),
        ({}, {"src": 3}, "other vocabularies"),
    ):
        changed = {"shortlist": json.dumps({**json.loads(metadata["shortlist"]), **new_metadata})}
        write_tensors(path, {**tensors, **new_tensors}, metadata=changed)
        with pytest.raises(RegardError, match=f"short: .*{message}"):
            read_shortlist(path, translator)
    for text in ("[3]", "{", '{"always": 3, "always": 3}', "9" * 5000):
        write_tensors(path, tensors, metadata={"shortlist": text})
        with pytest.raises(RegardError, match="short: "):
            read_shortlist(path, translator)


def test_other_files_are_named(translator: Translator, tmp_path: Path) -> None:
    path = tmp_path / "short"
    with pytest.raises(CheckpointError, match="short: no such file"):
        read_shortlist(path, translator)
    for content, message in (
        (b"", "safetensors"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "a Git LFS pointer"),
        (b"\xfd7zXZ\0", "an .xz archive"),
        (b"the cat\tle chat\n", "safetensors"),
    ):
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match=f"short: .*{message}"):
            read_shortlist(path, translator)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(CheckpointError, match="short: expected a file, found a pipe"):
        read_shortlist(path, translator)
    with pytest.raises(CheckpointError, match="expected a file, found a directory"):
        read_shortlist(tmp_path, translator)


def test_pairs_without_attention_and_impossible_numbers_are_refused(translator: Translator) -> None:
    with pytest.raises(DataError, match="no attention was computed: a shortlist needs a model with attention"):
        make_shortlist(translator, [""], [""])
    with pytest.raises(DataError, match="got links=0 and frequent=300"):
        make_shortlist(translator, ["a"], ["b"], links=0)


def test_other_engines_are_refused(translator: Translator) -> None:
    of_other_engine = Translator(
        translator.engine,
        translator.src_subword,
        translator.tgt_subword,
        search=translator.search,
        limits=translator.limits,
    )
    table = make_shortlist(translator, ["the cat"], ["le chat"])
    with pytest.raises(SearchError, match="a trained model only, not with an export"):
        shortlisted(of_other_engine, table)
