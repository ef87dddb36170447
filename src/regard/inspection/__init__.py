"""Attention inspection: records, measures, rankings and visualizations."""
