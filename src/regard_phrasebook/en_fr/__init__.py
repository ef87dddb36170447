"""The grammar of English and French."""
