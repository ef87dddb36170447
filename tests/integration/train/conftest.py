"""A tiny corpus, model and reporter for the trainings in these tests."""

from __future__ import annotations

from small_trainer import bench

__all__ = ["bench"]
