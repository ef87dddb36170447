"""The text of a lab: copied once, without test or validation sentences in the training text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from regard.errors import ConfigError, DataError
from regard.files.atomic import atomic_directory
from regard.lab.corpus import LabCorpus, open_corpus, prepare_corpus
from regard.lab.schema import CorpusConfig
from regard.store.sealed_json import read_sealed, sealed
from regard.text.links import read_pharaoh


def write(directory: Path, name: str, lines: list[str]) -> str:
    path = directory / name
    path.write_text("".join(f"{line}\n" for line in lines))
    return str(path)


@pytest.fixture
def files(tmp_path: Path) -> CorpusConfig:
    numbers = range(400)
    src = write(tmp_path, "a.en", [f"word{n % 390} x" for n in numbers])  # ten sources occur twice
    tgt = write(tmp_path, "a.fr", [f"mot{n} y" for n in numbers])
    return CorpusConfig(train=(src, tgt))


def test_the_phrasebook_has_gold_links(small_corpus: LabCorpus) -> None:
    assert small_corpus.sizes == {"train": 400, "val": 20, "test": 20}
    gold = small_corpus.gold()
    assert gold is not None
    assert len(gold) == 20
    for links, src, tgt in zip(gold, small_corpus.lines("test.src"), small_corpus.lines("test.tgt"), strict=True):
        assert links.sure
        assert all(i < len(src.split()) and j < len(tgt.split()) for i, j in links.possible)
    assert small_corpus.num_seen == 0
    assert not list(small_corpus.directory.parent.glob("corpus.*"))


def test_long_test_sentences_are_added(tmp_path: Path) -> None:
    config = CorpusConfig(phrasebook="en-fr", pairs=200, max_words=8, long_test=True)
    corpus = prepare_corpus(config, tmp_path / "corpus")
    lengths = [len(line.split()) for line in corpus.lines("test.src")]
    assert min(lengths) < 9
    assert sum(length >= 20 for length in lengths) == 2
    assert max(len(line.split()) for line in corpus.lines("train.src")) < 9


def test_held_out_sentences_are_not_in_the_training_text(files: CorpusConfig, tmp_path: Path) -> None:
    corpus = prepare_corpus(files, tmp_path / "corpus")
    parts = {name: set(corpus.lines(f"{name}.src")) for name in ("train", "val", "test")}
    assert not parts["train"] & parts["val"]
    assert not parts["train"] & parts["test"]
    assert not parts["val"] & parts["test"]
    assert sum(corpus.sizes.values()) == 400
    assert len(parts["test"]) == 19  # a twentieth of the sources
    assert corpus.num_seen == 0
    assert corpus.counts["y"] == corpus.sizes["train"]


def test_a_sample_of_the_text_and_a_test_text_with_gold_links(files: CorpusConfig, tmp_path: Path) -> None:
    assert files.train
    gold = write(tmp_path, "gold", [f"0-0 1{'p' if n % 2 else '-'}1" for n in range(400)])
    chosen = files.model_copy(update={"test": files.train, "gold": gold, "pairs": 100, "test_pairs": 50})
    corpus = prepare_corpus(chosen, tmp_path / "corpus")
    assert (corpus.sizes["train"], corpus.sizes["test"]) == (100, 50)
    assert corpus.num_seen == sum(src in set(corpus.lines("train.src")) for src in corpus.lines("test.src")) > 0
    links = list(read_pharaoh(corpus.directory / "test.align"))
    rows = [int(line.split()[0].removeprefix("mot")) for line in corpus.lines("test.tgt")]
    assert rows == [row * 8 for row in range(50)]
    assert all(((1, 1) in gold_links.sure) == (row % 2 == 0) for gold_links, row in zip(links, rows, strict=True))


def test_gold_links_keep_their_lines_when_a_pair_is_left_out(files: CorpusConfig, tmp_path: Path) -> None:
    src = write(tmp_path, "t.en", ["a b", "", "c d", "e f"])
    tgt = write(tmp_path, "t.fr", ["a b", "x", "", "e f"])
    gold = write(tmp_path, "gold", ["0-0", "", "", "1-1"])
    corpus = prepare_corpus(files.model_copy(update={"test": (src, tgt), "gold": gold}), tmp_path / "corpus")
    assert corpus.lines("test.src") == ["a b", "e f"]
    assert [links.sure for links in corpus.gold() or ()] == [((0, 0),), ((1, 1),)]
    write(tmp_path, "gold", ["0-0", "1-1"])
    with pytest.raises(DataError, match="expected links of 4 sentence pairs, got 2 lines"):
        prepare_corpus(files.model_copy(update={"test": (src, tgt), "gold": gold}), tmp_path / "other")


def test_another_corpus_is_refused(files: CorpusConfig, tmp_path: Path) -> None:
    prepare_corpus(files, tmp_path / "corpus")
    assert prepare_corpus(files, tmp_path / "corpus") == open_corpus(tmp_path / "corpus")
    with pytest.raises(ConfigError, match="started with other options in"):
        prepare_corpus(files.model_copy(update={"pairs": 10}), tmp_path / "corpus")


def test_gold_links_without_a_test_text_are_refused(files: CorpusConfig, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"got none: set corpus\.test"):
        prepare_corpus(files.model_copy(update={"gold": "x"}), tmp_path / "corpus")
    assert not (tmp_path / "corpus").exists()


def test_a_missing_corpus_and_too_little_text_are_reported(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="start a comparison with `regard lab run`"):
        open_corpus(tmp_path)
    path = write(tmp_path, "one", ["a"])
    with pytest.raises(DataError, match="at least 3 different source sentences"):
        prepare_corpus(CorpusConfig(train=(path, path)), tmp_path / "corpus")


def test_of_two_that_write_a_directory_the_first_to_finish_wins(tmp_path: Path) -> None:
    target = tmp_path / "target"
    with atomic_directory(target) as slow:
        (slow / "who").write_text("slow")
        with atomic_directory(target) as quick:
            (quick / "who").write_text("quick")
    assert (target / "who").read_text() == "quick"
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_a_corpus_in_one_file_is_read_in_its_languages(tmp_path: Path) -> None:
    rows = [json.dumps({"en": f"cat {n}", "de": "Katze", "fr": f"chat {n}"}) for n in range(100)]
    config = CorpusConfig(train=(write(tmp_path, "a.jsonl", rows),), langs="en-fr")
    corpus = prepare_corpus(config, tmp_path / "corpus")
    assert sum(corpus.sizes.values()) == 100
    pairs = zip(corpus.lines("train.src"), corpus.lines("train.tgt"), strict=True)
    assert all(src.replace("cat", "chat") == tgt for src, tgt in pairs)


def test_no_target_is_in_two_parts(tmp_path: Path) -> None:
    src = write(tmp_path, "b.en", [f"word{n} x" for n in range(400)])
    tgt = write(tmp_path, "b.fr", [f"mot{n // 2} y" for n in range(380)] + ["oui"] * 20)
    corpus = prepare_corpus(CorpusConfig(train=(src, tgt)), tmp_path / "corpus")
    parts = [set(corpus.lines(f"{name}.tgt")) for name in ("train", "val", "test")]
    assert not parts[0] & parts[1] | parts[0] & parts[2] | parts[1] & parts[2]
    assert sum(corpus.sizes.values()) == 400


def test_a_corpus_of_an_early_version_is_opened(files: CorpusConfig, tmp_path: Path) -> None:
    prepare_corpus(files, tmp_path / "corpus")
    about = tmp_path / "corpus" / "about.json"
    tree = read_sealed(about, max_bytes=1 << 20, remedy="")
    assert isinstance(tree, dict)
    options = tree["made_of"]
    assert isinstance(options, dict)
    made_of = {key: value for key, value in options.items() if key != "langs"}
    about.write_text(sealed({**tree, "made_of": made_of}), encoding="utf-8")
    assert sum(prepare_corpus(files, tmp_path / "corpus").sizes.values()) == 400
    with pytest.raises(ConfigError, match="started with other options"):
        prepare_corpus(files.model_copy(update={"langs": "en-fr"}), tmp_path / "corpus")
