"""The checks find the faults that are planted into a generated corpus, and little else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pytest
from outside import load_script

from regard.data.cleaning import word_translations
from regard.data.cleaning.check import default_checks, leakage_check
from regard.data.cleaning.checks_alignment import Misaligned
from regard.data.cleaning.duplicates import DuplicateFinder
from regard.data.cleaning.leakage import Leakage
from regard.values import Pair
from regard_phrasebook.corpus import write_corpus


class PlantedCorpus(Protocol):
    """See `benchmarks/planted_faults.py`."""

    pairs: list[Pair]
    kinds: list[str]


LEAST = {
    "duplicate": (0.99, 0.99),
    "language": (0.95, 0.9),
    "mojibake": (0.99, 0.99),
    "numbers": (0.95, 0.9),
    "urls": (0.99, 0.99),
    "misaligned": (0.8, 0.9),
    "leaked": (0.95, 0.9),
}
"""Least recall and precision by kind of fault."""
SIZE = 3000


@pytest.fixture(scope="module")
def plant() -> Callable[[list[Pair], list[Pair], list[str]], PlantedCorpus]:
    """`benchmarks/planted_faults.py`, which lies outside the package."""
    function: Callable[[list[Pair], list[Pair], list[str]], PlantedCorpus] = load_script(
        Path(__file__).parents[4] / "benchmarks/planted_faults.py"
    ).plant
    return function


@pytest.fixture(scope="module")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Pair]]:
    """Generated corpora by name: `en-fr`, `en-fr test`, `en-ko`, `en-ko test`."""
    pairs: dict[str, list[Pair]] = {}
    for langs in ("en-fr", "en-ko"):
        directory = tmp_path_factory.mktemp(langs)
        write_corpus(directory, pair=langs, pairs=SIZE, min_length=3, max_length=25)
        for split, name in (("train", langs), ("test", f"{langs} test")):
            texts = [(directory / f"{split}.{code}").read_text(encoding="utf-8") for code in langs.split("-")]
            pairs[name] = [Pair(*lines) for lines in zip(*(text.splitlines() for text in texts), strict=True)]
    return pairs


def numbered(pairs: list[Pair]) -> list[Pair]:
    """Adds a number to both sides of every tenth pair, since the corpus spells numbers."""
    return [
        Pair(f"{row}. {pair.src}", f"{row}. {pair.tgt}") if row % 10 == 0 else pair for row, pair in enumerate(pairs, 1)
    ]


@pytest.mark.parametrize(("langs", "other"), [("en-fr", "en-ko"), ("en-ko", "en-fr")])
def test_planted_faults_are_found(
    plant: Callable[[list[Pair], list[Pair], list[str]], PlantedCorpus],
    corpora: dict[str, list[Pair]],
    langs: str,
    other: str,
) -> None:
    test = corpora[f"{langs} test"]
    corpus = plant(numbered(corpora[langs]), test, [pair.tgt for pair in corpora[other]])
    src_lang, tgt_lang = langs.split("-")
    checks = default_checks((src_lang, tgt_lang), corpus.pairs)
    failures = {
        check.name: check.failures(corpus.pairs) for check in (*checks, leakage_check(Leakage.from_pairs(test)))
    }
    with DuplicateFinder() as finder:
        finder.add(corpus.pairs)
        duplicates = finder.duplicates()
    failures["duplicate"] = [number in duplicates for number in range(len(corpus.pairs))]
    reached = {kind: recall_and_precision(corpus, kind, failures[kind]) for kind in LEAST}
    assert {
        kind: values for kind, values in reached.items() if values[0] < LEAST[kind][0] or values[1] < LEAST[kind][1]
    } == {}
    for name in ("empty", "identical", "length", "long-word", "broken-characters", "markup", "repetition"):
        found = [kind for kind, failed in zip(corpus.kinds, failures[name], strict=True) if failed]
        assert found.count("") == 0, name


def recall_and_precision(corpus: PlantedCorpus, kind: str, failures: list[bool]) -> tuple[float, float]:
    """Share of the planted pairs that fail, and share of the failing pairs that are planted."""
    found = [planted for planted, failed in zip(corpus.kinds, failures, strict=True) if failed]
    hits = found.count(kind)
    # Pairs with another fault are left out: a sentence in another language is misaligned, too.
    return hits / corpus.kinds.count(kind), hits / max(hits + found.count(""), 1)


def test_scores_do_not_depend_on_the_batch_and_are_the_same_every_time(corpora: dict[str, list[Pair]]) -> None:
    sample = corpora["en-fr"]
    checks, again = (default_checks(("en", "fr"), sample) for _ in range(2))
    assert "misaligned" in {check.name for check in checks}
    for check, same in zip(checks, again, strict=True):
        scores = list(check.scores(sample[:150]))
        assert list(same.scores(sample[:150])) == scores
        assert [score for pair in sample[:150] for score in check.scores([pair])] == scores, check.name


def test_misaligned_pairs_are_not_judged_if_the_corpus_does_not_show_translations(
    corpora: dict[str, list[Pair]],
) -> None:
    targets = [pair.tgt for pair in corpora["en-fr"]]
    shuffled = [Pair(pair.src, tgt) for pair, tgt in zip(corpora["en-fr"], targets[7:] + targets[:7], strict=True)]
    assert Misaligned.learn(shuffled) is None
    assert Misaligned.learn(corpora["en-fr"][:100]) is None


def test_the_combinations_that_are_learned_from_are_limited(
    corpora: dict[str, list[Pair]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(word_translations, "MAX_ENTRIES", 50_000)
    sizes: list[int] = []
    unique = np.unique

    def counted(keys: npt.NDArray[np.int64], **options: bool) -> object:
        sizes.append(len(keys))
        return unique(keys, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(np, "unique", counted)
    word_translations.WordTranslations.learn(corpora["en-fr"])
    assert len(sizes) == 1
    assert 40_000 < sizes[0] <= 50_000
