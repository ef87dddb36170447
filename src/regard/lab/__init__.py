"""The lab: trains several systems on one corpus with equal budgets, and compares them in one report."""
