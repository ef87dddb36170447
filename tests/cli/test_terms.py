"""`--terms`: glossaries on the command line, in each verb that translates, in documents and in workers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest


class Done(Protocol):
    """Result of a command; see `conftest.py`."""

    status: int
    out: str
    err: str


Run = Callable[..., Done]
MODEL = str(Path(__file__).resolve().parents[1] / "golden" / "models" / "transformer")
LINE = "the small cat sees the big dog"


@pytest.fixture
def terms(tmp_path: Path) -> Path:
    """A glossary."""
    path = tmp_path / "terms.tsv"
    path.write_text("cat\tlapin|lapins\ndog\tchien|!chat\nbig\t\ufffd\n")
    return path


def test_translate_uses_and_counts_terms(regard: Run, terms: Path) -> None:
    done = regard("translate", MODEL, "--device", "cpu", "--terms", str(terms), stdin=f"{LINE}\nno\n".encode())
    assert done.status == 0, done
    assert "lapin" in done.out.splitlines()[0].lower()
    assert "regard: term cat -> lapin | lapins: 1 matched, 1 met, 0 unmet" in done.err
    assert "regard: term big -> \ufffd: 1 matched, 0 met, 1 unmet" in done.err
    assert "regard: sentence 1: the translation lacks the term '\ufffd'" in done.err


def test_json_has_the_terms_of_each_line(regard: Run, terms: Path) -> None:
    done = regard(
        "translate", MODEL, "--device", "cpu", "--json", "--terms", str(terms), stdin=f"{LINE}\nno\n".encode()
    )
    first, second = map(json.loads, done.out.splitlines())
    assert [(use["source"], use["met"]) for use in first["terms"]] == [
        ("cat", True), ("big", False), ("dog", True), ("dog", True),
    ]  # fmt: skip
    assert first["unmet"] == ["\ufffd"]
    assert second["terms"] == []
    assert "terms" not in json.loads(regard("translate", MODEL, "--device", "cpu", "--json", stdin=b"no\n").out)


def test_evaluate_counts_terms_and_names_them_in_the_signature(regard: Run, terms: Path, tmp_path: Path) -> None:
    (tmp_path / "pairs.tsv").write_text(f"{LINE}\tle petit chat\n" * 3)
    options = ("--src", str(tmp_path / "pairs.tsv"), "--device", "cpu", "--beam", "1", "--terms", str(terms))
    answer = json.loads(regard("evaluate", MODEL, *options, "--json").out)
    assert [(row["source"], row["matched"], row["unmet"]) for row in answer["terms"]][:2] == [
        ("cat", 3, 0),
        ("big", 3, 3),
    ]
    assert "|terms:" in answer["model"]
    assert "regard: terms: 12 matched, 9 met, 3 unmet" in regard("evaluate", MODEL, *options).err


def test_attend_uses_terms(regard: Run, terms: Path) -> None:
    done = regard("attend", MODEL, LINE, "--device", "cpu", "--terms", str(terms))
    assert "lapin" in done.out.lower()
    assert "term cat -> lapin | lapins: 1 matched, 1 met" in done.err
    given = regard("attend", MODEL, LINE, "--target", "le chat", "--device", "cpu", "--terms", str(terms))
    assert "term dog -> not chat: 1 matched, 0 met, 1 unmet" in given.err


def test_documents_use_terms(regard: Run, terms: Path, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(f"# {LINE}\n\n- the **cat** sleeps\n")
    output = tmp_path / "out.md"
    done = regard(
        "translate", MODEL, "--device", "cpu", "--input", str(tmp_path / "a.md"), "--output", str(output),
        "--terms", str(terms), "--langs", "en-fr",
    )  # fmt: skip
    assert done.status == 0, done
    assert output.read_text().lower().count("lapin") == 2
    assert "term cat -> lapin | lapins: 2 matched, 2 met" in done.err


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_workers_use_the_same_terms(regard: Run, terms: Path, tmp_path: Path, flags: tuple[str, ...]) -> None:
    (tmp_path / "in").write_text(f"{LINE}\ncaf\u00e9\n" * 20)
    options = ("--device", "cpu", "--beam", "1", "--threads", "1", "--input", str(tmp_path / "in"), *flags)
    whole = regard("translate", MODEL, *options, "--terms", str(terms), "--output", str(tmp_path / "whole"))
    parts = regard(
        "translate", MODEL, *options, "--terms", str(terms), "--output", str(tmp_path / "parts"), "--workers=1"
    )
    assert (whole.status, parts.status) == (0, 0), parts
    assert (tmp_path / "parts").read_bytes() == (tmp_path / "whole").read_bytes()
    assert sorted(whole.err.splitlines()) == sorted(parts.err.splitlines())
    assert "term cat -> lapin | lapins: 20 matched" in parts.err


def test_other_terms_are_another_job(terms: Path, tmp_path: Path) -> None:
    from regard.errors import CheckpointError
    from regard.recipes.chunks.translating import open_translation, translation_work
    from regard.translation.glossary_files import GlossaryFiles

    def work(files: GlossaryFiles | None):  # type: ignore[no-untyped-def] # of the function
        return translation_work(
            [Path(MODEL)], tmp_path / "in", {}, as_json=False, device="cpu", precision=None, shortlist=None, terms=files
        )

    first, without = work(GlossaryFiles((terms,))), work(None)
    assert first.identity["terms"] != without.identity["terms"]
    terms.write_text("cat\tchien\n")
    assert work(GlossaryFiles((terms,))).identity["terms"] != first.identity["terms"]
    with pytest.raises(CheckpointError, match=r"terms\.tsv: the glossary has changed"):
        open_translation(first.arguments, 1)


@pytest.mark.parametrize(
    ("content", "message"),
    [("cat\n", "terms.tsv:1: expected at least 2 columns"), ("cat\tx\tnoun\n", "terms.tsv:1: expected flags")],
)
def test_faulty_glossaries_end_the_command_before_the_model_is_loaded(
    regard: Run, terms: Path, content: str, message: str
) -> None:
    terms.write_text(content)
    done = regard("translate", MODEL, "--terms", str(terms), stdin=b"x\n")
    assert done.status == 2
    assert message in done.err


def test_capitals_can_be_translated_as_they_are(regard: Run) -> None:
    lines = f"{LINE.upper()}\n".encode()
    recased = regard("translate", MODEL, "--device", "cpu", "--json", stdin=lines)
    assert json.loads(recased.out)["read_as"].lower() == LINE
    assert "and put into capitals" in recased.err
    assert "read_as" not in json.loads(
        regard("translate", MODEL, "--device=cpu", "--json", "--no-recase", stdin=lines).out
    )


def test_a_glossary_is_not_overwritten(regard: Run, terms: Path) -> None:
    done = regard("translate", MODEL, "--terms", str(terms), "--output", str(terms), stdin=b"x\n")
    assert done.status == 2
    assert terms.read_text().startswith("cat")


def test_score_counts_the_terms_of_given_translations(regard: Run, terms: Path, tmp_path: Path) -> None:
    (tmp_path / "pairs.tsv").write_text(f"{LINE}\tle petit lapin\n{LINE}\tle chat\nno\tnon\n")
    options = ("--src", str(tmp_path / "pairs.tsv"), "--device", "cpu")
    done = regard("score", MODEL, *options, "--json", "--terms", str(terms))
    assert done.status == 0, done
    assert "regard: term cat -> lapin | lapins: 2 matched, 1 met, 1 unmet" in done.err
    first, second, third = map(json.loads, done.out.splitlines())
    assert [(use["source"], use["met"]) for use in first["terms"]] == [
        ("cat", True), ("big", False), ("dog", False), ("dog", True),
    ]  # fmt: skip
    assert not any(use["met"] for use in second["terms"])
    assert third["terms"] == []
    assert "terms" not in json.loads(regard("score", MODEL, *options, "--json").out.splitlines()[0])


def test_rerank_prefers_translations_that_meet_more_terms(regard: Run, terms: Path, tmp_path: Path) -> None:
    texts = ["le chat", "le chien", "le lapin et le chien", "lapin chien"]
    entries = [{"text": text, "score": -number} for number, text in enumerate(texts)]
    lists, source = tmp_path / "lists.jsonl", tmp_path / "src.txt"
    lists.write_text(json.dumps({"n_best": entries}) + "\n")
    source.write_text(f"{LINE}\n")
    options = (str(lists), "--src", str(source), "--model", f"{MODEL}:0", "--score", "1", "--device", "cpu")
    assert regard("rerank", *options).out == "le chat\n"
    done = regard("rerank", *options, "--json", "--terms", str(terms))
    assert [entry["text"] for entry in json.loads(done.out)["n_best"]] == [*texts[2:], texts[1], texts[0]]
    assert "regard: term cat -> lapin | lapins: 1 matched, 1 met, 0 unmet" in done.err


def test_terms_in_the_source_need_a_glossary_and_a_model_that_reads_them(regard: Run, terms: Path) -> None:
    in_source = ("--device", "cpu", "--terms-in-source")
    for verb in (("translate", MODEL), ("attend", MODEL, LINE)):
        done = regard(*verb, *in_source, stdin=f"{LINE}\n".encode())
        assert done.status != 0
        assert "--terms-in-source has no effect without a glossary" in " ".join(done.err.split())
        done = regard(*verb, *in_source, "--terms", str(terms), stdin=f"{LINE}\n".encode())
        assert done.status != 0
        assert "the model was not trained to read terms in its sources" in " ".join(done.err.split())
