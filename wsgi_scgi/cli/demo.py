"""``wsgi-scgi demo``: an SCGI application of our own, and a gateway in front of it."""

import argparse
import logging
import os
import sys
from functools import partial

from ..config.configuration import single_backend
from ..config.server import CommandLine

_GRACE = 3
"""Seconds: whoever presses Ctrl-C has seen enough of the stream."""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its options."""
    parser = commands.add_parser(
        "demo",
        help="show what the gateway does; needs nothing else",
        description="Start a small SCGI application and a gateway in front of it. The page shows"
        " what the application receives. Ctrl-C ends both.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--bind",
        metavar="ADDRESS",
        default="127.0.0.1:8000",
        help="HOST:PORT to listen on (default: %(default)s)",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serve the demo until a signal ends it.  Raises ConfigurationError where it cannot start."""
    # Neither gunicorn nor gevent is loaded for commands that do without them.
    from ..serve import GatewayServer
    from ..server.demo.launch import running_demo
    from ..server.demo.pages import SENT_DIRECTORY

    flags = {"bind": options.bind, "graceful_timeout": _GRACE, "loglevel": "warning"}
    owner = os.getpid()
    with running_demo() as address:
        options_of_route = {
            "path_info": True,
            "max_body": 0,
            "sendfile": True,
            "sendfile_roots": [SENT_DIRECTORY],
        }
        load = partial(single_backend, str(address), options_of_route)
        try:
            GatewayServer(load, CommandLine(flags=flags), ready=_print_addresses).run()
        except SystemExit as end:
            if os.getpid() != owner:
                # A worker: it was forked within this block, which is its master's to leave.
                _leave(end)
            raise
    return 0


def _print_addresses(addresses: list[str]) -> None:
    for address in addresses:
        shown = address if address.startswith("unix:") else f"{address}/"
        print(f"The demo runs: open {shown} in a browser. Ctrl-C ends it.", flush=True)


def _leave(end: SystemExit) -> None:
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(end.code if isinstance(end.code, int) else end.code is not None)
