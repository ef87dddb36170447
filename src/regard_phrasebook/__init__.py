"""The built-in corpus: synchronous grammars that write sentence pairs together with their gold word alignment."""
