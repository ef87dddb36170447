"""The table of the page on small languages shows the rules of the preset `auto`."""

from __future__ import annotations

from pathlib import Path

from regard.config.auto import RULES, Rule
from regard.config.schema import Config, TransformerConfig

PAGE = Path(__file__).parents[2] / "docs" / "small-languages.md"


def row_of(rule: Rule) -> str:
    config = Config.model_validate(rule.options)
    model, train = config.model, config.train
    if isinstance(model, TransformerConfig):
        name = f"Transformer, {model.encoder_layers} + {model.decoder_layers} layers of {model.width}"
    else:
        assert model.encoder_layers == model.decoder_layers == 1
        name = f"`{model.decoder}`: one recurrent layer of {model.hidden_size}"
    limit = "more" if rule.max_pairs is None else f"{rule.max_pairs:,}"
    columns = [limit, name, f"{model.dropout:g}", f"{config.subword.vocab_size:,}", f"{train.batch_tokens:,}"]
    return f"| {' | '.join(columns)} | {train.learning_rate:g} |"


def test_the_page_shows_the_rules() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    rows = [row_of(rule) for rule in RULES]
    first = lines.index(rows[0])
    assert lines[first : first + len(rows) + 1] == [*rows, ""]
    assert all(Config.model_validate(rule.options).train.label_smoothing == 0.1 for rule in RULES)
    assert all(Config.model_validate(rule.options).train.schedule == "cosine" for rule in RULES)
