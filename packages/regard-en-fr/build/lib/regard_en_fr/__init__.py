"""An English-French translation model for regard: `regard.load("en-fr")`, `regard translate en-fr`."""

from pathlib import Path

MODEL = Path(__file__).resolve().parent / "model"
"""Directory of the model."""

__all__ = ["MODEL"]
