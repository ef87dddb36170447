"""The grammar of English and Korean."""
