"""Translation of text: the translator and its results, splitting of long lines, retries, alignment of given text."""
