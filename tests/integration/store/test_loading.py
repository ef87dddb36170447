"""Loaded models of every kind equal the saved ones, and loading uses no random numbers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, get_args

import pytest
import torch
from torch import Tensor, nn

from regard.attention.heads import HeadLinear
from regard.attention.scores import AdditiveScore, GeneralScore
from regard.config.schema import CellName, NormalizerName, ScoreName, WindowName
from regard.model.build import build_model
from regard.model.embed import LearnedPositions
from regard.model.seq2seq import Seq2Seq
from regard.store import load_model
from regard.store.weights import is_fully_stored

ATTENTION = "model.attention."
SYSTEMS: dict[str, tuple[str, ...]] = {
    "plain": ("plain",),
    "bahdanau": ("rnn", "model.decoder=bahdanau", f"{ATTENTION}score=additive"),
    "bahdanau-shallow": ("rnn", "model.decoder=bahdanau", "model.deep_output=false"),
    "luong-fed": ("rnn", "model.input_feeding=true", "model.encoder_layers=2", "model.decoder_layers=2"),
    "luong-direct": (
        "rnn",
        "model.combine=false",
        "model.tie_embeddings=false",
        "model.residual=true",
        "model.encoder_layers=2",
    ),
    "luong-one-direction": ("rnn", "model.bidirectional=false", "subword.shared=false"),
    "luong-coverage": ("rnn", f"{ATTENTION}coverage=true", f"{ATTENTION}score=additive"),
    "luong-heads": ("rnn", f"{ATTENTION}heads=2", f"{ATTENTION}sharpness=2.0"),
    "transformer-swiglu": ("transformer", "model.activation=swiglu", "model.position=rotary", "model.norm=post"),
    "transformer-learned": ("transformer", "model.position=learned", "model.tie_embeddings=false"),
    "transformer-separate": ("transformer", "subword.shared=false"),
    **{f"cell-{name}": ("rnn", f"model.cell={name}") for name in get_args(CellName)},
    **{f"score-{name}": ("rnn", f"{ATTENTION}score={name}") for name in get_args(ScoreName)},
    **{f"window-{name}": ("rnn", f"{ATTENTION}window={name}") for name in get_args(WindowName)},
    **{f"normalizer-{name}": ("rnn", f"{ATTENTION}normalizer={name}") for name in get_args(NormalizerName)},
    **{
        f"filters-{name}-{heads}": (
            *("rnn", f"{ATTENTION}score={name}", f"{ATTENTION}location_filters=3", f"{ATTENTION}heads={heads}"),
        )
        for name in get_args(ScoreName)
        for heads in (1, 2)
        if name != "location"
    },
    **{f"transformer-{name}": ("transformer", f"model.cross_score={name}") for name in get_args(ScoreName)},
}


class Made(Protocol):
    """Result of the fixture `make`, see `conftest.py`."""

    model: Seq2Seq

    def save(self, path: Path) -> Path: ...


Make = Callable[..., Made]


def tensors_within(model: nn.Module) -> dict[str, Tensor]:
    """Parameters, buffers (stored or not), and tensors that are plain attributes."""
    plain = {
        f"{name}.{key}": value
        for name, module in model.named_modules()
        for key, value in vars(module).items()
        if isinstance(value, Tensor)
    }
    return {**dict(model.named_parameters()), **dict(model.named_buffers()), **plain}


def logits(model: Seq2Seq) -> Tensor:
    """Logits of a few decoder steps for two sentences."""
    model.eval()
    src_ids, src_len = torch.tensor([[5, 9, 30, 7, 3], [8, 40, 3, 1, 1]]), torch.tensor([5, 3])
    logits = []
    with torch.inference_mode():
        state = model.start(src_ids, src_len)
        for ids in ([2, 2], [17, 11], [6, 90]):
            output, state = model.step(torch.tensor(ids), state)
            logits.append(output.logits)
    return torch.stack(logits)


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_loaded_model_equals_the_saved_one(make: Make, tmp_path: Path, system: str) -> None:
    made = make(*SYSTEMS[system])
    with torch.no_grad():  # biases and padding rows start at zero; random values show that they are loaded
        for parameter in made.model.parameters():
            parameter.add_(torch.rand_like(parameter) / 8)
    directory = made.save(tmp_path / "model")
    before = torch.get_rng_state()
    loaded = load_model(directory).model
    assert torch.equal(torch.get_rng_state(), before)
    saved, found = tensors_within(made.model), tensors_within(loaded)
    assert saved.keys() == found.keys()
    assert all(torch.equal(tensor, found[name]) for name, tensor in saved.items())
    assert all(tensor.requires_grad == found[name].requires_grad for name, tensor in saved.items())
    assert all(type(tensor) is type(found[name]) for name, tensor in saved.items())
    ties = [len({id(tensor) for tensor in model.state_dict(keep_vars=True).values()}) for model in (made.model, loaded)]
    assert ties[0] == ties[1]
    assert torch.equal(logits(loaded), logits(made.model))


def test_initial_values_stay_the_same() -> None:
    """A training with a certain seed gives the same model as in earlier versions."""
    torch.manual_seed(3)
    table = LearnedPositions(40, 12).table
    torch.manual_seed(3)
    assert torch.equal(table, torch.randn(40, 12) * 12**-0.5)
    torch.manual_seed(3)
    score = AdditiveScore(5, 6, size=7)
    torch.manual_seed(3)
    HeadLinear(1, 5, 7)
    HeadLinear(1, 6, 7)
    assert torch.equal(score.v, torch.empty(1, 7).uniform_(-1.0, 1.0) / 7**0.5)


class CustomScore(GeneralScore):
    """A custom score with tensors that are computed by its constructor and not stored."""

    def __init__(self, query_size: int, key_size: int) -> None:
        super().__init__(query_size, key_size)
        self.register_buffer("ramp", torch.arange(key_size) / key_size, persistent=False)
        self.offset = torch.ones(key_size) * 0.5

    def project_key(self, key: Tensor) -> Tensor:
        return super().project_key(key * self.get_buffer("ramp") + self.offset)


def test_tensors_that_a_custom_score_computes_are_restored(make: Make, tmp_path: Path) -> None:
    made = make("rnn", "model.attention.location_filters=2")
    made.model = build_model(made.config.model, src_vocab=310, tgt_vocab=310, shared=True, score=CustomScore)  # type: ignore[attr-defined]
    assert not is_fully_stored(made.model)
    directory = made.save(tmp_path / "model")
    before = torch.get_rng_state()
    loaded = load_model(directory, score=CustomScore).model
    assert torch.equal(torch.get_rng_state(), before)
    saved, found = tensors_within(made.model), tensors_within(loaded)
    assert any(name.endswith("ramp") for name in saved)
    assert any(name.endswith("offset") for name in saved)
    assert saved.keys() == found.keys()
    assert all(torch.equal(tensor, found[name]) for name, tensor in saved.items())
    assert torch.equal(logits(loaded), logits(made.model))


def test_a_non_persistent_buffer_is_computed(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def with_table(*args: object, **options: object) -> Seq2Seq:
        model = build_model(*args, **options)  # type: ignore[arg-type]
        model.register_buffer("table", torch.arange(5) ** 2, persistent=False)
        return model

    directory = make().save(tmp_path / "model")
    monkeypatch.setattr("regard.store.reading.build_model", with_table)
    assert load_model(directory).model.get_buffer("table").tolist() == [0, 1, 4, 9, 16]


def test_loaded_weights_do_not_change_with_the_file(make: Make, tmp_path: Path) -> None:
    made = make("transformer")
    directory = made.save(tmp_path / "model")
    loaded = load_model(directory).model
    file = directory / "weights.safetensors"
    with file.open("r+b") as stream:  # in place, as a careless copy does
        stream.write(bytes(file.stat().st_size))
    assert torch.equal(logits(loaded), logits(made.model))


def test_large_finite_weights_are_accepted_although_their_sum_overflows(make: Make, tmp_path: Path) -> None:
    made = make()
    with torch.no_grad():
        made.model.output_bias.fill_(3e38)
    assert load_model(made.save(tmp_path / "model")).model.output_bias[5] == 3e38


def test_models_load_and_translate_without_the_compiler(make: Make, tmp_path: Path) -> None:
    """`torch._dynamo` and its imports take longer to load than everything else."""
    chosen = [name for name in SYSTEMS if not name.startswith(("normalizer", "window"))]
    directories = [str(make(*SYSTEMS[name]).save(tmp_path / name)) for name in chosen]
    script = (
        "import sys\nfrom regard.translation.loading import load\n"
        "for path in sys.argv[1:]:\n"
        "    load(path).translate('how was your day ba ?')\n"
        "    found = {'torch._dynamo', 'torch._inductor', 'sympy'} & {*sys.modules}\n"
        "    assert not found, (path, found)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, *directories], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
