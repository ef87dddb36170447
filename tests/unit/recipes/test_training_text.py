"""The text of a training: several corpora with weights and tags, and validation text without leakage."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from toy_training import WORDS, Toy

from regard.config.schema import Config, CorpusConfig
from regard.data.held_out import hold_out
from regard.data.stream import BatchStream
from regard.errors import ConfigError, DataError
from regard.recipes import prepare as prepare_module
from regard.recipes.prepare import Prepared, load_prepared, prepare
from regard.recipes.training_text import TrainingText, read_training_text
from regard.train.reporter import Reporters


def write_table(path: Path, rows: Sequence[tuple[str, str]]) -> str:
    path.write_text("".join(f"{src}\t{tgt}\n" for src, tgt in rows), encoding="utf-8")
    return str(path)


def sentences(count: int, seed: int) -> list[tuple[str, str]]:
    draw = random.Random(seed)
    rows = [draw.choices(list(WORDS), k=draw.randint(3, 9)) for _ in range(count)]
    return [(" ".join(row), " ".join(WORDS[word] for word in row)) for row in rows]


def mixed(toy: Toy, *corpora: CorpusConfig, **data: object) -> Config:
    config = toy.config(files=("val_src", "val_tgt"))
    return config.model_copy(update={"data": config.data.model_copy(update={"corpora": corpora, **data})})


@pytest.fixture
def tables(toy: Toy) -> list[str]:
    """Three corpora of 100, 40 and 10 pairs."""
    return [
        write_table(toy.directory / f"{name}.tsv", sentences(count, seed))
        for seed, (name, count) in enumerate([("big", 100), ("small", 40), ("tiny", 10)])
    ]


def used(prepared: Prepared, epoch: int) -> list[int]:
    """Number of pairs of each corpus in an epoch."""
    stream = BatchStream(
        prepared.train, batch_tokens=200, seed=1, specials=prepared.tgt_subword.specials, shares=prepared.shares
    )
    stream.restore({**stream.state(), "epoch": epoch, "batch": 0})
    rows = [row for _ in range(stream.batches_per_epoch) for row in next(stream).indices or ()]
    starts = [sum(share.num_rows for share in prepared.shares[:i]) for i in range(len(prepared.shares) + 1)]
    return [sum(start <= row < end for row in rows) for start, end in pairwise(starts)]


def test_an_epoch_contains_each_corpus_by_its_weight(toy: Toy, tables: list[str]) -> None:
    config = mixed(
        toy, *(CorpusConfig(src=src, weight=weight) for src, weight in zip(tables, (1, 0.5, 3), strict=True))
    )
    prepared = prepare(config, toy.directory / "t")
    assert [used(prepared, epoch) for epoch in (0, 1)] == [[100, 20, 30]] * 2
    assert any(note.endswith("small.tsv: 40 sentence pairs read (tsv)") for note in prepared.notes)
    assert f"{tables[1]}: 40 training pairs, weight 0.5, 13.3 % of an epoch" in prepared.notes
    assert prepared.corpora == prepared.notes[-3:]


def test_weights_follow_the_temperature(toy: Toy, tables: list[str]) -> None:
    corpora = [CorpusConfig(src=src) for src in tables]
    for temperature, sizes in ((1.0, [100, 40, 10]), (2.0, [100, 63, 31]), (1000.0, [100, 99, 99])):
        text = read_training_text(mixed(toy, *corpora, temperature=temperature))
        assert [int(corpus.weight * len(corpus.pairs)) for corpus in text.corpora] == sizes


def test_weights_that_leave_epochs_empty_are_refused(toy: Toy, tables: list[str]) -> None:
    corpora = [CorpusConfig(src=table, weight=0.001) for table in tables]
    with pytest.raises(ConfigError, match=r"number of sentence pairs is at least 1, got 0\.001 x .*: raise a weight"):
        read_training_text(mixed(toy, *corpora))


def test_a_tag_precedes_each_source_of_its_corpus_as_one_subword(toy: Toy, tables: list[str]) -> None:
    corpora = CorpusConfig(src=tables[0]), CorpusConfig(src=tables[1], tag="<web>")
    prepared = prepare(mixed(toy, *corpora), toy.directory / "t")
    first = [prepared.src_subword.decode(prepared.train.src_ids(row).tolist()).pieces[0] for row in range(140)]
    assert [row for row, piece in enumerate(first) if piece == "▁<web>"] == list(range(100, 140))
    assert prepared.src_subword.tags == ("<web>",)
    assert not any(pair.src.startswith("<web>") for pair in prepared.val.pairs)  # a text of its own is as it is


def test_only_the_source_vocabulary_has_tags_if_they_are_two(toy: Toy, tables: list[str]) -> None:
    config = mixed(toy, CorpusConfig(src=tables[0], tag="<a>"), CorpusConfig(src=tables[1], tag="<b>"))
    config = config.model_copy(update={"subword": config.subword.model_copy(update={"shared": False})})
    prepared = prepare(config, toy.directory / "t")
    assert (prepared.src_subword.tags, prepared.tgt_subword.tags) == (("<a>", "<b>"), ())


def sides(text: TrainingText) -> tuple[set[str], set[str]]:
    train = list(text.pairs())
    return {pair.src for pair in train}, {pair.tgt for pair in train}


def held_out(toy: Toy, *corpora: CorpusConfig) -> TrainingText:
    return read_training_text(mixed(toy, *corpora, val_src=None, val_tgt=None))


def test_no_sentence_of_the_validation_text_is_a_training_sentence(toy: Toy) -> None:
    rows = [(f"yes number {i}", "oui") for i in range(50)]
    rows += [(f"cat {i}", f"chat {i // 2}") for i in range(400)]
    text = held_out(toy, CorpusConfig(src=write_table(toy.directory / "shared.tsv", rows)))
    src, tgt = sides(text)
    assert len(text.val) == 8  # 2 % of 450 sources, no more than fit as pairs
    assert not {pair.src for pair in text.val} & src
    assert not {pair.tgt for pair in text.val} & tgt
    assert len(text.val) + len(list(text.pairs())) == 450


def test_validation_text_is_drawn_from_corpora_without_a_tag(toy: Toy, tables: list[str]) -> None:
    copies = write_table(toy.directory / "copies.tsv", sentences(100, 0)[:50])
    text = held_out(toy, CorpusConfig(src=tables[0]), CorpusConfig(src=copies, tag="<bt>"))
    assert text.val
    assert {(pair.src, pair.tgt) for pair in text.val} <= set(sentences(100, 0)[50:])
    assert not {pair.src for pair in text.val} & sides(text)[0]


def test_if_all_corpora_have_tags_the_validation_text_has_them_too(toy: Toy, tables: list[str]) -> None:
    other = write_table(toy.directory / "other.tsv", [(src, f"{tgt} !") for src, tgt in sentences(100, 0)])
    text = held_out(toy, CorpusConfig(src=tables[0], tag=">>fr<<"), CorpusConfig(src=other, tag=">>xx<<"))
    tags = [pair.src.split()[0] for pair in text.val]
    assert sorted(set(tags)) == [">>fr<<", ">>xx<<"]
    assert tags.count(">>fr<<") == tags.count(">>xx<<")  # a source that both have is held out of both
    assert not {pair.src.split(" ", 1)[1] for pair in text.val} & sides(text)[0]


def test_text_whose_sentences_all_share_targets_is_divided_by_source_with_a_note(toy: Toy) -> None:
    rows = [(f"yes {i}", "oui") for i in range(60)]
    text = held_out(toy, CorpusConfig(src=write_table(toy.directory / "yes.tsv", rows)))
    assert len(text.val) == 1
    assert any("the targets of 1 validation pairs are training targets, too" in note for note in text.notes)


def test_a_training_of_an_early_version_keeps_its_division(toy: Toy) -> None:
    """Such a training has no entry about it among its hashes."""
    rows = [(f"cat {i}", f"chat {i // 2}") for i in range(200)]
    write_table(toy.directory / "old.tsv", rows)
    config = toy.config(f"data.src={toy.directory / 'old.tsv'}", files=())
    text = read_training_text(config, by_source=True)
    again, val = hold_out([*text.pairs(), *text.val], lambda _: {pair.src for pair in text.val})
    assert {pair.tgt for pair in val} & {pair.tgt for pair in again}
    prepare(config, toy.directory / "t")
    hashes = toy.directory / "t" / "texts.json"
    content = hashes.read_text(encoding="utf-8")
    assert '"held_out": "both sides"' in content
    for name, digest in read_training_text(config).digests.items():
        content = content.replace(digest, text.digests[name])
    hashes.write_text(content.replace(', "held_out": "both sides"', ""), encoding="utf-8")
    assert load_prepared(toy.directory / "t").val.pairs == tuple(text.val)


def test_a_training_with_corpora_is_loaded_unchanged_also_from_moved_files(toy: Toy, tables: list[str]) -> None:
    corpora = CorpusConfig(src=tables[0], weight=2.0), CorpusConfig(src=tables[1], tag="<web>")
    first = prepare(mixed(toy, *corpora), toy.directory / "t")
    assert load_prepared(toy.directory / "t").train.pairs == first.train.pairs
    moved = [str(Path(src).rename(f"{src}.moved.tsv")) for src in tables[:2]]
    with pytest.raises(DataError, match=r"big\.tsv: no such file.*--resume --corpus FILE, for all corpora"):
        load_prepared(toy.directory / "t")
    second = load_prepared(toy.directory / "t", changes=mixed(toy, *(CorpusConfig(src=src) for src in moved)))
    assert second.train.src.values.tolist() == first.train.src.values.tolist()
    assert [(share.num_rows, share.weight) for share in second.shares] == [(100, 2.0), (40, 1.0)]
    assert [corpus.src for corpus in second.config.data.corpora] == moved


def test_a_resumed_training_must_have_the_same_corpora(toy: Toy, tables: list[str]) -> None:
    prepare(mixed(toy, CorpusConfig(src=tables[0], weight=2.0), CorpusConfig(src=tables[1])), toy.directory / "t")
    for given, message in (
        ([CorpusConfig(src=tables[0])], "expected the present paths of the 2 corpora"),
        (
            [CorpusConfig(src=tables[0], weight=3.0), CorpusConfig(src=tables[1])],
            r"data\.corpora\[1\]\.weight: expected 2\.0",
        ),
        (
            [CorpusConfig(src=tables[0]), CorpusConfig(src=tables[1], tgt=tables[1])],
            r"data\.corpora\[2\]: expected 1 files",
        ),
    ):
        with pytest.raises(ConfigError, match=message):
            load_prepared(toy.directory / "t", changes=mixed(toy, *given))
    swapped = mixed(toy, CorpusConfig(src=tables[0]), CorpusConfig(src=tables[2]))
    with pytest.raises(DataError, match=r"^\S*tiny\.tsv: the training or validation text has changed"):
        load_prepared(toy.directory / "t", changes=swapped)


def test_a_corpus_in_which_every_pair_is_too_long_is_named(toy: Toy, tables: list[str]) -> None:
    long = write_table(toy.directory / "long.tsv", [("dog " * 40, "chien " * 40)])
    config = mixed(toy, CorpusConfig(src=tables[0]), CorpusConfig(src=long), max_len=30)
    with pytest.raises(DataError, match=r"long\.tsv: none of the 1 sentence pairs has at most data\.max_len = 30"):
        prepare(config, toy.directory / "t")


FRENCH = [("Where is the nearest station?", "Où est la gare la plus proche ?"), ("Good night", "Bonne nuit à tous")]


class Messages(Reporters):
    """The messages of a preparation, and whether something was written before each."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def on_message(self, text: str) -> None:
        self.texts.append(text)


