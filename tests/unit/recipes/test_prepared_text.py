"""Text prepared on disk: the ids of text in memory, the same bytes after interruptions, and repairs."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from toy_training import Toy

from regard.config.schema import Config
from regard.data.prepared.corpus import PreparedCorpus
from regard.data.prepared.manifest import read_manifest
from regard.errors import CheckpointError, ConfigError, DataError
from regard.files.locks import Lock
from regard.recipes.prepare import prepare
from regard.recipes.prepared_text import PreparedText, find_prepared, prepare_text
from regard.text.subword import Subword

PART = 150
PYTHON = sys.executable


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of few pairs, so that little text has several; and one worker, unless a test says otherwise."""
    monkeypatch.setattr("regard.recipes.prepared_text.available_cores", lambda: 1)
    for module in ("data.prepared.collecting", "recipes.preparation", "recipes.prepared_options"):
        monkeypatch.setattr(f"regard.{module}.PART_SIZE", PART)


@pytest.fixture
def corpus(toy: Toy, ready_workers: None) -> Toy:
    toy.write("train", 700, seed=4)
    return toy


@pytest.fixture
def real_workers(corpus: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers that are processes of their own, which end at once when they are killed."""
    monkeypatch.setattr(sys, "executable", PYTHON)


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    """The text of `corpus`, for tests that do not change it."""
    toy = Toy(tmp_path_factory.mktemp("text"))
    toy.write("train", 700, seed=4)
    return toy


@pytest.fixture
def prepared(text: Toy, ready_workers: None, tmp_path: Path) -> Path:
    """A copy of a directory in which `text` was prepared once."""
    original = text.directory / "prepared"
    if not (original / "manifest.json").exists():
        prepare_text(text.config(files=("src", "tgt")), original)
    return Path(shutil.copytree(original, tmp_path / "p"))


@pytest.fixture
def subword(corpus: Toy) -> Subword:
    return Subword.train((corpus.directory / "train.en").read_text().splitlines() * 2, vocab_size=300)


def digests(directory: Path) -> dict[str, str]:
    """Hashes of all files except locks."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in directory.iterdir()
        if not path.name.startswith("lock.")
    }


class Stop:
    """Stops a preparation at one of its reports of progress."""

    def __init__(self, after: int) -> None:
        self.left = after
        self.has_stopped = False

    def __call__(self, stage: str, done: int, fraction: float | None) -> None:
        self.has_stopped = self.left == 0
        self.left -= 1
        if self.has_stopped:
            raise KeyboardInterrupt


def texts(prepared: PreparedText) -> list[tuple[list[int], list[int]]]:
    corpus = PreparedCorpus(prepared.directory)
    ids = [corpus.pair_ids(row) for row in range(len(corpus))]
    return [(src.tolist(), tgt.tolist()) for src, tgt in ids]


@pytest.mark.usefixtures("real_workers")
def test_given_validation_text_gives_the_ids_of_text_in_memory(corpus: Toy, tmp_path: Path) -> None:
    for name, lines in (("train.en", "dog\n \n" + "dog " * 400), ("train.fr", "\nchien\n" + "chien " * 400)):
        path = corpus.directory / name
        path.write_text(f"{path.read_text()}{lines}\n")
    config = corpus.config()
    in_memory = prepare(config, tmp_path / "memory")
    on_disk = prepare_text(config, tmp_path / "disk", num_workers=2)
    assert on_disk.subwords[0].fingerprint() == in_memory.src_subword.fingerprint()
    train = in_memory.train
    assert texts(on_disk) == [(train.src_ids(row).tolist(), train.tgt_ids(row).tolist()) for row in range(len(train))]
    assert list(on_disk.val) == list(in_memory.val.pairs)
    assert on_disk.config.subword == in_memory.config.subword
    assert set(on_disk.notes) == set(in_memory.notes)
    assert dict(on_disk.manifest.dropped) == {"empty": 2, "too long": 1}
    assert len(on_disk.manifest.shards) == 5
    origin = PreparedCorpus(tmp_path / "disk").origin(699)
    assert origin == (f"{corpus.directory / 'train.en'} and {corpus.directory / 'train.fr'}", 700)
    assert sorted(digests(tmp_path / "disk")) == [
        "manifest.json", *(f"part-0000{number}.safetensors" for number in range(5)), "subword.src.model",
        "subword.tgt.model",
    ]  # fmt: skip


