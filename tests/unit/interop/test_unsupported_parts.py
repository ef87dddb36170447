"""Parts that an engine cannot run: each is refused by the name of its type, also where a known type is its base."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from regard.attention.normalizers import Sharpened
from regard.attention.scores import AdditiveScore, DotScore, ScaledDotScore, Score
from regard.attention.windows import HistoryWindow, Window
from regard.config.schema import ModelConfig, RNNConfig, TransformerConfig
from regard.errors import ConfigError
from regard.interop.ctranslate2.exporter import export_ctranslate2
from regard.interop.ctranslate2.spec import empty_sides, fill_spec
from regard.interop.marian.exporter import export_marian
from regard.interop.onnx.exporter import export_onnx, plan_of, write_graphs
from regard.interop.onnx.graph import Graph
from regard.interop.part_table import PartTable, entry_of, exact
from regard.model.cells import RecurrentLayer
from regard.model.embed import Positions
from regard.model.seq2seq import Seq2Seq
from regard.model.sublayers import Residual
from regard.native.dropout import Dropout
from regard.store import StoredModel

pytest.importorskip("onnx", reason="needs onnx: pip install 'regard[interop]'")
pytest.importorskip("onnxruntime", reason="needs ONNX Runtime: pip install 'regard[interop]'")
pytest.importorskip("ctranslate2", reason="needs CTranslate2: pip install 'regard[interop]'")
pytest.importorskip("transformers", reason="needs transformers: pip install 'regard[interop]'")

Make = Callable[..., StoredModel]
Replace = Callable[[nn.Module], None]
SIZES = {"width": 16, "ff_size": 24, "heads": 2, "encoder_layers": 1, "decoder_layers": 1}
INNER = {"hidden_map", "filters"}
"""Layers inside coverage, windows and location features, which their owner draws."""


def transformer(**options: object) -> TransformerConfig:
    return TransformerConfig.model_validate({**SIZES, **options})


def rnn(decoder: str, *, attention: dict[str, object] | None = None, **options: object) -> RNNConfig:
    return RNNConfig.model_validate(
        {"embed_size": 8, "hidden_size": 8, "decoder": decoder, "attention": attention or {}, **options}
    )


EVERY_PART: list[ModelConfig] = [
    transformer(norm="pre", position="learned", activation="swiglu", cross_score="general"),
    transformer(norm="post", position="sinusoidal", activation="relu", cross_score="cosine"),
    transformer(position="rotary", activation="gelu", cross_score="additive"),
    transformer(activation="silu", cross_score="location"),
    rnn("plain", cell="rnn"),
    rnn("luong", cell="gru", attention={"score": "dot", "window": "local-m", "window_size": 2}),
    rnn("luong", combine=False, tie_embeddings=False, attention={"window": "local-p", "window_size": 2}),
    rnn("bahdanau", attention={"window": "median", "window_size": 2, "coverage": True, "heads": 2}),
    rnn("bahdanau", attention={"window": "mean", "window_size": 2, "location_filters": 2}),
]


def draw(model: Seq2Seq, directory: Path) -> None:
    directory.mkdir(exist_ok=True)
    write_graphs(plan_of(model), model, directory, Graph)


def drawn_parts(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """One module of each type that the graphs depend on."""
    types = set()
    for path, module in model.named_modules():
        without_effect = isinstance(module, (Dropout, nn.ModuleList, nn.Sequential))
        if not without_effect and path.rpartition(".")[2] not in INNER and type(module) not in types:
            types.add(type(module))
            yield path, module


def as_subclass(module: nn.Module) -> type[nn.Module]:
    """Makes a module one of a user's own subclass of its type; returns the type that it had."""
    known = type(module)
    module.__class__ = type("Mine", (known,), {})
    return known


def test_every_part_of_a_users_own_subclass_is_refused_by_onnx(keep: Make, tmp_path: Path) -> None:
    checked = set()
    for config in EVERY_PART:
        model = keep(config).model
        draw(model, tmp_path / "before")
        for path, module in drawn_parts(model):
            known = as_subclass(module)
            with pytest.raises(ConfigError, match=r"ONNX Runtime cannot run this model: its [\w -]+ is Mine, expected"):
                draw(model, tmp_path / "after")
                pytest.fail(f"{path}: a subclass of {known.__name__} was drawn as {known.__name__}")
            module.__class__ = known
            checked.add(known.__name__)
        draw(model, tmp_path / "after")
        for name in ("start.onnx", "step.onnx", "weights.bin"):
            assert (tmp_path / "after" / name).read_bytes() == (tmp_path / "before" / name).read_bytes()
    assert len(checked) > 40


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_every_part_of_a_users_own_subclass_is_refused_by_ctranslate2(keep: Make, norm: str) -> None:
    for options in ({"activation": "swiglu"}, {"position": "learned", "activation": "gelu"}, {"position": "rotary"}):
        stored = keep(transformer(norm=norm, **options))
        for path, module in drawn_parts(stored.model):
            known = as_subclass(module)
            with pytest.raises(ConfigError, match=r"CTranslate2 cannot run this model: its [\w -]+ is Mine, expected"):
                fill_spec(stored)
                pytest.fail(f"{path}: a subclass of {known.__name__} was taken for {known.__name__}")
            module.__class__ = known
        fill_spec(stored)


