"""Import and export of models for other toolkits; each needs an optional package."""
