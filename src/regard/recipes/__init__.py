"""Complete tasks that read and write files: training, back-translation, distillation, and the demonstration."""
