"""The preset `auto` chooses options by the number of pairs, and the user's own options win."""

from __future__ import annotations

from itertools import pairwise

import pytest

from regard.config import auto
from regard.config.auto import AUTO, RULES, Rule, rule_for
from regard.config.derive import derive
from regard.config.dump import dump_config
from regard.config.interactions import conflicts, without_effect
from regard.config.load import load_config, parse_config
from regard.config.presets import preset_text
from regard.config.resolved import DerivedConfig
from regard.config.schema import Config, RNNConfig, TransformerConfig
from regard.config.toml_text import parse
from regard.errors import ConfigError

RECURRENT = Rule(500, {"model": {"kind": "rnn", "decoder": "bahdanau", "hidden_size": 48}}, "an example")


def derived(num_pairs: int, *overrides: str) -> tuple[DerivedConfig, list[str]]:
    config = load_config(preset="auto", overrides=overrides)
    return derive(config, num_pairs=num_pairs, num_src_chars=40 * num_pairs, num_tgt_chars=40 * num_pairs, cores=1)


def test_the_rules_cover_all_sizes_in_order() -> None:
    limits = [rule.max_pairs for rule in RULES]
    assert limits[-1] is None
    finite = [limit for limit in limits if limit is not None]
    assert finite == sorted(set(finite))
    assert len(finite) == len(limits) - 1
    assert rule_for(1) is RULES[0]
    for rule, after in pairwise(RULES):
        assert rule.max_pairs is not None
        assert rule_for(rule.max_pairs) is rule
        assert rule_for(rule.max_pairs + 1) is after
    assert rule_for(10**9) is RULES[-1]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule.max_pairs))
def test_each_rule_has_consistent_options_of_one_kind_of_model(rule: Rule) -> None:
    config = Config.model_validate(rule.options)
    assert conflicts(config) == []
    assert without_effect(config) == []
    assert config.model.kind == rule.options["model"]["kind"]  # type: ignore[index]


def test_the_preset_itself_has_a_comment_only() -> None:
    assert preset_text(AUTO).startswith("# ")
    assert parse(preset_text(AUTO)) == {}


def test_the_values_of_the_rule_are_used_and_reported() -> None:
    few, notes = derived(4_000)
    assert isinstance(few.model, TransformerConfig)
    assert (few.subword.vocab_size, few.train.batch_tokens) == (1_000, 2_048)
    assert notes[0].startswith("preset auto, 4,000 sentence pairs (rule for up to 5,000): subword.vocab_size = 1000, ")
    assert 'model.kind = "transformer"' in notes[0]
    assert notes[0].endswith(RULES[0].reason)
    more, notes = derived(10_000)
    assert (more.subword.vocab_size, more.model.dropout) == (2_000, 0.15)
    assert "(rule for up to 20,000)" in notes[0]
    assert "(rule for more)" in derived(10**7)[1][0]


def test_a_rule_may_choose_a_recurrent_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auto, "RULES", (RECURRENT, *RULES))
    few, notes = derived(500)
    assert isinstance(few.model, RNNConfig)
    assert few.model.hidden_size == 48
    assert 'model.decoder = "bahdanau"' in notes[0]
    assert isinstance(derived(501)[0].model, TransformerConfig)
    with pytest.raises(ConfigError, match=r"'ctranslate2' cannot run this model: model\.kind.*(.|\n)*preset auto"):
        derived(500, "model.export=ctranslate2")


def test_what_the_user_sets_is_kept() -> None:
    own = ["subword.vocab_size=777", "model.dropout=0.45", "train.learning_rate=0.1", "train.label_smoothing=0.2"]
    config, notes = derived(10_000, *own)
    assert isinstance(config.model, TransformerConfig)
    assert (config.subword.vocab_size, config.model.dropout, config.model.width) == (777, 0.45, 128)
    assert (config.train.learning_rate, config.train.label_smoothing) == (0.1, 0.2)
    for key in ("vocab_size", "dropout", "learning_rate"):
        assert f"{key} =" not in notes[0]
    assert "model.width = 128" in notes[0]


def test_a_value_that_equals_the_default_is_kept_too() -> None:
    default = Config().train.learning_rate
    assert derived(10_000)[0].train.learning_rate != default
    assert derived(10_000, f"train.learning_rate={default}")[0].train.learning_rate == default


@pytest.mark.parametrize(("pairs", "kind"), [(3_000, "rnn"), (3_000, "transformer"), (10_000, "rnn")])
def test_the_users_kind_of_model_is_kept(pairs: int, kind: str) -> None:
    config, notes = derived(pairs, f"model.kind={kind}")
    assert config.model.kind == kind
    assert config.subword.vocab_size == rule_for(pairs).options["subword"]["vocab_size"]  # type: ignore[index]
    if kind != rule_for(pairs).options["model"]["kind"]:  # type: ignore[index]
        assert dict(config.model) == dict(Config.model_validate({"model": {"kind": kind}}).model)
        assert "model." not in notes[0]


def test_options_of_one_kind_need_or_imply_the_kind() -> None:
    config, _ = derived(10_000, "model.hidden_size=64")  # of a recurrent model, the kind that is the default
    assert isinstance(config.model, RNNConfig)
    assert (config.model.hidden_size, config.subword.vocab_size) == (64, 2_000)
    with pytest.raises(ConfigError, match=r"model\.width.* set model\.kind"):
        load_config(preset="auto", overrides=["model.width=64"])
    config, _ = derived(10_000, "model.kind=transformer", "model.width=64")
    assert isinstance(config.model, TransformerConfig)
    assert (config.model.width, config.model.ff_size) == (64, 256)


def test_a_stored_configuration_has_all_values_and_no_rule() -> None:
    config, _ = derived(10_000)
    assert config.preset is None
    stored = parse_config(dump_config(config), where="stored")
    assert stored == config
    assert derive(stored, num_pairs=10**6, num_src_chars=1, num_tgt_chars=1, cores=9) == (config, [])


def test_other_presets_follow_no_rule() -> None:
    for preset in (None, "transformer-tiny"):
        config = load_config(preset=preset)
        done, notes = derive(config, num_pairs=3_000, num_src_chars=9, num_tgt_chars=9, cores=1)
        assert (done.preset, done.model) == (preset, config.model)
        assert not any("auto" in note for note in notes)


def test_the_engine_of_an_export_is_checked_for_the_chosen_model() -> None:
    config, _ = derived(10_000, "model.export=ctranslate2")
    assert config.model.export == "ctranslate2"
