"""Word alignment: links read from attention, symmetrization, file formats, alignment error rate."""
