"""From text to tensors: corpora as compact arrays of ids, batches of similar lengths, padding."""
