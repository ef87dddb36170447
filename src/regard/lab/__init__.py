"""The lab: kinds of attention trained on one corpus with equal budgets, and one report that compares them."""
