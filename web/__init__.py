"""The server and the call page."""
