"""Training of a model: loss, learning rate schedule, optimizer, precision, the training loop and its checkpoints."""
