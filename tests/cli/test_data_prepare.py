"""`regard data prepare` as a user types it."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from regard.text.subword import Subword

WORDS = {"one": "un", "dog": "chien", "cat": "chat", "sees": "voit", "big": "grand", "and": "et", "runs": "court"}
Run = Callable[..., Any]  # of the fixture in conftest.py, whose result has status, out and err


@pytest.fixture
def texts(tmp_path: Path) -> list[str]:
    draw = random.Random(1)
    rows = [draw.choices(list(WORDS), k=draw.randint(2, 8)) for _ in range(300)]
    for ending, lines in (("en", rows), ("fr", [[WORDS[word] for word in row] for row in rows])):
        (tmp_path / f"train.{ending}").write_text("".join(" ".join(line) + "\n" for line in lines) + "\n")
    words = [" ".join(row) for row in rows]
    Subword.train(words, vocab_size=300).save(tmp_path / "vocabulary")
    return ["--src", str(tmp_path / "train.en"), "--tgt", str(tmp_path / "train.fr")]


def test_text_is_prepared_and_checked(regard: Run, tmp_path: Path, texts: list[str]) -> None:
    out = tmp_path / "text"
    arguments = ("data", "prepare", *texts, "--out", str(out), "--vocabulary", str(tmp_path / "vocabulary"))
    missing = regard(*arguments, "--check")
    assert missing.status == 2
    assert "expected text prepared from these files with these options, found none, or text of other" in missing.err
    done = regard(*arguments, "--workers", "1")
    assert done.status == 0, done.err
    assert f"{tmp_path / 'train.en'}: left out 1 pair with an empty side" in done.out
    assert "not among the training pairs: 1 empty, " in done.out
    assert done.out.splitlines()[-1] == f"train on it with --set data.prepared={out}"
    again = regard(*arguments)
    assert again.out == done.out
    assert regard(*arguments, "--check").out == f"{out}: all files match their hashes\n"
    shard = out / "part-00000.safetensors"
    data = bytearray(shard.read_bytes())
    data[-7] ^= 1
    shard.write_bytes(data)
    damaged = regard(*arguments, "--check")
    assert damaged.status == 2
    assert f"{shard}: damaged: its content does not match its hash in the manifest" in damaged.err


def test_several_corpora_with_weights(regard: Run, tmp_path: Path, texts: list[str]) -> None:
    name = f"{texts[1]},{texts[3]}"
    arguments = ["--corpus", name, "--corpus", f"{name}:0.5", "--vocabulary", str(tmp_path / "vocabulary")]
    done = regard("data", "prepare", *arguments, "--out", str(tmp_path / "text"), "--workers", "1")
    assert done.status == 0, done.err
    assert "weight 0.5, 33.3 % of an epoch" in done.out


def test_mistakes_are_errors(regard: Run, tmp_path: Path, texts: list[str]) -> None:
    nothing = regard("data", "prepare", "--out", str(tmp_path / "text"))
    assert nothing.status == 2
    assert "data.src: expected the file of the training text's source side, got none" in nothing.err
    foreign = regard("data", "prepare", *texts, "--out", str(tmp_path))
    assert foreign.status == 2
    assert f"{tmp_path}: expected a directory for prepared text, found other files in it" in foreign.err
    wrong = regard("data", "prepare", *texts, "--out", str(tmp_path / "text"), "--vocabulary", texts[1])
    assert wrong.status == 2
    assert "expected a SentencePiece model" in wrong.err
