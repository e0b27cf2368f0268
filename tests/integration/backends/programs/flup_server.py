"""Serve the test application with flup's threaded SCGI server on the Unix socket of argv."""

from __future__ import annotations

import sys

from flup.server.scgi import WSGIServer

from tests.integration.backends.programs.application import application

if __name__ == "__main__":
    WSGIServer(application, bindAddress=sys.argv[1]).run()
