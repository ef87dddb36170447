"""Layers of configuration, and the message for every error in them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.config.auto import AUTO
from regard.config.dump import dump_config
from regard.config.load import load_config, parse_config
from regard.config.presets import preset_names, preset_text
from regard.config.schema import Config, DataConfig, RNNConfig, SubwordConfig, TrainConfig, TransformerConfig
from regard.errors import ConfigError


def rnn(config: Config) -> RNNConfig:
    assert isinstance(config.model, RNNConfig)
    return config.model


def test_without_options_the_defaults_apply() -> None:
    assert load_config() == Config()


def test_overrides_win_over_file_then_preset_then_defaults(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text('preset = "bahdanau"\n[model]\nembed_size = 7\nhidden_size = 8\n', encoding="utf-8")
    config = load_config(path, overrides=["model.hidden_size=10"])
    assert rnn(config).decoder == "bahdanau"  # the preset's; the default is luong
    assert rnn(config).embed_size == 7  # the file's; the preset says 256
    assert rnn(config).hidden_size == 10
    assert config.preset == "bahdanau"


def test_the_preset_option_wins_over_the_preset_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text('preset = "bahdanau"\n', encoding="utf-8")
    config = load_config(path, preset="plain")
    assert (rnn(config).decoder, config.preset) == ("plain", "plain")
    assert rnn(load_config(overrides=["preset=plain"])).decoder == "plain"


def test_another_kind_of_model_drops_the_presets_model() -> None:
    config = load_config(preset="bahdanau", overrides=["model.kind=transformer", "model.width=64"])
    assert config.model == TransformerConfig(width=64)
    assert config.train.warmup == 300  # but not its training
    assert rnn(load_config(preset="bahdanau", overrides=["model.kind=rnn"])).decoder == "bahdanau"


@pytest.mark.parametrize(
    ("override", "value"),
    [
        ("data.src=a file.txt", "a file.txt"),
        ("data.src='a file.txt'", "a file.txt"),
        ("data.src = a=b", "a=b"),
        ("data.src=2020-01-01", "2020-01-01"),
        ("data.src=3\nx=4", "3\nx=4"),
        ('data.src="3"', "3"),
    ],
)
def test_strings_need_no_quotes(override: str, value: str) -> None:
    assert load_config(overrides=[override]).data.src == value


def test_values_of_overrides_are_toml() -> None:
    config = load_config(overrides=["train.betas=[0.8, 0.9]", "train.learning_rate=2e-3", "model.bidirectional=false"])
    assert config.train.betas == (0.8, 0.9)
    assert config.train.learning_rate == 0.002
    assert rnn(config).bidirectional is False
    assert load_config(overrides=["train.seed=1", "train.seed=2"]).train.seed == 2


ORDERS = [
    ["model.width=64", "model.kind=transformer"],
    ["model.kind=transformer", "model.width=64"],
    ["model={width = 64}", "model.kind=transformer"],
]


@pytest.mark.parametrize("options", ORDERS)
@pytest.mark.parametrize("preset", [None, "bahdanau", "transformer-tiny"])
def test_the_order_of_options_does_not_matter(options: list[str], preset: str | None, tmp_path: Path) -> None:
    expected = load_config(preset=preset, overrides=["model={kind = 'transformer', width = 64}"])
    assert isinstance(expected.model, TransformerConfig) and expected.model.width == 64
    assert load_config(preset=preset, overrides=options) == expected
    path = tmp_path / "my.toml"
    for in_file, over in ((options[0], options[1]), (options[1], options[0])):
        path.write_text(in_file.replace("=transformer", '="transformer"'), encoding="utf-8")
        assert load_config(path, preset=preset, overrides=[over]) == expected


@pytest.mark.parametrize("order", [1, -1])
def test_options_of_another_kind_of_model_are_refused_in_any_order(order: int, tmp_path: Path) -> None:
    message = "'model.cell' is an option of model.kind = 'rnn' only: leave it out, or set model.kind"
    with pytest.raises(ConfigError, match=message):
        load_config(overrides=["model.kind=transformer", "model.cell=gru"][::order])
    (tmp_path / "my.toml").write_text("[model]\nkind = 'rnn'\ncell = 'gru'", encoding="utf-8")
    with pytest.raises(ConfigError, match=rf"my\.toml:3: {message}"):
        load_config(tmp_path / "my.toml", overrides=["model.kind=transformer"])


def test_epochs_drop_the_presets_steps_and_vice_versa() -> None:
    train = load_config(preset="demo", overrides=["train.epochs=2"]).train
    assert (train.steps, train.epochs) == (None, 2)
    train = load_config(overrides=["train.epochs=2"], variant=["train.steps=3"]).train
    assert (train.steps, train.epochs) == (3, None)


@pytest.mark.parametrize("name", ["plain", "demo", "transformer-tiny"])
def test_a_complete_file_is_treated_like_a_preset(name: str, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    stored = load_config(preset=name, overrides=["train.steps=9"])
    path.write_text(dump_config(stored), encoding="utf-8")
    assert load_config(path) == stored
    config = load_config(path, overrides=["train.epochs=2", "model.kind=transformer", "model.heads=2"])
    assert (config.train.steps, config.train.epochs, config.model.kind) == (None, 2, "transformer")
    assert load_config(path, overrides=["model.kind=rnn", "model.cell=rnn"]).model.kind == "rnn"


def test_a_variant_drops_options_without_effect_and_keeps_the_rest() -> None:
    start = ["model.attention.size=64", "train.warmup=7", "model.cell=gru"]
    config = load_config(overrides=start, variant=["model.decoder=plain"])
    assert (rnn(config).cell, config.train.warmup) == ("gru", 7)
    assert load_config(overrides=start, variant=["model.kind=transformer"]).model == TransformerConfig()
    with pytest.raises(ConfigError, match=r"model\.attention\.size = 32 has no effect: model\.decoder = 'plain'"):
        load_config(overrides=start, variant=["model.decoder=plain", "model.attention.size=32"])


def test_a_variant_overrides_invalid_values_of_its_base() -> None:
    start = ["train.steps=0", "model.attention.size=8"]
    config = load_config(overrides=start, variant=["train.steps=5", "model.attention.size=8", "model.decoder=bahdanau",
                                                   "model.attention.score=additive"])  # fmt: skip
    assert config.train.steps == 5
    with pytest.raises(ConfigError, match=r"max_source = 8 has no effect"):
        load_config(overrides=start, variant=["train.steps=5", "model.attention.max_source=8"])


SCORES = "dot, scaled-dot, general, additive, concat, location, cosine"
FILE = """\
preset = "bahdanau"
[train]
steps = 3  # three
stepz = 4
"batch_tokens" = 0

