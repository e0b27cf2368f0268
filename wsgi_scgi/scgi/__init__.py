"""The wire without I/O: request and response heads as functions of bytes, both directions."""
