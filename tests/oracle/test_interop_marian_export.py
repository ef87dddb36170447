"""Exported MarianMT models compared with transformers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from regard.config.schema import Config, DataConfig, SubwordConfig, TransformerConfig
from regard.errors import CheckpointError, ConfigError
from regard.interop.marian import exporter as marian_export
from regard.interop.marian.exporter import export_marian
from regard.interop.marian.importer import import_marian
from regard.model.build import build_model
from regard.store import StoredModel, load_model, save_model
from regard.text.subword import Subword
from regard.translation.translator import Translator

transformers = pytest.importorskip("transformers", reason="needs transformers: pip install 'regard[interop]'")

pytestmark = pytest.mark.filterwarnings("ignore:Recommended. pip install sacremoses")
EN = ["a man in a red hat rides a bicycle", "two women are reading a newspaper", "a dog runs after the ball"]
FR = ["un homme au chapeau rouge roule à vélo", "deux femmes lisent un journal", "un chien court après le ballon"]
Make = Callable[..., StoredModel]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Saves and loads a random Transformer with these options."""

    def made(*, shared: bool = True, **options: object) -> StoredModel:
        settings = {"width": 32, "ff_size": 48, "heads": 4, "encoder_layers": 2, "decoder_layers": 3, "norm": "post"}
        model_config = TransformerConfig.model_validate({**settings, **options})
        src = Subword.train((EN + FR if shared else EN) * 20, vocab_size=350)
        tgt = src if shared else Subword.train(FR * 20, vocab_size=340)
        torch.manual_seed(1)
        model = build_model(model_config, src_vocab=len(src), tgt_vocab=len(tgt), shared=shared)
        with torch.no_grad():
            for name, parameter in model.named_parameters():  # biases and norms too, so that an export cannot omit them
                spread = 0.3 if parameter.dim() == 1 else 1.5 * parameter.shape[-1] ** -0.5
                parameter.copy_(torch.randn_like(parameter) * spread + (1.0 if name.endswith("norm.weight") else 0.0))
        config = Config(data=DataConfig(max_len=40), subword=SubwordConfig(shared=shared), model=model_config)
        save_model(tmp_path / "model", model=model, config=config, src_subword=src, tgt_subword=tgt)
        return load_model(tmp_path / "model")

    return made


@pytest.mark.parametrize(
    "options",
    [{}, {"activation": "silu", "shared": False}, {"activation": "gelu"}],
    ids=lambda options: "-".join(map(str, options.values())) or "default",
)
def test_transformers_translates_as_regard(make: Make, tmp_path: Path, options: dict[str, object]) -> None:
    stored = make(**options)
    export_marian(stored, tmp_path / "export")
    theirs = transformers.MarianMTModel.from_pretrained(tmp_path / "export").eval()
    tokenizer = transformers.MarianTokenizer.from_pretrained(tmp_path / "export")
    for line, ours in zip(EN, Translator.of([stored]).translate(EN, beam=1), strict=True):
        source = tokenizer(line, return_tensors="pt")
        assert tuple(source.input_ids[0, :-1].tolist()) == stored.src_subword.encode(line).ids
        limit = 2 * source.input_ids.shape[1] + 20
        with torch.inference_mode():
            ids = theirs.generate(**source, num_beams=1, max_new_tokens=limit, max_length=None)[0, 1:].tolist()
        decoded = stored.tgt_subword.decode([i for i in ids if i != stored.tgt_subword.specials.eos])
        assert decoded.pieces == ours.tokens
        assert tokenizer.convert_ids_to_tokens(decoded.ids) == list(decoded.pieces) or not options.get("shared", True)


def test_export_and_import_return_the_same_model(make: Make, tmp_path: Path) -> None:
    stored = make(activation="silu")
    export_marian(stored, tmp_path / "export")
    import_marian(tmp_path / "export", tmp_path / "again")
    again = load_model(tmp_path / "again")
    for name, tensor in stored.model.state_dict().items():
        assert torch.equal(tensor, again.model.state_dict()[name])
    assert again.src_subword.encode(EN[0]) == stored.src_subword.encode(EN[0])
    ours, theirs = (Translator.of([model]).translate([*EN, "日本 x"]) for model in (stored, again))
    assert [translation.text for translation in theirs] == [translation.text for translation in ours]
    export_marian(again, tmp_path / "twice")
    first, second = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("export", "twice"))
    assert first == second
    assert json.loads((tmp_path / "twice" / "vocab.json").read_text()) == json.loads(
        (tmp_path / "export" / "vocab.json").read_text()
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"norm": "pre"}, r"model\.norm: .* not 'pre'"),
        ({"position": "rotary"}, r"model\.position: .* not 'rotary'"),
        ({"activation": "swiglu"}, r"model\.activation: .* not 'swiglu'"),
        ({"tie_embeddings": False}, r"model\.tie_embeddings: "),
        ({"cross_score": "general"}, r"model\.cross_score: .* not 'general'"),
        ({"normalizer": "entmax15"}, r"model\.normalizer: .* not by 'entmax15'"),
    ],
)
def test_unsupported_options_are_named(make: Make, tmp_path: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        export_marian(make(**options), tmp_path / "export")
    assert not (tmp_path / "export").exists()


def test_a_model_with_other_logits_is_not_exported(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = make()
    monkeypatch.setattr(marian_export, "to_marian_order", lambda tensor, dim: tensor)
    with pytest.raises(CheckpointError, match="differ from regard's by up to"):
        export_marian(stored, tmp_path / "export")
    assert not (tmp_path / "export").exists()
