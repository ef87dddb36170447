"""Checks of parallel corpora: what they contain, what should be left out, and splits without leakage."""
