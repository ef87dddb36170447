"""Migrations run in sequence, each from the previous version."""

from __future__ import annotations

from dataclasses import replace

from regard.store.manifest import FORMAT_VERSION
from regard.store.migrations import MIGRATIONS, Description, migrate


def test_every_former_version_has_a_migration() -> None:
    assert sorted(MIGRATIONS) == list(range(1, FORMAT_VERSION))


def test_migrations_run_in_sequence() -> None:
    def step(number: int) -> Description:
        return Description({"format_version": number}, f"config {number}", {"old": f"name{number}"})

    migrations = {
        1: lambda description: replace(step(2), config=description.config + " 2"),
        2: lambda description: replace(step(3), config=description.config + " 3"),
    }
    assert migrate(step(1), 1, target=3, migrations=migrations) == replace(step(3), config="config 1 2 3")
    assert migrate(step(2), 2, target=3, migrations=migrations) == replace(step(3), config="config 2 3")
    assert migrate(step(3), 3, target=3, migrations=migrations) == step(3)
