"""Models in and out of the field's other toolkits; each needs its own package, named in the extra `interop`."""
