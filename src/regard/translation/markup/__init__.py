"""Text out of plain text, HTML, XML and documents, and translations back into them. Strings only, no torch."""
