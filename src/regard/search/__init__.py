"""Searches over the step interface: greedy, beam, sampling, forced; one model or an ensemble."""
