"""Long files in numbered chunks of lines, each processed once by one of many workers, on one machine or several."""
