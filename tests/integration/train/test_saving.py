"""States saved by time, resumed from the state before, and trainings whose batches break or do not fit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor
from workbench import RecordingReporter, Workbench, stream

from regard.errors import ConfigError
from regard.model.seq2seq import Seq2Seq
from regard.store.checkpoint import load_state
from regard.store.state_files import PREVIOUS_STATE, STATE
from regard.train.broken import TrainingLine
from regard.train.loop import Trainer
from regard.values import Batch, DecoderOutput


class Killed(BaseException):
    """As by `kill -9`: nothing is saved."""


def weights(trainer: Trainer) -> dict[str, Tensor]:
    return {name: weight.clone() for name, weight in trainer.model.state_dict().items()}


def same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(weight, second[name]) for name, weight in first.items())


def kill_at(trainer: Trainer, step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trains until the update `step` would begin."""
    advance = trainer._advance

    def killed() -> None:
        if trainer.progress.step + 1 == step:
            raise Killed
        advance()

    monkeypatch.setattr(trainer, "_advance", killed)
    with pytest.raises(Killed):
        trainer.run()


def saved_step(path: Path) -> int:
    progress = load_state(path)[1]["progress"]
    assert isinstance(progress, dict)
    return int(str(progress["step"]))


@pytest.mark.parametrize("damaged", [False, True])
def test_a_training_killed_between_validations_resumes_from_a_state_saved_by_time(
    tmp_path_factory: pytest.TempPathFactory, bench: Workbench, monkeypatch: pytest.MonkeyPatch, damaged: bool
) -> None:
    """Also from the state before, and also if checkpoints were deleted since that state."""
    whole = bench.trainer(average="last", keep=1, validator=bench.validator([3.0, 2.0, 1.0]))
    whole.run()
    place = type(bench)(tmp_path_factory.mktemp("cut"))
    killed = place.trainer(
        average="last",
        keep=1,
        validator=place.validator([3.0, 2.0]),
        clock=place.clock(1.0),  # read about twice per step
        save_minutes=0.04,
    )
    kill_at(killed, 12, monkeypatch)
    newest, previous = (saved_step(place.directory / name) for name in (STATE, PREVIOUS_STATE))
    assert 8 <= previous < newest <= 11
    assert {newest, previous} - {4, 8}
    if damaged:
        (place.directory / STATE).write_bytes((place.directory / STATE).read_bytes()[:-5])
    reporter = place.reporter()
    resumed = place.trainer(
        average="last", keep=1, validator=place.validator([1.0]), reporter=reporter, network=place.model(5)
    )
    outcome = resumed.run(resume=True)
    assert reporter.plans[0].first_step == (previous if damaged else newest)
    assert same(weights(whole), weights(resumed))
    assert same(*(load_state(directory / STATE)[0] for directory in (bench.directory, place.directory)))
    assert outcome.chosen == "checkpoint of step 12"
    notes = [message for message in reporter.messages if "damaged or incomplete" in message]
    assert len(notes) == damaged


def test_the_state_before_the_last_validation_has_all_its_checkpoints(bench: Workbench) -> None:
    bench.trainer(average="last", keep=1, validator=bench.validator([1.0, 2.0, 0.5])).run()
    (bench.directory / STATE).unlink()
    again = bench.trainer(average="last", keep=1, validator=bench.validator([3.0]))
    assert again.run(resume=True).chosen == "checkpoint of step 4"  # the best, which the state of step 12 did not need


@pytest.mark.parametrize("minutes", [0.0, 1000.0])
def test_no_state_is_saved_between_validations_without_need(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, minutes: float
) -> None:
    kill_at(bench.trainer(clock=bench.clock(1.0), save_minutes=minutes), 12, monkeypatch)
    assert [saved_step(bench.directory / name) for name in (STATE, PREVIOUS_STATE)] == [8, 4]


