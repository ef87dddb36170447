"""Inspection: planted faults are counted and shown, and the command at its end does what it says."""

from __future__ import annotations

import json
import random
import shlex
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from regard.data.cleaning import side_keys
from regard.data.cleaning.check import Check
from regard.data.cleaning.filters import Filters
from regard.data.cleaning.inspect import NUM_EXAMPLES, CorpusReport, inspect
from regard.data.cleaning.page import render_page
from regard.data.cleaning.report import report_lines, report_tree
from regard.data.cleaning.side_keys import SideKeys, num_distinct, repeated, shared
from regard.data.cleaning.side_text import identify_languages
from regard.data.cleaning.source import CorpusSource, corpora_of, sample
from regard.data.corpora.unit import ReadOptions, Unit
from regard.errors import DataError
from regard.values import Pair

SUBJECTS = ["The cat", "My brother", "The old teacher", "Our neighbor", "The small child"]
SUJETS = ["Le chat", "Mon frère", "Le vieux professeur", "Notre voisin", "Le petit enfant"]
PLACES = ["in the house", "at the station", "behind the school", "near the river", "under the bridge"]
LIEUX = ["dans la maison", "à la gare", "derrière l'école", "près de la rivière", "sous le pont"]
EN_FR = ReadOptions(langs=("en", "fr"))


def pairs(number: int, first: int = 0) -> list[tuple[str, str]]:
    return [
        (
            f"{SUBJECTS[index % 5]} waits {PLACES[index // 5 % 5]} with {index} apples.",
            f"{SUJETS[index % 5]} attend {LIEUX[index // 5 % 5]} avec {index} pommes.",
        )
        for index in range(first, first + number)
    ]


def write(path: Path, rows: list[tuple[str, str]]) -> Path:
    path.write_text("".join(f"{src}\t{tgt}\n" for src, tgt in rows), encoding="utf-8")
    return path


def inspected(path: Path, *others: Path, options: ReadOptions = EN_FR, filters: Filters | None = None) -> CorpusReport:
    sources = [CorpusSource(each, None, options) for each in (path, *others)]
    return inspect(sources, filters or Filters())[0]


def found(report: CorpusReport) -> dict[str, int]:
    return {finding.name: finding.count for finding in report.findings if finding.count}


def test_a_clean_corpus(tmp_path: Path) -> None:
    report = inspected(write(tmp_path / "clean.tsv", pairs(300)))
    assert found(report) == {}
    assert (report.num_pairs, report.num_kept, report.format) == (300, 300, "tsv")
    src, tgt = report.sides
    assert (src.language, tgt.language) == ("en", "fr")
    assert (src.num_distinct, src.num_empty) == (300, 0)
    assert src.scripts() == [("Latin", 1.0)]
    assert src.characters.number == 300
    assert src.characters.total == sum(len(src) for src, _ in pairs(300))
    assert tgt.words.total == sum(len(tgt.split()) for _, tgt in pairs(300))


def test_planted_faults_are_counted_with_examples(tmp_path: Path) -> None:
    rows = pairs(500)
    for index in range(20, 40):
        rows[index] = rows[index][0], ""
    for index in range(40, 50):
        rows[index] = rows[index][0], rows[index][1].replace("pommes", "pommes Ã©tÃ©")
    for index in range(50, 57):
        rows[index] = rows[index][0], rows[index][1].replace("5", "9")
    rows += rows[100:130]
    rows.append((rows[100][0].upper(), rows[100][1].replace(".", " !")))
    report = inspected(write(tmp_path / "faulty.tsv", rows))
    counts = found(report)
    assert counts == {"empty": 20, "mojibake": 10, "numbers": 7, "duplicate": 31}
    assert report.num_kept == 500 - 37
    for finding in report.findings:
        assert len(finding.examples) == min(finding.count, NUM_EXAMPLES)
        for reject in finding.examples:
            assert (reject.unit.src, reject.unit.tgt) == rows[reject.unit.line - 1]


def test_examples_are_spread_over_the_corpus(tmp_path: Path) -> None:
    rows = [(src, "") for src, _ in pairs(1000)]
    [finding] = [each for each in inspected(write(tmp_path / "a.tsv", rows)).findings if each.name == "empty"]
    lines = [reject.unit.line for reject in finding.examples]
    assert len(set(lines)) == NUM_EXAMPLES
    assert min(lines) < 500 < max(lines)


def test_the_number_kept_is_what_cleaning_keeps(tmp_path: Path) -> None:
    """Also for a faulty pair that occurs twice, which is no duplicate among the pairs that are kept."""
    from regard.data.cleaning.run import preview

    rows = [*pairs(200), *[("same", "same")] * 2, *pairs(9)]
    path = write(tmp_path / "a.tsv", rows)
    report = inspected(path)
    assert found(report) == {"identical": 2, "duplicate": 10}
    assert report.num_kept == 200
    assert preview(CorpusSource(path, None, EN_FR), Filters()).tally.num_kept == 200


