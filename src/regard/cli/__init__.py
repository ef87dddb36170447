"""The command line: one file a verb, which reads options, calls what does the work, and prints what comes back."""
