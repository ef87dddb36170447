"""One typed tree of options: read from TOML, completed from the corpus, written back; never imports torch."""
