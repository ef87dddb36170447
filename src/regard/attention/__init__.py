"""Attention: scores, windows and heads. Pure mathematics, no recurrent network and no Transformer in sight."""
