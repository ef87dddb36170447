"""From text to tensors: ids in compact arrays, batches of like length, one place that pads."""
