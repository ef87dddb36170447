"""Hugging Face MarianMT: import and export of models and vocabularies."""
