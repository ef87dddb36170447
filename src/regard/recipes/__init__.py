"""Whole jobs from files to files: training a model, and the demonstration."""
