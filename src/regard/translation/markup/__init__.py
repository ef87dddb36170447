"""Extracts the sentences of plain text, HTML, XML and documents, and writes translations back, without PyTorch."""
