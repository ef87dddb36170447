"""The translation service: HTTP routes, a queue that is fair to its clients, and a web page."""
