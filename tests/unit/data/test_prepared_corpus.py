"""Prepared corpora: shards hold exactly what was encoded, rows are found, and damage is an error."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from prepared_shards import prepare

from regard.data.corpus import Corpus
from regard.data.hashes import text_hash
from regard.data.prepared import corpus as prepared_corpus
from regard.data.prepared.corpus import PreparedCorpus
from regard.data.prepared.manifest import ShardEntry, read_manifest
from regard.data.prepared.shard import ShardContent, block_offsets, narrowed, write_shard
from regard.data.prepared.text_part import PartWriter, TextPart
from regard.errors import CheckpointError
from regard.text.subword import Subword
from regard.values import Pair


@pytest.fixture
def many(pairs: list[Pair]) -> list[Pair]:
    """More pairs than two blocks of offsets."""
    return [Pair(f"{pair.src} {n}", f"{pair.tgt} {n}", n * 180 + pair.line) for n in range(13) for pair in pairs]


@pytest.fixture
def directory(tmp_path: Path, many: list[Pair], subword: Subword) -> Path:
    prepare(tmp_path, [many[:2100], many[2100:]], subword)
    return tmp_path


def test_rows_are_those_of_the_text(directory: Path, many: list[Pair], subword: Subword) -> None:
    corpus, expected = PreparedCorpus(directory), Corpus.encode(many, subword, subword, max_len=60)
    assert len(corpus) == len(many) == 2340
    for row in [*range(0, 2340, 7), 1023, 1024, 2047, 2048, 2099, 2100, 2339]:
        src, tgt = corpus.pair_ids(row)
        assert src.dtype == tgt.dtype == np.int32
        assert (src.tolist(), tgt.tolist()) == (expected.src[row].tolist(), expected.tgt[row].tolist())
        assert corpus.src_ids(row).tolist() == src.tolist()
        assert corpus.tgt_ids(row).tolist() == tgt.tolist()
        assert corpus.pair(row) == many[row]
        assert corpus.origin(row) == ("text", many[row].line)
    rows = np.random.default_rng(1).integers(0, 2340, 500)
    src_lens, tgt_lens = corpus.lengths(rows)
    assert src_lens.tolist() == expected.src_lens[rows].tolist()
    assert tgt_lens.tolist() == expected.tgt_lens[rows].tolist()
    with pytest.raises(IndexError, match="expected a row number from 0 to 2339, got 2340"):
        corpus.pair_ids(2340)


def test_text_is_stored_only_if_it_is_needed(tmp_path: Path, many: list[Pair], subword: Subword) -> None:
    [small] = prepare(tmp_path, [many], subword, with_text=False)
    assert PreparedCorpus(tmp_path).texts(5) is None
    assert PreparedCorpus(tmp_path).pair(5) is None
    [large] = prepare(tmp_path / "text", [many], subword)
    num_bytes = sum(len(text.encode()) for pair in many for text in (pair.src, pair.tgt))
    assert large.size - small.size == pytest.approx(num_bytes + 4 * len(many), abs=400)
    num_ids = sum(int(lens.sum()) for lens in PreparedCorpus(tmp_path).lengths(np.arange(len(many))))
    assert small.size == pytest.approx(2 * num_ids + 8 * len(many), abs=700)


def test_pairs_that_are_held_out_or_too_long_are_dropped(tmp_path: Path, pairs: list[Pair], subword: Subword) -> None:
    odd = [Pair("cat " * 80, "chat", 500), Pair("cat", "chat " * 80, 501)]
    prepare(tmp_path, [[*pairs, *odd]], subword, held_out=(pairs[3].src, pairs[9].src))
    corpus = PreparedCorpus(tmp_path)
    kept = [pair for pair in pairs if pair.src not in (pairs[3].src, pairs[9].src)]
    assert [corpus.pair(row) for row in range(len(corpus))] == kept


def test_few_shards_are_open_at_a_time(
    tmp_path: Path, many: list[Pair], subword: Subword, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(tmp_path, [many[start : start + 100] for start in range(0, 2340, 100)], subword)
    monkeypatch.setattr(prepared_corpus, "_MAX_OPEN", 3)
    monkeypatch.setattr(prepared_corpus, "_RELEASE_AFTER", 5)
    corpus = PreparedCorpus(tmp_path)
    for row in np.random.default_rng(1).permutation(2340).tolist():
        assert corpus.texts(row) == (many[row].src, many[row].tgt)
        assert len(corpus._open) <= 3


def test_every_changed_byte_is_noticed_when_the_shard_is_read(directory: Path) -> None:
    path = directory / "part-00001.safetensors"
    data = path.read_bytes()
    for position in np.random.default_rng(1).integers(0, len(data), 40).tolist():
        changed = bytearray(data)
        changed[position] ^= 4
        path.write_bytes(changed)
        corpus = PreparedCorpus(directory)
        corpus.pair_ids(0)  # of the other shard
        with pytest.raises(
            CheckpointError, match=r"part-00001.safetensors: damaged: its content does not match its hash"
        ):
            corpus.pair_ids(2200)
        with pytest.raises(CheckpointError, match="damaged"):
            PreparedCorpus(directory).check()


def test_a_missing_or_short_shard_is_noticed_at_once(directory: Path) -> None:
    path = directory / "part-00001.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match=r"part-00001.*expected \d+ bytes, found \d+: run `regard data prepare`"):
        PreparedCorpus(directory)
    path.unlink()
    with pytest.raises(CheckpointError, match=r"part-00001.*cannot be read: No such file"):
        PreparedCorpus(directory)


@pytest.mark.parametrize("change", ["lens", "ids", "offsets"])
def test_a_shard_that_contradicts_itself_is_refused(directory: Path, subword: Subword, change: str) -> None:
    """Also one whose hash is that in the manifest."""
    lens = np.full((5, 2), 2, np.int64)
    ids = np.full(20, 9, np.uint32)
    if change == "ids":
        ids[3] = len(subword)
    if change == "lens":
        lens[4, 1] = 3
    path = directory / "part-00001.safetensors"
    write_shard(path, ShardContent(ids, lens, np.arange(5)), {})
    if change == "offsets":
        data = bytearray(path.read_bytes())
        at = len(data) - 20 * 2 - 5 * 2 * 2 - 5 * 4 - 8
        assert data[at : at + 8] == bytes(8)
        data[at] = 1
        path.write_bytes(data)
    manifest = read_manifest(directory)
    entry = ShardEntry(0, 5, path.stat().st_size, prepared_corpus.file_hash(path))
    corpus = replace(manifest.corpora[0], num_pairs=manifest.shards[0].num_pairs + 5)
    replace(manifest, shards=(manifest.shards[0], entry), corpora=(corpus,)).write(directory)
    with pytest.raises(CheckpointError, match=r"part-00001.safetensors: damaged"):
        PreparedCorpus(directory).pair_ids(2102)


CHANGES: list[dict[str, object]] = [
    {"format": 2},
    {"format": "1"},
    {"shards": 3},
    {"shards": [{"corpus": 0, "num_pairs": -1, "size": 3, "sha256": "0" * 64}]},
    {"shards": [{"corpus": 1, "num_pairs": 1, "size": 3, "sha256": "0" * 64}]},
    {"shards": [{"corpus": 0, "num_pairs": 1, "size": 3, "sha256": "../x"}]},
    {"shards": [{"corpus": 0, "num_pairs": True, "size": 3, "sha256": "0" * 64}]},
    {"shards": [{"corpus": 0, "num_pairs": 2**62, "size": 3, "sha256": "0" * 64}]},
    {"shards": []},
    {"corpora": None},
    {"vocab_sizes": [1]},
    {"vocabularies": ["x", "y"]},
    {"dropped": {"x": -2}},
    {"notes": [3]},
    {"num_validation": 1.5},
    {"options": 7},
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_damaged_manifest_is_refused(directory: Path, change: dict[str, object]) -> None:
    path = directory / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(CheckpointError, match=r"manifest.json: (expected|not valid)"):
        PreparedCorpus(directory)


def test_a_manifest_without_a_part_is_refused(directory: Path) -> None:
    path = directory / "manifest.json"
    tree = json.loads(path.read_text())
    for key in tree:
        path.write_text(json.dumps({name: value for name, value in tree.items() if name != key}))
        with pytest.raises(CheckpointError, match=r"manifest.json: expected the manifest of a prepared corpus"):
            PreparedCorpus(directory)
    path.unlink()
    with pytest.raises(CheckpointError, match=r"manifest.json: no such file: run `regard data prepare`"):
        PreparedCorpus(directory)


def test_the_hash_of_a_corpus_is_that_of_its_content(directory: Path) -> None:
    manifest = read_manifest(directory)
    moved = replace(manifest, corpora=(replace(manifest.corpora[0], name="moved"),), notes=("other",))
    assert moved.content_hash() == manifest.content_hash()
    assert replace(manifest, num_validation=1).content_hash() != manifest.content_hash()


def test_numbers_are_stored_in_as_few_bytes_as_fit() -> None:
    for largest, size in ((0, 2), (65_535, 2), (65_536, 4), (2**32 - 1, 4), (2**32, 8)):
        assert narrowed(np.array([0, largest], np.uint64)).itemsize == size
    assert narrowed(np.array([1]), least=4).itemsize == 4
    assert block_offsets(np.full((2049, 2), 3)).tolist() == [0, 6144, 12288]
    assert block_offsets(np.zeros((0, 2), np.int64)).tolist() == []


def test_a_part_of_text_is_read_as_it_was_written(tmp_path: Path, many: list[Pair]) -> None:
    writer = PartWriter(tmp_path / "part")
    pairs = [*many[:50], Pair("same é", "same é", 2**33), Pair("", "empty", 3), Pair("12", "٣ — 4", 5)]
    writer.add((pair.src, pair.tgt, pair.line) for pair in pairs)
    assert len(writer) == 52
    writer.write(job="x")
    part = TextPart(tmp_path / "part")
    assert list(part.pairs(np.arange(51))) == pairs[:51]
    assert list(part.pairs(np.array([7, 50]))) == [many[7], Pair("same é", "same é", 2**33)]
    assert part.metadata["num_equal"] == 1
    assert part.metadata["num_without_letters"] == [1, 1]
    assert part.metadata["num_chars"][0] == sum(len(pair.src) for pair in many[:50]) + 8
    assert part.keys[50, 0] == part.keys[50, 1] == text_hash("same é")
    for rows in (list(range(52)), [51], [0, 3, 50, 51]):
        [(block, sources, targets)] = part.blocks(np.array(rows))
        assert block.tolist() == rows
        expected = [*pairs[:51], pairs[-1]]
        assert list(zip(sources, targets, strict=True)) == [(expected[row].src, expected[row].tgt) for row in rows]