def test_every_part_of_a_users_own_subclass_is_refused_by_marian(keep: Make, tmp_path: Path) -> None:
    stored = keep(transformer(norm="post", activation="silu"))
    for path, module in drawn_parts(stored.model):
        known = as_subclass(module)
        with pytest.raises(ConfigError, match=r"MarianMT cannot run this model: its [\w -]+ is Mine, expected"):
            export_marian(stored, tmp_path / "export")
            pytest.fail(f"{path}: a subclass of {known.__name__} was taken for {known.__name__}")
        module.__class__ = known
    assert not (tmp_path / "export").exists()


class SandwichNorm(Residual):
    """`norm(x + sublayer(norm(x)))`."""

    def before(self, x: Tensor) -> Tensor:
        y: Tensor = self.norm(x)
        return y

    def normalized(self, total: Tensor) -> Tensor:
        y: Tensor = self.norm(total)
        return y


class NoMemoryLayer(RecurrentLayer):
    """A layer that forgets its state."""

    def step(self, early: Tensor, late: Tensor, state: tuple[Tensor, ...], weights: object) -> tuple[Tensor, ...]:
        return (early,)


class EvenPositions(Positions):
    """Adds the same number everywhere."""

    def forward(self, x: Tensor, *, start: int = 0) -> Tensor:
        return x + 1.0


class FirstWord(HistoryWindow):
    """Stays on the first word."""

    def center(self, last: Tensor) -> Tensor:
        return torch.zeros_like(last[..., :1])


class Backwards(Window):
    """Runs from the end of the source to its beginning."""

    def center(self, query: Tensor, src_len: Tensor, *, start: int) -> Tensor:
        return src_len - 1 - start


class ZeroScore(Score):
    """Every key has the same score."""

    def forward(self, query: Tensor, key: Tensor) -> Tensor:
        return query.new_zeros((*query.shape[:3], key.shape[2]))


def set_part(path: str, part: object) -> Replace:
    def replace(model: nn.Module) -> None:
        owner, _, name = path.rpartition(".")
        setattr(model.get_submodule(owner), name, part)

    return replace


def even_weights(scores: Tensor, mask: Tensor | None) -> Tensor:
    return torch.ones_like(scores) / scores.shape[-1]


def use_hardswish(model: nn.Module) -> None:
    activation = model.get_submodule("encoder.layers.0.feed_forward.activation")
    assert isinstance(activation, nn.Sequential)
    activation[0] = nn.Hardswish()