def test_the_time_of_a_save_is_not_that_of_steps(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, reporter = bench.clock(0.01), bench.reporter()
    trainer = bench.trainer(
        clock=clock, save_minutes=0.01, steps=200, validate_every=200, max_minutes=1000.0, reporter=reporter
    )
    saves, save, advance = [0], trainer.saver.save, trainer._advance

    def slow_save() -> None:
        saves[0] += 1
        clock.now += 100.0
        save()

    def slow_step() -> None:
        clock.now += 0.1
        advance()

    monkeypatch.setattr(trainer.saver, "save", slow_save)
    monkeypatch.setattr(trainer, "_advance", slow_step)
    trainer.run()
    assert saves[0] > 10
    assert trainer.stopwatch.elapsed() > 1000.0
    assert reporter.steps
    tokens = [report.tokens_per_second for report in reporter.steps]
    assert min(tokens) > 100.0  # with a save it would be a few
    assert 0.1 < trainer.limit.pace < 0.3


def test_other_conditions_are_reported_once(bench: Workbench) -> None:
    def resume(*, conditions: dict[str, str] | None = None) -> list[str]:
        reporter = RecordingReporter()
        trainer = bench.trainer(reporter=reporter, steps=16)
        trainer.saver.conditions |= conditions or {}
        trainer.run(resume=True)
        return [message for message in reporter.messages if "bit-identical" in message]

    bench.trainer().run()
    assert resume() == []
    [message] = resume(conditions={"threads": "77"})
    assert "threads: " in message
    assert ", now 77" in message
    trainer = bench.trainer(steps=20)
    trainer.saver.conditions |= {"threads": "77"}
    trainer.run(resume=True)
    [message] = resume()
    assert "threads: 77, now " in message


def test_a_broken_batch_is_written_and_named(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    reporter = bench.reporter()
    trainer = bench.trainer(reporter=reporter, accumulate=2)
    trainer.broken.find_line = lambda row: TrainingLine(f"train.en:{row + 1}", "a", "b")
    backward = trainer.step.backward

    def breaking(batch: Batch, num_tokens: int) -> tuple[Tensor, Tensor]:
        losses = backward(batch, num_tokens)
        if trainer.progress.step == 6:
            trainer.model.output_weight.grad.fill_(float("nan"))  # type: ignore[union-attr]
        return losses

    monkeypatch.setattr(trainer.step, "backward", breaking)
    assert trainer.run().num_skipped == 1
    [path] = (bench.directory / "broken").iterdir()
    assert path.name == "step-00000006.jsonl"
    rows = [json.loads(line)["row"] for line in path.read_text().splitlines()]
    batches = stream()
    batches.skip(10)
    assert rows == [row for _ in range(2) for row in next(batches).indices]
    [message] = [message for message in reporter.messages if "infinite or NaN" in message]
    assert message == (
        f"step 6: gradients were infinite or NaN, so the weights were not changed; the {len(rows)} sentence pairs of "
        f"this step are in {path}"
    )


def limited(network: Seq2Seq, most: int, events: list[int]) -> Seq2Seq:
    """Makes a model refuse batches with more padded tokens than `most`, in the middle of the backward pass."""
    forward = network.forward

    class Refuse(torch.autograd.Function):
        @staticmethod
        def forward(ctx: object, x: Tensor, size: int) -> Tensor:
            ctx.size = size  # type: ignore[attr-defined]
            return x.clone()

        @staticmethod
        def backward(ctx: object, *upstream: Tensor) -> tuple[Tensor | None, ...]:
            size = ctx.size  # type: ignore[attr-defined]
            if size > most:
                events.append(size)
                raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes.")
            return upstream[0], None

    def checked(batch: Batch, *, need_weights: bool = False) -> DecoderOutput:
        output = forward(batch, need_weights=need_weights)
        if not network.training:
            return output
        size = len(batch.indices) * max(batch.src_ids.shape[1], batch.tgt_in_ids.shape[1])
        hidden: Tensor = Refuse.apply(output.hidden, size)  # type: ignore[no-untyped-call]
        return DecoderOutput(hidden, output.weights)

    network.forward = checked  # type: ignore[method-assign]
    return network


def test_batches_that_do_not_fit_give_the_same_gradients(bench: Workbench) -> None:
    """Without dropout, splitting changes rounding only."""
    results: list[dict[str, Tensor]] = []
    events: list[int] = []
    splits, reporter = [], bench.reporter()
    for most in (10_000, 40):
        network = bench.model()
        for module in network.modules():
            if hasattr(module, "rate"):
                module.rate = 0.0  # type: ignore[assignment]
        trainer = bench.trainer(network=limited(network, most, events), reporter=reporter, accumulate=2)
        splits.append(trainer.run().num_split)
        results.append(weights(trainer))
    assert events
    assert splits == [0, len(events)]
    assert max(events) <= 64
    for name, weight in results[0].items():
        torch.testing.assert_close(results[1][name], weight, rtol=1e-3, atol=1e-4)
    lowered = [message for message in reporter.messages if "from here on, batches of more than" in message]
    assert lowered
    assert len(events) < 12  # batches above the limit are no longer tried


@pytest.mark.parametrize("stop", [1, 3, 7, 10])
def test_splitting_resumes_exactly(
    tmp_path_factory: pytest.TempPathFactory, bench: Workbench, monkeypatch: pytest.MonkeyPatch, stop: int
) -> None:
    """With dropout: every part has its own random numbers, whenever it was split."""

    def make(place: Workbench, seed: int = 1, clock: Callable[[], float] | None = None) -> Trainer:
        network = limited(place.model(seed), 30, [])
        return place.trainer(network=network, accumulate=2, clock=clock, save_minutes=0.02)

    whole = make(bench)
    split = whole.run().num_split
    cut = type(bench)(tmp_path_factory.mktemp("cut"))
    kill_at(make(cut, clock=cut.clock(1.0)), stop + 1, monkeypatch)
    last = make(cut, seed=5)
    if (cut.directory / STATE).exists():
        outcome = last.run(resume=True)
        assert outcome.num_split == split
    else:
        assert stop == 1
        last = make(cut)
        last.run()
    assert same(weights(whole), weights(last))


def test_a_pair_that_does_not_fit_ends_the_training_with_advice(bench: Workbench) -> None:
    trainer = bench.trainer(network=limited(bench.model(), 3, []))
    with pytest.raises(ConfigError, match=r"a single sentence pair of .* does not fit into .*: lower data\.max_len"):
        trainer.run()


def test_other_errors_are_not_hidden(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = bench.trainer()

    def fail(batch: Batch, num_tokens: int) -> tuple[Tensor, Tensor]:
        raise RuntimeError("shapes cannot be multiplied")

    monkeypatch.setattr(trainer.step, "backward", fail)
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        trainer.run()
