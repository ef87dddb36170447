"""The loop: the same seed gives the same weights, an interruption changes nothing, limits and choices hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from workbench import FakeValidator, RecordingReporter, Workbench

from regard.errors import CheckpointError, ConfigError
from regard.model.seq2seq import Seq2Seq
from regard.store import checkpoint
from regard.store.checkpoint import load_state
from regard.train.interrupt import Interrupt
from regard.train.loop import Outcome, Trainer
from regard.train.reporter import StepReport, Validation


def weights(trainer: Trainer) -> dict[str, torch.Tensor]:
    return {name: weight.clone() for name, weight in trainer.model.state_dict().items()}


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(weight, second[name]) for name, weight in first.items())


class StopAt(Interrupt):
    """An interrupt that is requested once training has reached a step."""

    def __init__(self, trainer: Trainer, step: int) -> None:
        super().__init__()
        self.trainer, self.step = trainer, step

    def check(self) -> None:
        if self.trainer.progress.step >= self.step:
            self.request()
        super().check()


def run_until(trainer: Trainer, step: int, *, resume: bool = False) -> Outcome:
    return trainer.run(resume=resume, interrupt=StopAt(trainer, step))


def test_it_learns(bench: Workbench) -> None:
    reporter = bench.reporter()
    trainer = bench.trainer(
        steps=200, validate_every=200, reporter=reporter, clock=bench.clock(0.1), learning_rate=2e-2
    )
    outcome = trainer.run()
    assert reporter.steps[-1].nll < 0.8 * reporter.steps[0].nll
    assert outcome.step == 200
    assert not outcome.interrupted


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_same_seed_gives_the_same_weights(bench: Workbench, precision: str) -> None:
    results = []
    for seed in (1, 1, 2):
        trainer = bench.trainer(precision=precision, network=bench.model(seed))
        trainer.run()
        results.append(weights(trainer))
    assert same(results[0], results[1])
    assert not same(results[0], results[2])


@pytest.mark.parametrize(
    ("precision", "options", "stops"),
    [
        ("float32", {"schedule": "inverse-sqrt"}, [6]),
        ("bfloat16", {"schedule": "plateau"}, [3, 4, 9]),
        ("float32", {"schedule": "plateau"}, [1]),
        ("bfloat16", {"schedule": "cosine"}, [0, 11]),
        ("float32", {"schedule": "cosine", "r_drop": 2.0, "word_dropout": 0.2}, [5]),
    ],
)
def test_an_interrupted_training_gives_the_same_weights(
    tmp_path_factory: pytest.TempPathFactory,
    bench: Workbench,
    precision: str,
    options: dict[str, Any],
    stops: list[int],
) -> None:
    def make(place: Workbench, network: Seq2Seq | None = None) -> Trainer:
        return place.trainer(precision=precision, network=network, accumulate=2, average="last", **options)

    whole = make(bench)
    uninterrupted = whole.run()
    broken = type(bench)(tmp_path_factory.mktemp("broken"))
    for number, step in enumerate(stops):
        stopped = run_until(make(broken), step, resume=number > 0)
        assert stopped.interrupted
        assert stopped.step == step
        assert stopped.validation is None
        torch.manual_seed(99)  # another process would start with other random numbers
    last = make(broken, bench.model(5))
    resumed = last.run(resume=True)
    assert same(weights(whole), weights(last))
    assert resumed.validation is not None
    assert uninterrupted.validation is not None
    assert (resumed.chosen, resumed.validation.loss) == (uninterrupted.chosen, uninterrupted.validation.loss)
    states = [load_state(place / "state.safetensors") for place in (bench.directory, broken.directory)]
    assert same(states[0][0], states[1][0])
    names = [sorted(path.name for path in place.iterdir()) for place in (bench.directory, broken.directory)]
    assert names[0] == names[1]


@pytest.mark.parametrize("option", ["r_drop", "word_dropout"])
def test_regularization_changes_the_weights(bench: Workbench, option: str) -> None:
    results = []
    for value in (0.0, 0.5):
        changes: dict[str, Any] = {option: value}
        trainer = bench.trainer(network=bench.model(), **changes)
        run_until(trainer, 2)
        results.append(weights(trainer))
    assert not same(*results)


def test_the_caller_s_random_numbers_change_nothing(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    quiet, noisy = bench.trainer(), bench.trainer()
    quiet.run()
    advance = noisy._advance

    def draw_and_advance() -> None:
        torch.rand(3)
        advance()

    monkeypatch.setattr(noisy, "_advance", draw_and_advance)
    noisy.run()
    assert same(weights(quiet), weights(noisy))


def test_a_state_with_generator_states_is_resumed_with_a_message(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """States of format version 1 had the states of random number generators."""
    run_until(bench.trainer(), 6)
    path = bench.directory / "state.safetensors"
    tensors, scalars = load_state(path)
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "STATE_VERSION", 1)
        checkpoint.save_state(path, {**tensors, "random.cpu": torch.get_rng_state()}, scalars)
    reporter = bench.reporter()
    assert bench.trainer(reporter=reporter).run(resume=True).step == 12
    assert sum("an earlier version of regard" in message for message in reporter.messages) == 1
    assert not any(name.startswith("random") for name in load_state(path)[0])


def test_a_stop_without_saving_leaves_the_last_saved_state(bench: Workbench) -> None:
    interrupt = Interrupt()

    class Refusing(RecordingReporter):
        def on_step(self, report: StepReport) -> None:
            if report.step == 6:
                interrupt.request(save=False)

    trainer = bench.trainer(reporter=Refusing(), clock=bench.clock(0.3))
    outcome = trainer.run(interrupt=interrupt)
    assert (outcome.interrupted, outcome.step) == (True, 6)
    _, scalars = load_state(bench.directory / "state.safetensors")
    assert isinstance(scalars["progress"], dict)
    assert scalars["progress"]["step"] == 4


def test_an_interruption_within_a_validation_repeats_it(bench: Workbench) -> None:
    trainer = bench.trainer()

    class StoppingValidator(FakeValidator):
        def __call__(self, model: Seq2Seq, *, check: Callable[[], None]) -> Validation:
            interrupt.request()
            return super().__call__(model, check=check)

    interrupt = Interrupt()
    trainer.validator = StoppingValidator()
    assert trainer.run(interrupt=interrupt).interrupted
    validator = bench.validator()
    again = bench.trainer(validator=validator)
    assert again.run(resume=True).step == 12
    assert validator.calls == 3  # after steps 4, 8 and 12


def test_a_validation_counts_as_done_once_it_was_reported(bench: Workbench) -> None:
    """A training that is killed in between reports it again."""

    class Killed(BaseException):
        """As by `kill -9`: nothing is saved."""

    class KilledReporter(RecordingReporter):
        def on_validation(self, step: int, validation: Validation, *, best: bool) -> None:
            if step == 8:
                raise Killed

    with pytest.raises(Killed):
        bench.trainer(reporter=KilledReporter()).run()
    again = bench.reporter()
    bench.trainer(reporter=again).run(resume=True)
    assert [step for step, _, _ in again.validations] == [8, 12]


def test_accumulated_batches_count_like_one(bench: Workbench) -> None:
    """Two half batches give the gradient of the whole one, by tokens and not by batches."""
    batches = [next(bench.stream()) for _ in range(1)] + [next(bench.stream(seed=3))]
    assert batches[0].num_tgt_tokens != batches[1].num_tgt_tokens
    gradients = []
    for order in (batches, batches[::-1]):
        trainer = bench.trainer()
        trainer.model.eval()
        tokens = sum(batch.num_tgt_tokens for batch in order)
        losses = [trainer.step.backward(batch, tokens)[0] for batch in order]
        assert all(loss > 0 for loss in losses)
        assert trainer.model.output_bias.grad is not None
        gradients.append(trainer.model.output_bias.grad.clone())
    torch.testing.assert_close(gradients[0], gradients[1])
    # The bias's gradients: softmax minus target, which sum to zero over the words and lie within one in mean.
    assert gradients[0].sum().abs() < 1e-5
    assert gradients[0].abs().max() < 1


def test_the_best_checkpoint_is_chosen(bench: Workbench) -> None:
    trainer = bench.trainer(validator=bench.validator([3.0, 1.0, 2.0]))
    outcome = trainer.run()
    assert outcome.chosen == "checkpoint of step 8"
    assert outcome.validation is not None
    assert outcome.validation.loss == 1.0
    kept, _ = load_state(bench.directory / "step-00000008.safetensors")
    assert torch.equal(trainer.model.output_bias, kept["output_bias"])


@pytest.mark.parametrize(
    ("losses", "chosen"),
    [([3.0, 1.0, 2.0, 0.5], "average of 2 checkpoints, steps 8 to 12"), ([3.0, 1.0, 2.0, 1.5], "checkpoint of step 8")],
)
def test_the_average_is_taken_only_where_it_is_better(bench: Workbench, losses: list[float], chosen: str) -> None:
    reporter = bench.reporter()
    trainer = bench.trainer(validator=bench.validator(losses), reporter=reporter, average="last")
    outcome = trainer.run()
    assert outcome.chosen == chosen
    assert any("average of 2" in message for message in reporter.messages)
    states = [load_state(bench.directory / f"step-{step:08d}.safetensors")[0]["output_bias"] for step in (8, 12)]
    expected = (states[0] + states[1]) / 2 if chosen.startswith("average") else states[0]
    torch.testing.assert_close(trainer.model.output_bias.detach(), expected)


def test_patience_ends_the_training(bench: Workbench) -> None:
    reporter = bench.reporter()
    trainer = bench.trainer(
        validator=bench.validator([1.0, 2.0, 0.5, 3.0, 3.0, 3.0]), reporter=reporter, steps=100, patience=2
    )
    assert trainer.run().step == 20
    assert reporter.messages[-1] == (
        "the last 2 validations did not improve loss (train.patience = 2): training ended early, at step 20"
    )


def test_patience_is_kept_while_bleu_is_0_and_the_loss_falls(bench: Workbench) -> None:
    class ZeroBleuValidator(FakeValidator):
        def __call__(self, model: Seq2Seq, *, check: Callable[[], None]) -> Validation:
            return replace(super().__call__(model, check=check), bleu=0.0, chrf=0.0)

    reporter = bench.reporter()
    validator = ZeroBleuValidator([6.4, 6.3, 6.2, 6.1, 6.0, 5.9])
    outcome = bench.trainer(
        validator=validator, reporter=reporter, steps=24, patience=2, metric="bleu", schedule="plateau"
    ).run()
    assert (outcome.step, outcome.chosen) == (24, "checkpoint of step 24")
    assert all(best for _, _, best in reporter.validations)
    impatient = bench.trainer(
        validator=ZeroBleuValidator([6.4, 6.4, 6.5, 6.1]), steps=24, patience=2, metric="bleu", average="none"
    )
    assert impatient.run().step == 12


def test_a_nan_loss_is_worse_than_any_number(bench: Workbench) -> None:
    reporter = bench.reporter()
    outcome = bench.trainer(validator=bench.validator([float("nan"), 5.0, float("nan")]), reporter=reporter).run()
    assert outcome.chosen == "checkpoint of step 8"
    assert [best for _, _, best in reporter.validations] == [False, True, False]


def test_the_time_limit_includes_the_last_validations(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = bench.clock()

    class Slow(FakeValidator):
        def __call__(self, model: Seq2Seq, *, check: Callable[[], None]) -> Validation:
            clock.now += 6.0
            return super().__call__(model, check=check)

    trainer = bench.trainer(
        validator=Slow(), clock=clock, steps=10_000, max_minutes=1.0, average="last", validate_every=7
    )
    advance = trainer._advance

    def slow_step() -> None:
        clock.now += 1.0
        advance()

    monkeypatch.setattr(trainer, "_advance", slow_step)
    outcome = trainer.run()
    assert 50.0 < outcome.seconds <= 60.0
    assert outcome.validation is not None


def test_time_before_an_interruption_counts(bench: Workbench) -> None:
    def make() -> Trainer:
        return bench.trainer(clock=bench.clock(0.1), steps=1000, max_minutes=0.2)

    elapsed = run_until(make(), 5).seconds
    outcome = make().run(resume=True)
    assert elapsed > 1.5
    assert outcome.seconds <= 12.5  # each reading of the clock takes time here
    assert 5 < outcome.step < 100


def test_reports_describe_the_progress(bench: Workbench) -> None:
    reporter = bench.reporter()
    trainer = bench.trainer(reporter=reporter, clock=bench.clock(0.3), schedule="cosine")
    trainer.run(num_sentences=40)
    (plan,) = reporter.plans
    assert (plan.steps, plan.first_step, plan.num_sentences, plan.validate_every) == (12, 0, 40, 4)
    assert plan.num_parameters == sum(weight.numel() for weight in trainer.model.parameters())
    report = reporter.steps[-1]
    assert report.learning_rate == trainer.schedule.rate(report.step)
    assert report.loss > report.nll * 0.5
    assert report.tokens_per_second > 0
    assert report.gradient_norm > 0
    assert 0 < report.epoch < 3
    assert [step for step, _, _ in reporter.validations] == [4, 8, 12]
    assert reporter.ends == 1


def test_steps_without_finite_gradients_end_it_with_an_error(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    network = bench.model()
    with torch.no_grad():
        network.output_bias[4] = float("nan")
    trainer = bench.trainer(network=network, steps=100, validate_every=30, clock=bench.clock(0.1))
    with pytest.raises(
        ConfigError,
        match=r"(?s)consecutive steps, up to step \d+, were infinite or NaN.*train\.learning_rate \(it is 0\.01\)",
    ):
        trainer.run()
    assert trainer.updater.num_skipped >= 20
    assert trainer.progress.step < 60


def test_resuming_needs_a_state(bench: Workbench) -> None:
    with pytest.raises(CheckpointError, match="expected the state of an interrupted training"):
        bench.trainer().run(resume=True)


def test_resuming_another_model_is_refused(bench: Workbench) -> None:
    run_until(bench.trainer(), 3)
    other = bench.model()
    other.output_bias = torch.nn.Parameter(torch.zeros(3))
    with pytest.raises(CheckpointError, match="output_bias should be 3, but is 20"):
        bench.trainer(network=other).run(resume=True)


def test_a_finished_training_can_be_given_more_steps(bench: Workbench) -> None:
    bench.trainer().run()
    longer = bench.trainer(steps=16)
    assert longer.run(resume=True).step == 16
    straight = bench.trainer(steps=16)
    straight.run()
    assert same(weights(longer), weights(straight))
