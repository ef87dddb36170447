"""Migrations run one after another, each from the version before it."""

from __future__ import annotations

from dataclasses import replace

from regard.store.manifest import FORMAT_VERSION
from regard.store.migrations import MIGRATIONS, Description, migrate


def test_every_version_that_was_left_behind_has_its_migration() -> None:
    assert sorted(MIGRATIONS) == list(range(1, FORMAT_VERSION))


def test_one_after_another() -> None:
    def step(number: int) -> Description:
        return Description({"format_version": number}, f"config {number}", {"old": f"name{number}"})

    migrations = {
        1: lambda one: replace(step(2), config=one.config + " 2"),
        2: lambda one: replace(step(3), config=one.config + " 3"),
    }
    assert migrate(step(1), 1, target=3, migrations=migrations) == replace(step(3), config="config 1 2 3")
    assert migrate(step(2), 2, target=3, migrations=migrations) == replace(step(3), config="config 2 3")
    assert migrate(step(3), 3, target=3, migrations=migrations) == step(3)