PRE, LUONG = transformer(activation="silu"), rnn("luong", attention={"window": "median", "window_size": 2})
LOCAL = rnn("luong", attention={"window": "local-m", "window_size": 2})
RECURRENT = nn.RNN(8, 4, batch_first=True, bidirectional=True, nonlinearity="relu")
OTHER_TYPES: dict[str, tuple[ModelConfig, Replace, str]] = {
    "residual": (PRE, set_part("decoder.layers.0.around_cross", SandwichNorm(16, dropout=0.0)), "SandwichNorm"),
    "positions": (PRE, set_part("encoder.embedder.positions", EvenPositions()), "EvenPositions"),
    "norm": (PRE, set_part("decoder.norm", nn.RMSNorm(16)), "RMSNorm"),
    "network": (PRE, set_part("encoder.layers.0.feed_forward", nn.Identity()), "Identity"),
    "activation": (PRE, set_part("encoder.layers.0.feed_forward.activation", nn.Tanh()), "Tanh"),
    "activation before dropout": (PRE, use_hardswish, "Hardswish"),
    "activation without dropout": (
        PRE,
        set_part("encoder.layers.0.feed_forward.activation", nn.Sequential(nn.SiLU(), nn.Tanh())),
        "Sequential",
    ),
    "approximate GELU": (
        PRE,
        set_part("encoder.layers.0.feed_forward.activation", nn.GELU(approximate="tanh")),
        "GELU with approximate = 'tanh'",
    ),
    "self-attention score": (
        PRE,
        set_part("encoder.layers.0.self_attention.score", AdditiveScore(8, 8)),
        "score of self-attention is AdditiveScore",
    ),
    "cross-attention score": (PRE, set_part("decoder.layers.0.cross_attention.score", ZeroScore()), "ZeroScore"),
    "linear layer": (PRE, set_part("decoder.layers.0.cross_attention.output_map", nn.Identity()), "Identity"),
    "normalizer": (PRE, set_part("encoder.layers.0.self_attention.normalizer", even_weights), "even_weights"),
    "sharpened normalizer": (
        LUONG,
        set_part("decoder.attention.attention.normalizer", Sharpened(even_weights, 2.0)),
        "even_weights",
    ),
    "encoder": (LUONG, set_part("encoder", nn.Identity()), "encoder is Identity"),
    "decoder": (LUONG, set_part("decoder", nn.Identity()), "decoder is Identity"),
    "encoder layer": (LUONG, set_part("encoder.layers.0", nn.Identity()), "recurrent layer is Identity"),
    "ReLU recurrence": (LUONG, set_part("encoder.layers.0", RECURRENT), "nonlinearity = 'relu'"),
    "decoder layer": (
        LUONG,
        set_part("decoder.stack.layers.0", NoMemoryLayer(nn.GRU(8, 8, batch_first=True), 8)),
        "recurrent layer is NoMemoryLayer",
    ),
    "following window": (LUONG, set_part("decoder.attention.window", FirstWord(2)), "window is FirstWord"),
    "local window": (LOCAL, set_part("decoder.attention.attention.window", Backwards(2)), "window is Backwards"),
    "readout": (LUONG, set_part("decoder.readout", nn.Identity()), "readout is Identity"),
}


@pytest.mark.parametrize("name", OTHER_TYPES)
def test_other_types_are_refused_by_onnx_and_nothing_is_written(keep: Make, tmp_path: Path, name: str) -> None:
    config, replace, expected = OTHER_TYPES[name]
    stored = keep(config)
    replace(stored.model)
    with pytest.raises(ConfigError, match=f"ONNX Runtime cannot run this model: its .*{expected}, expected "):
        export_onnx(stored, tmp_path / "export")
    assert not (tmp_path / "export").exists()


@pytest.mark.parametrize("name", [name for name, (config, _, _) in OTHER_TYPES.items() if config is PRE])
def test_other_types_are_refused_by_ctranslate2_and_nothing_is_written(keep: Make, tmp_path: Path, name: str) -> None:
    config, replace, _ = OTHER_TYPES[name]
    stored = keep(config)
    replace(stored.model)
    with pytest.raises(ConfigError, match=r"CTranslate2 cannot run this model: its [\w -]+ is \w+, expected "):
        export_ctranslate2(stored, tmp_path / "export")
    assert not (tmp_path / "export").exists()


def test_a_part_of_another_configuration_is_refused(keep: Make) -> None:
    """CTranslate2 computes what the configuration says, so that each part must be the one that it names."""
    stored, other = keep(transformer(norm="pre")), keep(transformer(norm="post"), seed=2)
    stored.model.encoder = other.model.encoder
    with pytest.raises(ConfigError, match="its last normalization is Identity, expected LayerNorm"):
        fill_spec(stored)


@pytest.mark.parametrize(("option", "value"), [("norm", "sandwich"), ("position", "relative"), ("activation", "tanh")])
def test_a_value_without_an_entry_is_refused(option: str, value: str) -> None:
    config = transformer().model_copy(update={option: value})
    with pytest.raises(ConfigError, match=rf"CTranslate2 cannot run .* model\.{option} to be one of .*, got '{value}'"):
        empty_sides(config)


def test_a_table_finds_exact_types_and_functions() -> None:
    class Mine(DotScore):
        """A user's own score."""

    table = PartTable("onnx", "score", {DotScore: "plain", ScaledDotScore: "scaled", even_weights: "function"})
    parts = (DotScore(4, 4), ScaledDotScore(4, 4), even_weights)
    assert [table.find(part) for part in parts] == ["plain", "scaled", "function"]
    for part, name in ((Mine(4, 4), "Mine"), (use_hardswish, "use_hardswish"), ([], "list"), (None, "NoneType")):
        message = rf"its score is {name}, expected one of DotScore, ScaledDotScore, even_weights: translate with regard"
        with pytest.raises(ConfigError, match=message):
            table.find(part)
    with pytest.raises(ConfigError, match="its score is ScaledDotScore, expected DotScore:"):
        exact(ScaledDotScore(4, 4), DotScore, engine="onnx", family="score")
    assert entry_of({"a": 0}, "a", engine="onnx", option="norm") == 0
