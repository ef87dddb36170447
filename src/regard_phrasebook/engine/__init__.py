"""The synchronous grammar: phrases that realize both languages at once, sampling, splits, files."""
