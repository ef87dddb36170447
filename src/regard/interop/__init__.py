"""The field's other toolkits: models in and out of them, an aligner; each needs a package that an extra names."""
