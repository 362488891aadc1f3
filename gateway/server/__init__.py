"""The HTTP server: one protocol class on uvicorn's server, which bounds what a connection may cost."""
