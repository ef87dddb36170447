"""Text processing: reading, normalization and subword tokenization. Strings only, no torch."""
