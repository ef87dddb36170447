"""Labs as TOML files: checks, changes, and the configuration of each system."""

from __future__ import annotations

from pathlib import Path

import pytest

from regard.config.schema import RNNConfig, TransformerConfig
from regard.errors import ConfigError
from regard.lab.load import dump_lab, lab_names, load_lab, parse_lab, system_config
from regard.model.build import build_model

SMALL = """
baseline = "a"

[corpus]
phrasebook = "en-fr"

[systems]
a = ["model.decoder=plain"]
"b/dot" = ["model.attention.score=dot"]
"b/general" = []
"""


@pytest.fixture
def small(tmp_path: Path) -> str:
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    return str(path)


@pytest.mark.parametrize("name", lab_names())
def test_the_models_of_built_in_labs_can_be_built(name: str) -> None:
    lab = load_lab(name)
    assert parse_lab(dump_lab(lab), where="dumped") == lab
    assert lab.about.strip()
    for system in lab.systems:
        build_model(system_config(lab, system).model, src_vocab=300, tgt_vocab=300, shared=True)


def test_the_lab_of_scores_has_every_score_in_every_decoder() -> None:
    models = [system_config(load_lab("scores"), name).model for name in load_lab("scores").systems]
    recurrent = {(model.decoder, model.attention.score) for model in models if isinstance(model, RNNConfig)}
    scores = {"dot", "scaled-dot", "general", "cosine", "location"}
    assert recurrent >= {("luong", score) for score in (*scores, "concat")}
    assert recurrent >= {("bahdanau", score) for score in (*scores, "additive")}
    crossed = {model.cross_score for model in models if isinstance(model, TransformerConfig)}
    assert crossed == {*scores, "additive"}
    assert len(models) == 19


def test_the_lab_of_the_bottleneck_compares_models_of_one_size() -> None:
    lab = load_lab("bottleneck")
    sizes = []
    for system in lab.systems:
        config = system_config(lab, system)
        size = config.subword.vocab_size or 0
        model = build_model(config.model, src_vocab=size, tgt_vocab=size, shared=True)
        sizes.append(sum(weight.numel() for weight in model.parameters()))
    assert max(sizes) < 1.01 * min(sizes)


def test_changes_replace_values_of_the_file(small: str) -> None:
    lab = load_lab(small, changes={"budget.steps": 7, "seeds": [5], "base.set": ["train.warmup=9"], "baseline": None})
    assert (lab.budget.steps, lab.seeds, lab.baseline) == (7, (5,), "a")
    assert system_config(lab, "b/dot").train.warmup == 9


def test_tokens_replace_steps_and_a_corpus_replaces_the_whole_corpus() -> None:
    lab = load_lab("bottleneck", changes={"budget.tokens": 10**6, "corpus.train": ("a", "b"), "corpus.pairs": 50})
    assert (lab.budget.steps, lab.budget.tokens) == (None, 10**6)
    assert (lab.corpus.phrasebook, lab.corpus.long_test, lab.corpus.train) == (None, False, ("a", "b"))
    assert lab.measure.sentences == ()  # the file's sentences belong to the other corpus


def test_a_test_text_needs_a_training_text() -> None:
    own = {"corpus.test": ("c", "d"), "corpus.val": ("e", "f"), "corpus.gold": "g"}
    lab = load_lab("bottleneck", changes={"corpus.train": ("a", "b"), **own})
    assert (lab.corpus.test, lab.corpus.val, lab.corpus.gold) == (("c", "d"), ("e", "f"), "g")
    with pytest.raises(ConfigError, match="corpus: val, test, gold cannot be set without a training text"):
        load_lab("bottleneck", changes=own)


def test_only_chosen_systems_and_the_baseline(small: str) -> None:
    assert list(load_lab(small, only=("b/*",)).systems) == ["a", "b/dot", "b/general"]
    assert list(load_lab(small, only=("b/dot",)).systems) == ["a", "b/dot"]
    with pytest.raises(ConfigError, match=r"'b/dott': did you mean 'b/dot'\?"):
        load_lab(small, only=("b/dott",))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('baseline = "a"', 'baseline = "c"', r"baseline: expected one of a, b/dot, b/general, got 'c'"),
        ('baseline = "a"', 'baseline = "a"\nsedes = [1]', r"small.toml:3: unknown key 'sedes': did you mean 'seeds'"),
        ("phrasebook =", "phrasebok =", r"small.toml:5: unknown key 'corpus.phrasebok': did you mean 'phrasebook'"),
        ('phrasebook = "en-fr"', "", "corpus: expected either phrasebook"),
        (
            "[systems]",
            'test = ["a", "b"]\n[systems]',
            "corpus: test cannot be set without a training text",
        ),
        ("[systems]", 'val = ["a"]\ngold = "c"\n[systems]', r"corpus: val, gold cannot be set .* set corpus\.train"),
        ('"b/dot"', '"b/../dot"', "expected a name such as luong/dot"),
        ('baseline = "a"', 'baseline = "a"\nseeds = [1, 1]', "seeds: expected different seeds, got 1, 1"),
        ("[systems]", "[budget]\nsteps = 3\ntokens = 4\n[systems]", "budget: expected steps or tokens, got both"),
        (
            "[systems]",
            "[measure]\nlengths = [9, 5]\n[systems]",
            "measure: lengths: expected numbers in increasing order, got 9, 5",
        ),
        ("[systems]", "[systems", "not valid TOML"),
    ],
)
def test_a_mistake_is_reported_with_its_location(small: str, old: str, new: str, message: str) -> None:
    Path(small).write_text(SMALL.replace(old, new))
    with pytest.raises(ConfigError, match=message):
        load_lab(small)


def test_a_wrong_option_names_its_system(small: str) -> None:
    Path(small).write_text(SMALL.replace("score=dot", "skore=dot"))
    with pytest.raises(ConfigError, match=r"^systems\.b/dot: .*skore"):
        system_config(load_lab(small), "b/dot")


def test_a_misspelled_lab_is_refused_with_a_suggestion() -> None:
    with pytest.raises(ConfigError, match=r"skores: expected a TOML file .*, or .*: did you mean 'scores'\?"):
        load_lab("skores")