[model.attention]  # how
score = "dto"
"""


def test_all_errors_of_a_file_are_reported_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text(FILE, encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        load_config(path)
    assert sorted(str(error.value).splitlines()) == [
        f"{path}:4: unknown key 'train.stepz': did you mean 'train.steps'?",
        f"{path}:5: train.batch_tokens must be a whole number from 1 to 100,000,000, but is 0",
        f"{path}:8: model.attention.score must be one of {SCORES}, but is 'dto'; did you mean 'dot'?",
    ]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("train.stepz=1", "--set train.stepz=1: unknown key 'train.stepz': did you mean 'train.steps'?"),
        ("train.beam=3", "unknown key 'train.beam': did you mean 'search.beam'?"),
        ("model.heads=2", "'model.heads' is an option of model.kind = 'transformer' only"),
        ("modle.cell=gru", "unknown key 'modle': did you mean 'model'?"),
        ("steps=3", "unknown key 'steps': did you mean 'train.steps'?"),
        ("zz=1", "unknown key 'zz': expected one of preset, data, subword, model, train, search"),
        ("search.zz=1", "unknown key 'search.zz' in [search]: expected one of beam, length_penalty"),
        ("train.seed.x=1", "train.seed must be a whole number from 0 to 9,223,372,036,854,775,807, but is a table"),
        ("model.kind=rrn", "model.kind must be one of rnn, transformer, but is 'rrn'; did you mean 'rnn'?"),
        ("model=3", "model is a section, but is set to a value (3)"),
        ("model.attention=dot", "model.attention is a section, but is set to a value ('dot')"),
        ("train.betas=[0.1]", "train.betas must be a list of two numbers, but is [0.1]"),
        ("train.betas=0.1", "train.betas must be a list, but is 0.1"),
        ("train.betas=[0.1, 2.0]", "train.betas must be a number of at least 0 and less than 1, but is 2.0"),
        ("train.steps=many", "train.steps must be a whole number from 1 to 1,000,000,000, but is 'many'"),
        ("train.steps=1.5", "train.steps must be a whole number from 1 to 1,000,000,000, but is 1.5"),
        ("train.epochs=0", "train.epochs must be a number more than 0 and at most 1,000,000, but is 0"),
        (
            "train.learning_rate=nan",
            "train.learning_rate must be a finite number more than 0 and at most 100, but is nan",
        ),
        (
            "train.learning_rate=inf",
            "train.learning_rate must be a finite number more than 0 and at most 100, but is inf",
        ),
        ("model.bidirectional=maybe", "model.bidirectional must be true or false, but is 'maybe'"),
        ("model.dropout=1.0", "model.dropout must be a number of at least 0 and less than 1, but is 1.0"),
        ("train.seed=true", "train.seed must be a whole number from 0 to 9,223,372,036,854,775,807, but is true"),
        ("train.learning_rate=true", "train.learning_rate must be a number more than 0 and at most 100, but is true"),
        ("train.betas=[true, 0.9]", "train.betas must be a number of at least 0 and less than 1, but is true"),
        ("train.steps='3'", "train.steps must be a whole number from 1 to 1,000,000,000, but is '3'"),
        ("model.bidirectional=1", "model.bidirectional must be true or false, but is 1"),
        ("model.attention.coverage=yes", "model.attention.coverage must be true or false, but is 'yes'"),
        (
            "train.keep=1" + 70 * "0",
            "train.keep must be a whole number from 1 to 10,000, but is a number with too many digits",
        ),
        ("data.src=3", "data.src must be text, but is 3"),
        ("data.src=true", "data.src must be text, but is true"),
        ("search.beam=0", "search.beam must be a whole number from 1 to 1,000, but is 0"),
        ("preset=3", "preset must be the name of a preset, such as 'bahdanau', but is 3"),
        ("preset=bahdanaw", "--set preset=bahdanaw: unknown preset 'bahdanaw': did you mean 'bahdanau'?"),
        ("=3", "--set =3: expected key=value with a dotted key"),
        ("train.steps", "--set train.steps: expected key=value with a dotted key"),
        ("train.steps=", "--set train.steps=: expected key=value with a dotted key"),
        ("train..steps=3", "--set train..steps=3: expected key=value with a dotted key"),
    ],
)
def test_an_invalid_override_is_reported_with_a_remedy(override: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        load_config(overrides=[override])
    assert message in str(error.value)
    assert str(error.value).startswith(f"--set {override}: ")


def test_errors_name_the_last_layer_that_sets_the_key(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text("[train]\nsteps = 3\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"^--set train\.steps=0: "):
        load_config(path, overrides=["train.steps=0"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[train\nsteps = 3", r"my\.toml: not valid TOML: .*line 1"),
        (b"[train]\nsteps = 3\nsteps = 4", r"my\.toml: not valid TOML: Cannot overwrite"),
        (b"# caf\xe9", r"my\.toml: expected text in UTF-8, found invalid byte 0xe9 at offset 5: .* saved as UTF-8"),
        ("a = 1".encode("utf-16"), r"my\.toml: expected text in UTF-8, found UTF-16: .* saved as UTF-8"),
        (
            b"a = " + b"[" * 5000 + b"]" * 5000,
            r"my\.toml: not valid TOML: expected at most 32 nested lists .* \(at line 1\)",
        ),
        (b"a = " + b"{a = " * 300, "expected at most 32 nested lists or tables"),
        (b"\n\na" + b".a" * 60_000 + b" = 1", r"expected at most 32 parts of one key, got more \(at line 3\)"),
        (b"a = " + b"9" * 5000, "expected integers of at most 64 bits, got a larger one"),
        (b"train.steps = 0x1" + b"0" * 5000, "steps: expected an integer of at most 64 bits, got a larger one"),
        (b"a = [[1], [-9223372036854775809]]", "a: expected an integer of at most 64 bits"),
        (b"".join(b"[t%d]\n" % n for n in range(30_000)), "not valid TOML: expected at most 131,072 characters"),
        (
            b"".join(b"[t%d]\n" % n for n in range(15_000)),
            r"my\.toml:1: unknown key 't0'.*\n.*(.*\n)*and 14,980 more errors$",
        ),
        (b"a" * 100_000 + b" = 1", r"unknown key 'a{400,500} … .*expected one of preset, data"),
    ],
)
def test_files_that_are_not_toml(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "my.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=message):
        load_config(path)


def test_missing_files_and_directories(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no\.toml: no such file: give the path"):
        load_config(tmp_path / "no.toml")
    with pytest.raises(ConfigError, match="expected a file, found a directory: give the path"):
        load_config(tmp_path)


def test_a_byte_order_mark_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_bytes(b"\xef\xbb\xbf[train]\nseed = 5\n")
    assert load_config(tmp_path / "my.toml").train.seed == 5


def test_an_unknown_preset_suggests_a_similar_one() -> None:
    with pytest.raises(ConfigError, match="unknown preset 'transformer-bse': did you mean 'transformer-base'"):
        load_config(preset="transformer-bse")
    with pytest.raises(ConfigError, match=r"unknown preset '\.\./plain'"):
        load_config(preset="../plain")


def test_all_documented_presets_exist() -> None:
    assert set(preset_names()) == {
        "plain", "luong-dot", "luong-general", "luong-concat", "luong-location", "bahdanau", "demo", "phrasebook",
        "transformer-tiny", "transformer-small", "transformer-base", "transformer-big", "auto",
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted({*preset_names()} - {AUTO}))
def test_a_preset_loads_has_a_comment_and_fits_its_name(name: str) -> None:
    config = load_config(preset=name)
    assert config.preset == name
    assert preset_text(name).startswith("# ")
    model = config.model
    if isinstance(model, TransformerConfig):
        assert (model.encoder_layers, model.width, model.ff_size, model.heads) == {
            "transformer-tiny": (4, 128, 256, 4),
            "transformer-small": (3, 256, 1024, 4),
            "transformer-base": (6, 512, 2048, 8),
            "transformer-big": (6, 1024, 4096, 16),
        }[name]
        assert model.encoder_layers == model.decoder_layers
    elif name.startswith("luong-"):
        assert (model.decoder, model.attention.score) == ("luong", name.removeprefix("luong-"))
    else:
        assert model.decoder == ("bahdanau" if name in ("demo", "phrasebook") else name)


@pytest.mark.parametrize("name", preset_names())
def test_a_dumped_preset_reads_back(name: str) -> None:
    config = load_config(preset=name, overrides=['data.src=quo"te\\.en', "train.steps=3"])
    assert parse_config(dump_config(config), where="dump") == config


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
FLOATS = st.floats(min_value=0, max_value=100, exclude_min=True)


@given(TEXTS, FLOATS, st.integers(min_value=0, max_value=2**63 - 1), st.sampled_from([None, 300]))
def test_any_dumped_configuration_reads_back(text: str, number: float, seed: int, size: int | None) -> None:
    config = Config(
        data=DataConfig(src=text),
        subword=SubwordConfig(vocab_size=size),
        train=TrainConfig(learning_rate=number, seed=seed),
    )
    assert parse_config(dump_config(config), where="dump") == config


def test_parsing_applies_no_preset() -> None:
    assert rnn(parse_config('preset = "bahdanau"', where="x")).decoder == "luong"
    with pytest.raises(ConfigError, match=r"^x:2: unknown key"):
        parse_config("[train]\nstepz = 3", where="x")
