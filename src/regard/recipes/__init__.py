"""Complete jobs that read and write files: training a model, and the demonstration."""
