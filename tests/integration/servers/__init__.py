"""The gateway as a plain WSGI application inside the WSGI servers that other people run."""
