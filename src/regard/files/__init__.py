"""Files as users name and share them: paths, reads of a bounded size, atomic writes, locks, JSON."""
