"""What each worker gets: a device, threads and a share of the batches; and messages where that is not possible."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from regard.config.derive import derive
from regard.config.load import load_config
from regard.config.resolved import DerivedConfig
from regard.errors import ConfigError, DataError, WorkerError
from regard.recipes import workers
from regard.recipes.feasibility import check_feasible
from regard.recipes.torchrun import joined_workers
from regard.train.place import Place, open_store

TWO = Place(1, 2, 1, 2)


def derived(*overrides: str, count: int) -> tuple[DerivedConfig, list[str]]:
    config = load_config(None, preset="bahdanau", overrides=overrides)
    workers.check_share(config, count)
    return derive(config, num_pairs=200_000, num_src_chars=20_000_000, num_tgt_chars=20_000_000, cores=2, workers=count)


@pytest.mark.parametrize("count", [2, 3, 7])
def test_an_update_has_as_many_tokens_as_with_one_worker(count: int) -> None:
    alone, _ = derived(count=1)
    shared, notes = derived(count=count)
    assert shared.train.accumulate == count
    tokens = shared.train.batch_tokens * count
    assert alone.train.batch_tokens <= tokens < alone.train.batch_tokens + count or shared.train.batch_tokens == 512
    same = tokens < alone.train.batch_tokens + count
    assert any(f"for {count} workers: {'as many' if same else 'more'} tokens per update" in note for note in notes)
    if same:
        assert shared.train.steps == pytest.approx(alone.train.steps, rel=0.05)  # rounded to two digits


def test_options_that_are_set_are_kept_or_refused() -> None:
    config, _ = derived("train.accumulate=6", "train.batch_tokens=700", count=3)
    assert (config.train.accumulate, config.train.batch_tokens) == (6, 700)
    with pytest.raises(ConfigError, match=r"set train\.accumulate=4 and train\.batch_tokens=500, for the same number"):
        derived("train.batch_tokens=2000", count=4)
    with pytest.raises(ConfigError, match=r"the 2 batches of an update cannot be shared by 4 workers"):
        derived("train.accumulate=2", count=4)
    with pytest.raises(ConfigError, match=r"resume it with at most 2"):
        workers.check_saved_share(derived("train.accumulate=2", count=2)[0], 3, Path("model"))
    assert workers.share_note(config, 3) == ""
    assert "2 of them wait" in workers.share_note(config, 4)


def test_each_worker_has_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    assert workers.device_of("cpu", TWO) == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert workers.device_of("auto", TWO) == workers.device_of("cuda", TWO) == "cuda:1"
    assert workers.device_of("cuda:0", Place()) == "cuda:0"
    with pytest.raises(ConfigError, match="names one GPU, but there are 2 workers"):
        workers.device_of("cuda:0", TWO)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(ConfigError, match="found 1 GPUs: start torchrun with --nproc-per-node 1"):
        workers.device_of("auto", TWO)


def test_a_model_larger_than_a_gpu_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    config = load_config(None, preset="transformer-tiny", overrides=["train.device=cuda"])
    monkeypatch.setattr("regard.recipes.feasibility._gpu_memory", lambda device: 1 << 40)
    check_feasible(config, device="cuda:0")
    monkeypatch.setattr("regard.recipes.feasibility._gpu_memory", lambda device: 1 << 10)
    with pytest.raises(ConfigError, match=r"does not divide a model among GPUs \(FSDP\)"):
        check_feasible(config, device="cuda:0")


def test_workers_of_a_machine_share_its_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "available_cores", lambda: 8)
    assert workers.threads_of(8, Place()) == (8, "")
    assert workers.threads_of(8, TWO) == (4, "threads per worker: 4, because 2 workers share 8 cores")
    assert workers.threads_of(3, TWO) == (3, "")


def test_a_directory_that_is_not_shared_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match="worker 1 finds nothing: texts and the directory of the model must have the same"
    ):
        workers.load_for_worker(tmp_path, TWO)


def test_the_place_of_a_worker_comes_from_the_environment() -> None:
    assert Place.from_environment({"HOME": "/"}) == Place()
    variables = {"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2"}
    variables |= {"TORCHELASTIC_RESTART_COUNT": "1", "TORCHELASTIC_MAX_RESTARTS": "2"}
    assert Place.from_environment(variables) == Place(3, 4, 1, 2, 1, 2)
    with pytest.raises(ConfigError, match="RANK='x': expected a number"):
        Place.from_environment(variables | {"RANK": "x"})
    with pytest.raises(ConfigError, match="contradict each other"):
        Place.from_environment(variables | {"RANK": "4"})
    with pytest.raises(ConfigError, match="MASTER_ADDR or MASTER_PORT is not set"):
        open_store(TWO, {})
    assert open_store(Place(), {}) is None


def test_the_only_worker_under_torchrun_is_like_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("RANK", "0"), ("WORLD_SIZE", "1"), ("TORCHELASTIC_RESTART_COUNT", "1")):
        monkeypatch.setenv(name, value)
    with joined_workers(overwrite=False) as (alone, restarted):
        assert alone.count == 1
        assert restarted
        assert alone.first(lambda: "done") == "done"
        assert alone.sum([3, True]) == [3, 1]
        assert alone.gather("a") == ["a"]
    monkeypatch.setenv("TORCHELASTIC_MAX_RESTARTS", "1")
    with (
        pytest.raises(ConfigError, match="--overwrite cannot be used with torchrun --max-restarts"),
        joined_workers(overwrite=True),
    ):
        pass


def test_errors_of_other_workers_name_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regard.recipes.torchrun.open_store", lambda place: None)
    monkeypatch.setattr("regard.recipes.torchrun.Place.from_environment", lambda: TWO)
    with pytest.raises(DataError, match=r"^worker 1: no text"), joined_workers(overwrite=False):
        raise DataError("no text")
    with pytest.raises(WorkerError, match=r"^gone"), joined_workers(overwrite=False):
        raise WorkerError("gone", reported=True)
