"""Word alignment: links derived from attention, symmetrization, output formats, alignment error rate."""