@pytest.mark.parametrize("langs", ["en-fr", "fr-en"])
def test_text_in_the_wrong_languages_is_reported_before_anything_is_learned(
    toy: Toy, monkeypatch: pytest.MonkeyPatch, langs: str
) -> None:
    pytest.importorskip("py3langid")
    table = write_table(toy.directory / "french.tsv", FRENCH * 20)
    config = toy.config(files=())
    data = config.data.model_copy(update={"src": table, "val_src": table, "tgt": None, "val_tgt": None, "langs": langs})

    def learn(*_: object) -> None:
        raise InterruptedError

    monkeypatch.setattr(prepare_module, "_learn_subwords", learn)
    messages = Messages()
    with pytest.raises(InterruptedError):
        prepare(config.model_copy(update={"data": data}), toy.directory / "new", messages)
    warning = (
        f"warning: {table}: expected sources in French and targets in English, found English sources and French "
        "targets in most pairs: stop, and exchange source and target, or name the languages in the order of the text"
    )
    assert messages.texts == ([] if langs == "en-fr" else [warning, warning])


def test_a_catalog_in_the_other_direction_is_reported_before_anything_is_learned(toy: Toy) -> None:
    catalog = toy.directory / "fr.po"
    entries = "".join(f'\nmsgid "{src} {n}"\nmsgstr "{tgt} {n}"\n' for n in range(9) for src, tgt in FRENCH)
    catalog.write_text('msgid ""\nmsgstr "Language: fr\\n"\n' + entries, encoding="utf-8")
    config = toy.config(files=())
    update = {"src": str(catalog), "tgt": None, "langs": "fr-en"}
    text = read_training_text(config.model_copy(update={"data": config.data.model_copy(update=update)}))
    assert text.warnings[0] == (
        f"{catalog}: source and target of 18 units were exchanged, since the file translates in the other direction "
        "than --langs says"
    )


