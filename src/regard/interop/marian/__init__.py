"""Hugging Face's MarianMT: import and export of models and vocabularies."""
