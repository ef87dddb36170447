"""Parallel corpora in the formats that people have: readers, writers, and the choice of languages."""