def test_a_check_by_a_model_is_added_but_cleaning_does_not_apply_it(tmp_path: Path) -> None:
    samples: list[int] = []

    def make(sampled: Sequence[Pair]) -> Check:
        samples.append(len(sampled))
        return Check("model", "pairs that the model finds improbable", 0.5, lambda some: [len(p.src) % 2 for p in some])

    rows = [*pairs(100), ("", "Rien.")]
    source = CorpusSource(write(tmp_path / "a.tsv", rows), None, EN_FR)
    [report] = inspect([source], Filters(), model_check=make)
    finding = report.model_finding
    assert finding is not None
    assert samples == [101]
    assert finding.count == sum(len(src) % 2 for src, _ in rows) > 10
    assert all(len(reject.unit.src) % 2 for reject in finding.examples)
    assert report.num_kept == 100
    assert any("  model > 0.5: pairs that" in line for line in report_lines([report], Filters()))
    assert ">model</span>" in render_page([report], Filters())


def test_overlap_between_corpora(tmp_path: Path) -> None:
    train = write(tmp_path / "train.tsv", pairs(300))
    half = [(src, f"Autrement : {tgt}") for src, tgt in pairs(5, 20)]
    test = write(tmp_path / "test.tsv", [*pairs(10), *half, *pairs(10, 900)])
    filters = Filters()
    reports = inspect([CorpusSource(path, None, EN_FR) for path in (train, test)], filters)
    [overlap] = reports[0].overlaps
    assert (overlap.num_pairs, overlap.num_src, overlap.num_tgt, overlap.other_size) == (10, 15, 10, 25)
    assert overlap.finding.count == 15
    assert {reject.unit.line for reject in overlap.finding.examples} <= {*range(1, 11), *range(21, 26)}
    commands = [str(corpus["command"]) for corpus in report_tree(reports, filters)["corpora"]]  # type: ignore[attr-defined]
    assert f"--test-set {test}" in commands[0]
    assert "--test-set" not in commands[1]


def test_unknown_languages_are_identified(tmp_path: Path) -> None:
    pytest.importorskip("py3langid")
    report = inspected(write(tmp_path / "a.tsv", pairs(300)), options=ReadOptions())
    assert (report.langs, report.langs_are_guessed) == (("en", "fr"), True)
    assert identify_languages([src for src, _ in pairs(50)]) == [("en", 1.0)]
    same = inspected(write(tmp_path / "b.tsv", [(src, src) for src, _ in pairs(300)]), options=ReadOptions())
    assert same.langs is None
    assert "language" in same.not_checked


def test_a_stream_is_inspected(tmp_path: Path) -> None:
    import os
    import threading

    path = tmp_path / "fifo"
    os.mkfifo(path)
    content = "".join(f"{src}\t{tgt}\n" for src, tgt in pairs(100))
    writer = threading.Thread(target=path.write_text, args=(content,), daemon=True)
    writer.start()
    report = inspected(path)
    writer.join(timeout=60)
    assert (report.num_pairs, report.format) == (100, "tsv")


HOSTILE = [("<script>alert(1)</script>\x1b[2J", "{{corpora}} & \u202e<b>"), ("a\u200bb", "é" * 5000)]


def test_the_page_is_self_contained_and_escaped(tmp_path: Path) -> None:
    rows = [*pairs(200), *HOSTILE * 3]
    report = inspected(write(tmp_path / "<i>&.tsv", rows))
    page = render_page([report], Filters())
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "{{corpora}} &amp;" in page
    assert "<i>" not in page
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert "U+200B" in page
    assert "é" * 1000 not in page
    for reference in ("src=", "href=", "url(", "@import", "http"):
        assert reference not in page
    for finding in report.findings:
        assert (f">{finding.name}</span>" in page) == (finding.count > 0)


def test_the_text_and_the_json(tmp_path: Path) -> None:
    report = inspected(write(tmp_path / "a.tsv", [*pairs(200), *HOSTILE]))
    lines = list(report_lines([report], Filters()))
    assert not set("".join(lines)) & {"\x1b", "\u202e", "\n"}
    assert any(line.startswith("  $ regard data clean") for line in lines)
    tree = json.loads(json.dumps(report_tree([report], Filters())))
    [corpus] = tree["corpora"]
    assert corpus["pairs"] == 202
    assert sum(count for _, _, count in corpus["source"]["characters"]["histogram"]) == 202
    assert {finding["name"]: finding["pairs"] for finding in corpus["findings"] if finding["pairs"]} == found(report)


