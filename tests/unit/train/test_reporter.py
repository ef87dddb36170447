"""Scores to choose checkpoints by, and several reporters as one."""

from __future__ import annotations

from workbench import Workbench

from regard.train.reporter import Reporters, StepReport, TrainingPlan, Validation


def test_the_score_is_higher_where_the_model_is_better() -> None:
    validation = Validation(2.5, 2.0, bleu=30.0, chrf=50.0)
    assert [validation.score(name) for name in ("loss", "bleu", "chrf")] == [-2.5, 30.0, 50.0]


def test_without_translations_the_loss_decides() -> None:
    assert Validation(2.5, 2.0).score("bleu") == -2.5


def test_with_a_score_of_0_the_loss_decides() -> None:
    first, second = Validation(6.4, 6.4, bleu=0.0, chrf=3.0), Validation(6.3, 6.3, bleu=0.0, chrf=2.0)
    some = Validation(7.0, 7.0, bleu=0.01, chrf=1.0)
    assert first.score("bleu") < second.score("bleu") < 0 < some.score("bleu")
    assert Validation(6.4, 6.4, bleu=0.0, chrf=0.0).score("chrf") == -6.4
    assert [first.value(name) for name in ("loss", "bleu", "chrf")] == [6.4, 0.0, 3.0]
    assert Validation(2.5, 2.0).value("bleu") == 2.5


def test_all_reporters_receive_the_same(bench: Workbench) -> None:
    first, second = bench.reporter(), bench.reporter()
    plan = TrainingPlan(1, 2, 3, 0, 1, "here", None)
    report = StepReport(1, 2, 0.5, 2.0, 2.0, 1.0, 1e-3, 100.0, 1.0, 2.0)
    validation = Validation(1.0, 1.0)
    both = Reporters([first, second])
    both.on_start(plan)
    both.on_step(report)
    both.on_validation(1, validation, best=True)
    both.on_message("hello")
    both.on_end()
    assert first == second
    assert first.plans == [plan]
    assert first.steps == [report]
    assert first.validations == [(1, validation, True)]
    assert first.messages == ["hello"]
    assert first.ends == 1
