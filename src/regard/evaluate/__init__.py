"""How good translations are, by which measure, and how good word alignments are."""
