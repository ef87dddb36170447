"""Prepared corpora: ids in memory-mapped shards on disk, for text of any size; see `docs/prepared-format.md`."""