@pytest.mark.usefixtures("real_workers")
def test_the_bytes_do_not_depend_on_workers_and_interruptions(corpus: Toy, tmp_path: Path) -> None:
    config = corpus.config(files=("src", "tgt"))
    whole = prepare_text(config, tmp_path / "whole", num_workers=1)
    expected = digests(tmp_path / "whole")
    assert len(whole.val) + whole.manifest.num_pairs == 700
    prepare_text(config, tmp_path / "two", num_workers=3)
    assert digests(tmp_path / "two") == expected
    stops = [Stop(after) for after in (0, 1, 3, 5, 6, 7, 8, 10, 14, 20)]
    for stop in stops:
        with suppress(KeyboardInterrupt):
            prepare_text(config, tmp_path / "cut", num_workers=2, progress=stop)
    assert sum(stop.has_stopped for stop in stops) > 4
    prepare_text(config, tmp_path / "cut", num_workers=2)
    assert digests(tmp_path / "cut") == expected


def faulty(corpus: Toy, on_error: str) -> Config:
    """Options for text with a line that is not text in its third part."""
    path = corpus.directory / "train.en"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[: 2 * PART], b"na\xefve\n", *lines[2 * PART + 1 :]]))
    return corpus.config(f"data.on_error={on_error}", files=("src", "tgt"))