def test_one_plain_corpus_gives_the_batches_of_a_corpus_without_entries(toy: Toy) -> None:
    plain = prepare(toy.config(), toy.directory / "one")
    entry = CorpusConfig(src=str(toy.directory / "train.en"), tgt=str(toy.directory / "train.fr"))
    mixture = prepare(mixed(toy, entry), toy.directory / "two")
    first, second = (
        BatchStream(
            prepared.train, batch_tokens=200, seed=1, specials=prepared.tgt_subword.specials, shares=prepared.shares
        )
        for prepared in (plain, mixture)
    )
    for _ in range(2 * first.batches_per_epoch):
        batch, other = next(first), next(second)
        assert (batch.indices, batch.src_ids.tolist()) == (other.indices, other.src_ids.tolist())


def several_targets(toy: Toy, tables: Sequence[str], **data: object) -> Config:
    corpora = [
        CorpusConfig(src=tables[0], langs="en-fr"),
        CorpusConfig(src=tables[1], langs="en-pt-br"),
        CorpusConfig(src=tables[2], langs="en-fr", tag="<bt>"),
    ]
    config = mixed(toy, *corpora, **data)
    given = {"val_src": None, "val_tgt": None} | data
    return config.model_copy(update={"data": config.data.model_copy(update=given)})


