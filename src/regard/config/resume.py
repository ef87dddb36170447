"""Names of the options that may change when a training is resumed; all other options must stay the same."""

from __future__ import annotations

CHANGEABLE = ("train.steps", "train.max_minutes", "train.save_minutes", "train.threads")
"""Limits, times and threads."""
MOVABLE = ("data.src", "data.tgt", "data.val_src", "data.val_tgt", "data.corpora", "data.prepared", "train.guided_file")
"""Options that name files, which may have moved."""
