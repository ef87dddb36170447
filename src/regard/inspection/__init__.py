"""Looking at attention: records, measures, word alignment, and pictures of it."""
