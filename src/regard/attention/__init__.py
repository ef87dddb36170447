"""Attention: scores, normalizers, windows and heads, independent of any encoder or decoder."""
