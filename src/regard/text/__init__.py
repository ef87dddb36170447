"""Text: reading it, cleaning it, cutting it into subwords. Strings only, no torch."""
