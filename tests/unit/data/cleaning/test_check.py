"""The contract of a check: names, thresholds, what a check needs, and that workers can receive it."""

from __future__ import annotations

import pickle

import pytest

from regard.data.cleaning.check import CHECKS, Check, checks_left_out, default_checks, leakage_check
from regard.data.cleaning.leakage import Leakage
from regard.errors import ConfigError
from regard.values import Pair

GOOD = Pair("How was your day?", "Comment s'est passée ta journée ?")


def test_a_pair_fails_above_the_threshold_only() -> None:
    check = Check("length", "long sides", 7, lambda pairs: [float(len(pair.src)) for pair in pairs])
    assert check.failures([Pair("seven77", ""), Pair("eight888", "")]) == [False, True]


@pytest.mark.parametrize("langs", [None, ("en", "fr")])
def test_a_good_pair_passes_every_check(langs: tuple[str, str] | None) -> None:
    checks = default_checks(langs)
    assert {check.name for check in checks} >= {"empty", "identical", "numbers", "mojibake"}
    assert [check.name for check in checks if check.failures([GOOD]) != [False]] == []


def test_checks_keep_the_order_of_the_table_and_accept_no_pairs() -> None:
    checks = default_checks(("en", "fr"))
    names = [check.name for check in checks]
    assert names == [name for name in CHECKS if name in names]
    assert all(list(check.scores([])) == [] for check in checks)


def test_thresholds_replace_defaults_and_none_leaves_out() -> None:
    checks = {check.name: check for check in default_checks(None, thresholds={"length": 5, "numbers": None})}
    assert "numbers" not in checks
    assert checks["length"].failures([GOOD]) == [True]


def test_an_unknown_check_is_refused() -> None:
    with pytest.raises(ConfigError, match="unknown check 'lenght': expected one of empty, "):
        default_checks(None, thresholds={"lenght": 5})


@pytest.mark.parametrize("name", ["length-ratio", "script", "language", "misaligned"])
def test_a_check_that_cannot_be_made_is_refused_if_it_is_named_and_reported_otherwise(name: str) -> None:
    with pytest.raises(ConfigError, match=f"the check '{name}' needs "):
        default_checks(None, thresholds={name: 1})
    assert name in checks_left_out(default_checks(None))
    assert checks_left_out(default_checks(None, thresholds={name: None}))[name]


def test_checks_can_be_sent_to_worker_processes() -> None:
    pairs = [Pair(f"the number {number} of cats", f"le nombre {number} de chats") for number in range(300)]
    checks = (*default_checks(("en", "fr"), pairs), leakage_check(Leakage.from_pairs([GOOD])))
    assert {"length-ratio", "language", "script", "leaked"} <= {check.name for check in checks}
    for check in checks:
        received = pickle.loads(pickle.dumps(check))
        assert received.failures([GOOD, *pairs]) == check.failures([GOOD, *pairs])