def test_the_command_has_all_options(tmp_path: Path) -> None:
    path = tmp_path / "two words.tsv"
    path.write_text("".join(f"x\t{src}\t{tgt}\n" for src, tgt in pairs(150)), encoding="utf-8")
    options = ReadOptions(("en", "fr"), encoding="utf-8", columns=("2", "3"), on_error="skip")
    filters = Filters.parse(["length=99"], ["numbers"], [f"{path}"])
    report = inspected(path, options=options, filters=filters)
    [line] = [line for line in report_lines([report], filters) if "$ regard" in line]
    arguments = shlex.split(line.partition("$ ")[2])
    assert arguments[:4] == ["regard", "data", "clean", str(path)]
    text = " ".join(arguments[4:])
    for option in ("--langs en-fr", "--encoding utf-8", "--columns 2,3", "--on-error skip", "--check length=99",
                   "--without numbers", f"--test-set {path}", "--out two words-clean.tsv"):  # fmt: skip
        assert option in text


def test_names_of_corpora(tmp_path: Path) -> None:
    texts = [tmp_path / name for name in ("a.en", "a.fr", "b.en", "b.fr")]
    for path in texts:
        path.write_text("line\n")
    table, named = write(tmp_path / "c.tsv", pairs(1)), write(tmp_path / "c.txt", pairs(1))
    names = [str(table), str(texts[0]), str(texts[1]), str(named), f"{texts[2]},{texts[3]}"]
    assert [source.files for source in corpora_of(names, EN_FR)] == [[table], texts[:2], [named], texts[2:]]
    for wrong in ([str(texts[0])], [str(texts[0]), str(table), str(texts[1])]):
        with pytest.raises(DataError, match=r"a\.en: .*translations"):
            corpora_of(wrong, EN_FR)


def test_keys() -> None:
    keys = SideKeys()
    units = [Unit("Yes.", "Oui", 1), Unit("yes", "OUI !", 2), Unit("", "Oui", 3), Unit("No", "Oui", 4)]
    assert list(keys.record(units)) == units
    assert repeated(keys.pairs).tolist() == [False, True, False, False]
    assert repeated(keys.src).tolist() == [False, True, False, False]
    assert repeated(keys.tgt).tolist() == [False, True, True, True]
    assert [num_distinct(side) for side in (keys.src, keys.tgt, keys.pairs)] == [2, 1, 2]
    assert repeated(keys.tgt, np.array([False, True, True, False])).tolist() == [False, False, True, False]
    no = SideKeys()
    list(no.record(units[3:]))
    assert shared(keys.src, no.src).tolist() == [False, False, False, True]
    assert shared(keys.src, keys.src).tolist() == [True, True, False, True]
    swapped = SideKeys()
    list(swapped.record([Unit("Oui", "Yes", 1)]))
    assert not shared(keys.pairs, swapped.pairs).any()
    assert len(SideKeys().src) == 0
    assert repeated(SideKeys().src).tolist() == []


def test_keys_in_a_file_are_those_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(3)
    units = [Unit(f"{rng.randrange(60)}" * rng.randrange(2), f"{rng.randrange(90)}", n) for n in range(200)]
    in_memory, other = SideKeys(), SideKeys()
    list(in_memory.record(units))
    list(other.record(units[:20]))
    among = np.array([rng.random() < 0.5 for _ in units])
    monkeypatch.setattr(side_keys, "_BLOCK", 7)
    monkeypatch.setattr(side_keys, "_MAX_COMPARED", 13)
    in_file = SideKeys(tmp_path / "keys")
    list(in_file.record(units))
    assert (tmp_path / "keys").stat().st_size == 200 // 7 * 7 * 16
    for side in ("src", "tgt", "pairs"):
        left, right = getattr(in_file, side), getattr(in_memory, side)
        assert (left.array() == right.array()).all()
        values = right.array().tolist()
        expected = [value != 0 and value in values[:number] for number, value in enumerate(values)]
        assert repeated(left).tolist() == repeated(right).tolist() == expected
        chosen = [value * bool(is_chosen) for value, is_chosen in zip(values, among, strict=True)]
        expected = [value != 0 and value in chosen[:number] for number, value in enumerate(chosen)]
        assert repeated(left, among).tolist() == expected
        assert num_distinct(left) == len({*values} - {0})
        others = getattr(other, side)
        assert shared(left, others).tolist() == [value != 0 and value in others.array().tolist() for value in values]


def test_a_sample_is_uniform_and_stable() -> None:
    units = [Unit(f"s{number}", f"t{number}", number) for number in range(10_000)]
    drawn = sample(units, 1000)
    assert drawn == sample(units, 1000)
    lines = [pair.line for pair in drawn]
    assert lines == sorted(set(lines))
    assert len(lines) == 1000
    for start in range(0, 10_000, 1000):
        assert 60 < sum(start <= line < start + 1000 for line in lines) < 140
    assert sample(units[:10], 1000) == sample(units[:10], 10)
