"""Files: paths, reading of bounded size, atomic writing, locks between processes, strict JSON."""
