"""How a model learns: loss, schedule, update, precision, the loop and its checkpoints."""
