"""Plans: chunks cover the input exactly, with any line ends and compression."""

from __future__ import annotations

import gzip
import hashlib
import os
from pathlib import Path

import pytest

from regard.errors import CheckpointError, DataError
from regard.recipes.chunks import plan
from regard.recipes.chunks.made_text import MadeText
from regard.recipes.chunks.plan import Plan, make_plan, read_plan, text_hash

TEXT = b"".join(b"line %d\n" % number for number in range(1, 2501))


def texts_of(made: Plan, text: Path) -> list[bytes]:
    data = text.read_bytes()
    return [data[chunk.start : chunk.start + chunk.size] for chunk in made.chunks]


@pytest.mark.parametrize(
    "text", [TEXT, TEXT[:-1], TEXT.replace(b"\n", b"\r\n"), b"a\n" * 1000, b"\n" * 1001, b"a", b""]
)
def test_chunks_follow_each_other_and_cover_the_text(tmp_path: Path, text: bytes) -> None:
    source = tmp_path / "in"
    source.write_bytes(text)
    made = make_plan(source, {}, tmp_path / "copy")
    assert b"".join(texts_of(made, source)) == text
    assert made.num_lines == len(text.splitlines())
    assert [chunk.num_lines for chunk in made.chunks[:-1]] == [1000] * (len(made.chunks) - 1)
    assert [chunk.first_line for chunk in made.chunks] == list(range(1, made.num_lines + 1, 1000))
    assert [chunk.sha256 for chunk in made.chunks] == [
        hashlib.sha256(part).hexdigest() for part in texts_of(made, source)
    ]
    assert made.sha256 == hashlib.sha256(text).hexdigest() == text_hash(source)
    assert not (tmp_path / "copy").exists()


def test_a_byte_order_mark_is_not_part_of_the_first_line(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.write_bytes(b"\xef\xbb\xbf" + TEXT)
    made = make_plan(source, {}, tmp_path / "copy")
    assert b"".join(texts_of(made, source)) == TEXT
    assert made.sha256 == hashlib.sha256(TEXT).hexdigest()


def test_a_compressed_input_is_copied_decompressed(tmp_path: Path) -> None:
    source, copy = tmp_path / "in.gz", tmp_path / "copy"
    source.write_bytes(gzip.compress(TEXT))
    made = make_plan(source, {}, copy)
    assert made.is_copied
    assert copy.read_bytes() == TEXT == b"".join(texts_of(made, copy))
    assert made.input[0][1] == source.stat().st_size


def test_chunks_of_long_inputs_have_more_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "in"
    source.write_bytes(TEXT)
    monkeypatch.setattr(plan, "_BYTES_PER_UNIT", len(TEXT) - 1)
    assert [chunk.num_lines for chunk in make_plan(source, {}, tmp_path / "copy").chunks] == [2000, 500]
    monkeypatch.setattr(plan, "_BYTES_PER_UNIT", 1)
    monkeypatch.setattr(plan, "_MAX_UNITS", 2)
    assert [chunk.num_lines for chunk in make_plan(source, {}, tmp_path / "copy").chunks] == [2000, 500]


def test_a_text_that_is_made_is_kept_and_cut_by_its_unit(tmp_path: Path) -> None:
    files, copy = (tmp_path / "a", tmp_path / "b"), tmp_path / "copy"
    for file, text in zip(files, ("x", "yz"), strict=True):
        file.write_text(text)
    made = make_plan(MadeText(files, lambda: TEXT.splitlines(keepends=True), 600), {}, copy)
    assert made.is_copied
    assert copy.read_bytes() == TEXT == b"".join(texts_of(made, copy))
    assert [chunk.num_lines for chunk in made.chunks] == [600, 600, 600, 600, 100]
    assert [(name, size) for name, size, _ in made.input] == [(str(files[0]), 1), (str(files[1]), 2)]
    made.write(tmp_path / "manifest.json")
    assert read_plan(tmp_path / "manifest.json")[0] == made


def test_a_plan_is_read_as_it_was_written(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.write_bytes(TEXT)
    made = make_plan(source, {"beam": "5"}, tmp_path / "copy")
    made.write(tmp_path / "manifest.json")
    found, plan_id = read_plan(tmp_path / "manifest.json")
    assert found == made
    assert plan_id == hashlib.sha256((tmp_path / "manifest.json").read_bytes()).hexdigest()


@pytest.mark.parametrize("text", ["{}", "[]", '{"format": 2, "chunks": 3}', '{"format": 1}', "{"])
def test_a_damaged_plan_says_what_to_do(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"remove the directory .* to start over"):
        read_plan(tmp_path / "manifest.json")


def test_a_pipe_is_refused(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(write)
    try:
        with pytest.raises(DataError, match="found a pipe or device: write the text to a file"):
            make_plan(Path(f"/dev/fd/{read}"), {}, tmp_path / "copy")
    finally:
        os.close(read)


def test_what_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in").write_text("how was your day\n", encoding="utf-16")
    with pytest.raises(DataError, match="expected UTF-8"):
        make_plan(tmp_path / "in", {}, tmp_path / "copy")
