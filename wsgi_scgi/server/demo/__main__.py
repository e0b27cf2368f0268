"""``python -m wsgi_scgi.server.demo --socket PATH``: the demo, until a signal ends it.

It ends with its parent, too, however that ended.
"""

import argparse
import contextlib
import logging
import os
import sys
from collections.abc import Sequence

import gevent

from ...address import UnixAddress
from ...errors import ConfigurationError
from ..process import run
from ..scgi_server import SCGIServer
from .application import DemoApplication

_STOP_TIMEOUT = 3.0
"""Seconds: whoever presses Ctrl-C has seen enough of the stream."""


def serve_demo(address: UnixAddress, *, parent: int | None = None) -> None:
    """Serve the demo until SIGTERM, SIGINT or the end of the process ``parent`` (default: ours).

    Raises ConfigurationError where the address cannot be had.
    """
    application = DemoApplication(pause=gevent.sleep)
    parent = os.getppid() if parent is None else parent
    run(SCGIServer(application, address), parent=parent, stop_timeout=_STOP_TIMEOUT)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    options = _parser().parse_args(arguments)
    if options.verbose:
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    try:
        serve_demo(UnixAddress(os.path.abspath(options.socket)), parent=options.parent)
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        if options.remove_directory:
            with contextlib.suppress(OSError):
                os.rmdir(os.path.dirname(os.path.abspath(options.socket)))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m wsgi_scgi.server.demo", description="Serve the demo over SCGI."
    )
    parser.add_argument("--socket", metavar="PATH", required=True, help="the Unix socket to make")
    parser.add_argument(
        "--parent", metavar="PID", type=int, help="end with this process, which must be the parent"
    )
    parser.add_argument(
        "--remove-directory", action="store_true", help="remove the socket's directory at the end"
    )
    parser.add_argument("--verbose", action="store_true", help="log to standard error")
    return parser


if __name__ == "__main__":
    sys.exit(main())
