"""The lab: trains several systems (models) on the same corpus with equal budgets, and compares them in a report."""
