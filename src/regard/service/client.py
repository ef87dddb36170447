"""The key under which the ASGI scope of a request holds the id of the client that sent it."""

CLIENT = "regard.client"
"""Key of the ASGI scope: an API key's id or an address, such as `key:1f2e3d4c` or `address:127.0.0.1`."""
