"""Text to text: the translator and its results, segments of long lines, retries, alignment of given text."""