def test_several_target_languages_get_tags(toy: Toy, tables: list[str]) -> None:
    config = several_targets(toy, tables)
    assert config.data.directions == (("en", "fr"), ("en", "pt-BR"))
    text = read_training_text(config)
    assert [corpus.entry.tag for corpus in text.corpora] == [">>fr<<", ">>pt-BR<<", ">>fr<< <bt>"]
    assert {pair.src.split(" ")[0] for pair in text.val} <= {">>fr<<", ">>pt-BR<<"}
    assert not any("<bt>" in pair.src for pair in text.val)  # artificial text is not validated with
    prepared = prepare(config, toy.directory / "t")
    assert prepared.src_subword.tags == (">>fr<<", ">>pt-BR<<", "<bt>")
    tags = {tag: prepared.src_subword.encode_ids([tag])[0][0] for tag in prepared.src_subword.tags}
    first = [prepared.train.src[row].tolist() for row in (0, len(prepared.train) - 1)]
    assert first[0][0] == tags[">>fr<<"]
    assert first[1][:2] == [tags[">>fr<<"], tags["<bt>"]]


def test_one_target_language_needs_no_tag(toy: Toy, tables: list[str]) -> None:
    corpora = [CorpusConfig(src=tables[0], langs="en-fr"), CorpusConfig(src=tables[1], langs="de-fr")]
    text = read_training_text(mixed(toy, *corpora))
    assert [corpus.entry.tag for corpus in text.corpora] == [None, None]


def test_a_tag_that_names_the_language_is_kept(toy: Toy, tables: list[str]) -> None:
    corpora = [
        CorpusConfig(src=tables[0], langs="en-fr", tag=">>fra<<"),
        CorpusConfig(src=tables[1], langs="en-de"),
    ]
    config = mixed(toy, *corpora).data.model_copy(update={"val_src": None, "val_tgt": None})
    text = read_training_text(mixed(toy, *corpora).model_copy(update={"data": config}))
    assert [corpus.entry.tag for corpus in text.corpora] == [">>fra<<", ">>de<<"]


def test_given_validation_text_must_name_its_target_languages(toy: Toy, tables: list[str]) -> None:
    val = write_table(toy.directory / "val.tsv", [(">>fr<< one dog", "un chien"), ("one cat", "un chat")])
    with pytest.raises(DataError, match=r"val.tsv:2: expected a source that begins with the tag.*'one cat'"):
        read_training_text(several_targets(toy, tables, val_src=val))
    write_table(toy.directory / "val.tsv", [(">>fr<< one dog", "un chien"), (">>pt-BR<< one cat", "un chat")])
    assert len(read_training_text(several_targets(toy, tables, val_src=val)).val) == 2
