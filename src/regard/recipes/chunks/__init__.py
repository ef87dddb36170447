"""Processes long files in numbered chunks of lines, each by one of many workers, on one machine or several."""
