"""The HTTP interface: the FastAPI application over the `Engine`, and the process that serves it."""
