"""Greedy search, beam search, sampling and forced decoding, with one model or an ensemble."""
