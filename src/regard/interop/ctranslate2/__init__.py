"""CTranslate2: export of Transformers, and an engine that runs the exported models."""
