"""Greedy search, beam search, sampling and forced decoding over the step interface, with one model or an ensemble."""