@pytest.mark.usefixtures("real_workers")
def test_faulty_lines_are_left_out_as_without_workers(
    corpus: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = faulty(corpus, "skip")
    with suppress(KeyboardInterrupt):
        prepare_text(config, tmp_path / "cut", num_workers=2, progress=Stop(9))
    read = prepare_text(config, tmp_path / "cut", num_workers=2)
    expected = prepare_text(config, tmp_path / "whole", num_workers=2)
    monkeypatch.setattr("regard.recipes.preparation.PairedLines.of", lambda _: None)
    serial = prepare_text(config, tmp_path / "serial", num_workers=1)
    assert digests(tmp_path / "cut") == digests(tmp_path / "whole") == digests(tmp_path / "serial")
    assert read.manifest.corpora[0].num_units == expected.manifest.corpora[0].num_units == 699
    assert "left out 1 faulty unit" in " ".join(serial.notes)


@pytest.mark.usefixtures("real_workers")
def test_a_faulty_line_is_reported_as_without_workers(corpus: Toy, tmp_path: Path) -> None:
    config = faulty(corpus, "stop")
    for _ in range(2):  # also by a process that continues
        with pytest.raises(DataError, match=rf"train.en:{2 * PART + 1}: expected UTF-8, found byte 0xef"):
            prepare_text(config, tmp_path / "p", num_workers=2)


def test_compressed_text_gives_the_same_shards(corpus: Toy, tmp_path: Path, subword: Subword) -> None:
    config = corpus.config(files=("src", "tgt"))
    plain = prepare_text(config, tmp_path / "plain", subwords=(subword, subword), num_workers=2)
    path = corpus.directory / "train.en"
    path.write_bytes(gzip.compress(path.read_bytes()))
    compressed = prepare_text(config, tmp_path / "gz", subwords=(subword, subword), num_workers=2)
    assert texts(compressed) == texts(plain)


def test_what_is_finished_is_not_done_again(corpus: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = corpus.config(files=("src", "tgt"))
    first = prepare_text(config, tmp_path / "p")
    monkeypatch.setattr("regard.recipes.preparation.Preparation.run", lambda _: pytest.fail("prepared again"))
    second = prepare_text(config, tmp_path / "p")
    assert second.manifest == first.manifest
    assert second.val == first.val
    assert second.notes == first.notes
    os.utime(corpus.directory / "train.en", (1, 1))  # its content is the same
    assert prepare_text(config, tmp_path / "p").manifest == first.manifest
    moved = corpus.directory / "moved.en"
    (corpus.directory / "train.en").rename(moved)
    at_new_path = config.model_copy(update={"data": config.data.model_copy(update={"src": str(moved)})})
    assert prepare_text(at_new_path, tmp_path / "p").manifest == first.manifest
    moved.unlink()  # on another machine, only the shards are needed
    assert prepare_text(config, tmp_path / "p").manifest == first.manifest


@pytest.mark.parametrize(
    "change", ["data.max_len=7", "train.seed=3", "subword.vocab_size=302", "subword.sample_alpha=0.1"]
)
def test_other_options_give_other_text(text: Toy, prepared: Path, tmp_path: Path, change: str) -> None:
    first = read_manifest(prepared)
    config = text.config(change, files=("src", "tgt"))
    assert find_prepared(config, prepared) is None
    second = prepare_text(config, prepared)
    assert second.manifest.content_hash() != first.content_hash()
    fresh = prepare_text(config, tmp_path / "fresh")
    assert digests(prepared) == digests(tmp_path / "fresh")
    assert second.manifest.content_hash() == fresh.manifest.content_hash()


def test_changed_text_is_prepared_again(corpus: Toy, tmp_path: Path) -> None:
    config = corpus.config(files=("src", "tgt"))
    prepare_text(config, tmp_path / "p")
    corpus.write("train", 300, seed=9)
    assert prepare_text(config, tmp_path / "p").manifest.corpora[0].num_units == 300
    prepare_text(config, tmp_path / "fresh")
    assert digests(tmp_path / "p") == digests(tmp_path / "fresh")


@pytest.mark.parametrize("name", ["part-00001.safetensors", "subword.src.model", "validation.tsv"])
@pytest.mark.parametrize("at", [9, -30], ids=["header", "content"])
def test_a_flipped_byte_is_repaired_with_a_message(text: Toy, prepared: Path, name: str, at: int) -> None:
    config = text.config(files=("src", "tgt"))
    expected = digests(prepared)
    others = {path.name: path.stat().st_mtime_ns for path in prepared.glob("part*") if path.name != name}
    flip(prepared / name, at)
    assert find_prepared(config, prepared) is None
    messages: list[str] = []
    prepare_text(config, prepared, report=messages.append)
    assert digests(prepared) == expected
    assert {path: (prepared / path).stat().st_mtime_ns for path in others} == others  # not made again
    assert messages == [f"{prepared}: damaged or missing: {name}; they are made again from the text"]


def flip(path: Path, at: int) -> None:
    """Changes a byte of a file."""
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def test_a_flipped_byte_is_refused_without_the_text(corpus: Toy, tmp_path: Path) -> None:
    config = corpus.config(files=("src", "tgt"))
    prepare_text(config, tmp_path / "p")
    flip(tmp_path / "p" / "part-00001.safetensors", -30)
    damaged = digests(tmp_path / "p")
    nameless = config.model_copy(update={"data": config.data.model_copy(update={"src": None, "tgt": None})})
    with pytest.raises(
        CheckpointError, match=r"part-00001\.safetensors: damaged.*since no text is named: name the text"
    ):
        prepare_text(nameless, tmp_path / "p")
    (corpus.directory / "train.en").unlink()
    with pytest.raises(CheckpointError, match=r"part-00001.*since .*train\.en is not there: restore the text, or copy"):
        prepare_text(config, tmp_path / "p")
    assert digests(tmp_path / "p") == damaged


def test_a_repair_keeps_a_given_vocabulary(corpus: Toy, tmp_path: Path, subword: Subword) -> None:
    config = corpus.config(files=("src", "tgt"))
    prepare_text(config, tmp_path / "p", subwords=(subword, subword))
    expected = digests(tmp_path / "p")
    flip(tmp_path / "p" / "part-00001.safetensors", -30)
    prepare_text(config, tmp_path / "p")  # as a training does, which does not name the vocabulary
    assert digests(tmp_path / "p") == expected


@pytest.mark.parametrize("damage", ["shard", "removed", "manifest", "vocabulary"])
def test_a_damaged_directory_is_repaired(text: Toy, prepared: Path, damage: str) -> None:
    config = text.config(files=("src", "tgt"))
    expected = digests(prepared)
    names = {"manifest": "manifest.json", "vocabulary": "subword.src.model"}
    path = prepared / names.get(damage, "part-00001.safetensors")
    data = path.read_bytes()
    if damage == "removed":
        path.unlink()
    else:
        path.write_bytes(data[:-5])
    prepare_text(config, prepared)
    assert digests(prepared) == expected


def test_a_check_finds_every_damage(corpus: Toy, tmp_path: Path) -> None:
    config = corpus.config(files=("src", "tgt"))
    prepare_text(config, tmp_path / "p")
    assert find_prepared(config, tmp_path / "p", by_content=True) is not None
    for name in ("part-00002.safetensors", "validation.tsv", "subword.src.model", "manifest.json"):
        path = tmp_path / "p" / name
        data = path.read_bytes()
        path.write_bytes(data[:-30] + bytes([data[-30] ^ 1]) + data[-29:])
        with pytest.raises(CheckpointError, match=r"(damaged|hash|manifest)"):
            find_prepared(config, tmp_path / "p", by_content=True)
        path.write_bytes(data)
    source = corpus.directory / "train.en"
    status, text = source.stat(), source.read_text()
    source.write_text(text.replace("dog", "cat", 1))
    os.utime(source, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert find_prepared(config, tmp_path / "p") is not None  # size and time are the same
    assert find_prepared(config, tmp_path / "p", by_content=True) is None


def test_a_shard_damaged_before_the_end_is_made_again(text: Toy, prepared: Path) -> None:
    config = text.config(files=("src", "tgt"))
    expected = digests(prepared)
    (prepared / "manifest.json").unlink()
    path = prepared / "part-00001.safetensors"
    data = path.read_bytes()
    path.write_bytes(data[:-3] + bytes([data[-3] ^ 1]) + data[-2:])
    prepare_text(config, prepared)
    assert digests(prepared) == expected


def test_two_processes_at_once_are_refused(corpus: Toy, tmp_path: Path) -> None:
    lock = Lock(tmp_path / "p")
    assert lock.claim()
    with pytest.raises(ConfigError, match=r"expected no other process to prepare text there, found .*: wait for it"):
        prepare_text(corpus.config(), tmp_path / "p")
    lock.release()
    prepare_text(corpus.config(), tmp_path / "p")


def test_several_corpora_with_weights_and_tags(corpus: Toy, tmp_path: Path) -> None:
    corpus.write("web", 200, seed=8)
    names = [(str(corpus.directory / f"{name}.en"), str(corpus.directory / f"{name}.fr")) for name in ("train", "web")]
    [(src, tgt), (web_src, web_tgt)] = names
    option = (
        f'data.corpora=[{{src="{src}", tgt="{tgt}", weight=2.0}}, {{src="{web_src}", tgt="{web_tgt}", tag="<web>"}}]'
    )
    config = corpus.config(option, files=())
    prepared = prepare_text(config, tmp_path / "p")
    assert [corpus.weight for corpus in prepared.manifest.corpora] == [2.0, 1.0]
    assert prepared.subwords[0].tags == ("<web>",)
    of_web = prepared.manifest.corpora[0].num_pairs + 3
    reader = PreparedCorpus(prepared.directory)
    assert prepared.subwords[0].decode(reader.src_ids(of_web).tolist()).text.startswith("<web> ")
    assert reader.origin(of_web)[0] == f"{web_src} and {web_tgt}"
    held_out = {pair.src for pair in prepared.val}
    assert held_out
    assert not any(source.startswith("<web>") for source in held_out)
    sources = {prepared.subwords[0].decode(reader.src_ids(row).tolist()).text for row in range(len(reader))}
    assert not {source.removeprefix("<web> ") for source in sources} & held_out


def test_a_given_vocabulary_is_used(corpus: Toy, tmp_path: Path, subword: Subword) -> None:
    config = corpus.config()
    prepared = prepare_text(config, tmp_path / "p", subwords=(subword, subword))
    assert prepared.subwords[0].fingerprint() == subword.fingerprint()
    assert prepared.manifest.options["vocabulary"] == {"given": [subword.fingerprint()] * 2}
    assert find_prepared(config, tmp_path / "p") is not None  # a training takes it
    other = prepare_text(config, tmp_path / "learned")
    assert find_prepared(config, tmp_path / "learned", subwords=(subword, subword)) is None
    assert other.subwords[0].fingerprint() != subword.fingerprint()


def failing(config: Config, directory: Path) -> str:
    with pytest.raises((DataError, ConfigError)) as error:
        prepare_text(config, directory)
    assert not (directory / "manifest.json").exists()
    return str(error.value)


def test_text_that_cannot_be_used_is_an_error(corpus: Toy, tmp_path: Path) -> None:
    assert "data.src: expected the file" in failing(corpus.config(files=()), tmp_path / "p")
    assert "at most data.max_len = 1 subwords" in failing(corpus.config("data.max_len=1"), tmp_path / "p")
    corpus.write("train", 1, seed=1)
    assert "at least 2 different source sentences" in failing(corpus.config(files=("src", "tgt")), tmp_path / "p")
    (corpus.directory / "train.en").write_text("\n")
    assert "found none in 1 lines" in failing(corpus.config(), tmp_path / "p")
    (corpus.directory / "train.en").write_bytes(b"\xff\n")
    assert "train.en:1: expected UTF-8" in failing(corpus.config(), tmp_path / "p")
    (corpus.directory / "train.en").unlink()
    assert "train.en: cannot be read" in failing(corpus.config(), tmp_path / "p")


def test_warnings_about_wrong_files(corpus: Toy, tmp_path: Path) -> None:
    config = corpus.config()
    wrong = {"tgt": config.data.src, "val_src": config.data.src, "val_tgt": config.data.src}
    same = config.model_copy(update={"data": config.data.model_copy(update=wrong)})
    assert set(prepare(same, tmp_path / "m").notes) == set(prepare_text(same, tmp_path / "p").notes)
    assert any("validation pairs are training pairs too" in note for note in read_manifest(tmp_path / "p").notes)


def test_a_changed_file_is_noticed_while_it_is_read(corpus: Toy, tmp_path: Path) -> None:
    def change(stage: str, done: int, fraction: float | None) -> None:
        if stage == "hashing":
            corpus.write("train", 699, seed=9)

    with pytest.raises(DataError, match="a file of the training text changed while it was read"):
        prepare_text(corpus.config(), tmp_path / "p", progress=change)


def test_a_worker_that_dies_is_reported(
    corpus: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, subword: Subword
) -> None:
    dying = ["-c", "import os; os.kill(os.getpid(), 9)"]
    monkeypatch.setattr("regard.data.prepared.pool.worker_arguments", lambda: dying)
    with pytest.raises(DataError, match=r"a worker process ended before its work was done \(signal 9\)"):
        prepare_text(corpus.config(), tmp_path / "p", subwords=(subword, subword))
