"""Import and export of models for other toolkits, and the aligner eflomal; each needs an optional package."""
