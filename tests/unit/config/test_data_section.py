"""Several corpora in a configuration: they read back as written, and faults are located in their entry."""

from __future__ import annotations

from pathlib import Path

import pytest

from regard.config.dump import dump_config
from regard.config.load import load_config, parse_config
from regard.config.schema import Config, CorpusConfig, DataConfig
from regard.errors import ConfigError


def test_corpora_are_written_as_tables_and_read_back() -> None:
    corpora = (
        CorpusConfig(src="a.tmx", weight=2.5, tag="<web>", langs="en-fr"),
        CorpusConfig(src="c.en", tgt="c.fr", encoding="cp1252", on_error="skip", include_fuzzy=True),
        CorpusConfig(src="d.csv", columns=("1", "french"), format="csv"),
    )
    config = Config(data=DataConfig(corpora=corpora, langs="en-de", max_len=99))
    text = dump_config(config)
    assert text.count("[[data.corpora]]") == 3
    assert parse_config(text, where="test") == config


def test_a_configuration_without_corpora_has_the_text_of_earlier_versions() -> None:
    assert dump_config(Config(data=DataConfig(src="a", tgt="b"))).startswith(
        '[data]\nsrc = "a"\ntgt = "b"\nmax_len = 256\n\n[subword]'
    )


FAULTS = {
    'src = "a"\ntag = "web"': "must be a word that begins and ends with a sign, such as <web>, but is 'web'",
    'src = "a"\ncolumns = [1, 1]': 'must be two columns, such as ["en", "fr"] or [2, 3], but is [1, 1]',
    'src = "a"\ncolumns = ["x"]': "must be two columns",
    'src = "a"\nencoding = "base64"': "must be the name of an encoding, such as cp1252, but is 'base64'",
    'src = "a"\nweight = 0': "must be a number more than 0 and at most 1,000, but is 0",
    'src = "a"\nlangs = "x"': "must be two languages, such as en-fr, but is 'x'",
    'src = "a"\non_error = "pass"': "must be one of stop, skip, but is 'pass'",
    'src = "a"\nwieght = 2': "did you mean 'data.corpora[2].weight'?",
}


@pytest.mark.parametrize("entry", FAULTS)
def test_a_fault_is_located_in_its_entry(entry: str, tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text(f'[[data.corpora]]\nsrc = "x"\nweight = 1\n[[data.corpora]]\n{entry}\n[train]\nseed = 3\n')
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    key = entry.rpartition("\n")[2].split(" ")[0]
    assert str(caught.value).startswith(f"{path}:6: ")
    assert f"data.corpora[2].{key}" in str(caught.value)
    assert FAULTS[entry] in str(caught.value)


def test_an_entry_without_text_or_that_is_no_table_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"data\.corpora\[1\]\.src is missing: set it"):
        load_config(overrides=["data.corpora=[{weight=2}]"])
    with pytest.raises(ConfigError, match=r'data\.corpora\[1\] must be a table, such as \{src = "train.tmx"\}'):
        load_config(overrides=['data.corpora=["a.tmx"]'])


def test_contradictions_are_refused() -> None:
    two = 'data.corpora=[{src="a", weight=2}, {src="b"}]'
    with pytest.raises(ConfigError, match=r"data\.corpora and data\.src are both set"):
        load_config(overrides=[two, "data.src=c"])
    with pytest.raises(ConfigError, match=r"but data\.corpora\[1\] has a weight: leave out one of the two"):
        load_config(overrides=[two, "data.temperature=5"])
    with pytest.raises(ConfigError, match=r"data\.temperature = 5\.0 has no effect: it weights two or more corpora"):
        load_config(overrides=["data.temperature=5"])


def test_corpora_replace_the_text_of_a_complete_configuration_and_the_other_way_round(tmp_path: Path) -> None:
    path = tmp_path / "stored.toml"
    path.write_text(dump_config(Config(data=DataConfig(src="a", tgt="b"))), encoding="utf-8")
    data = load_config(path, overrides=['data.corpora=[{src="c"}]']).data
    assert (data.src, data.tgt, [corpus.src for corpus in data.corpora]) == (None, None, ["c"])
    path.write_text(dump_config(Config(data=DataConfig(corpora=(CorpusConfig(src="c"),)))), encoding="utf-8")
    data = load_config(path, overrides=["data.src=a"]).data
    assert (data.src, data.corpora) == ("a", ())
