"""The command ``wsgi-scgi``: what it is told, and which part of the package does it."""

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from .. import __version__
from ..errors import Error
from . import app, check, convert, demo, passwd, request, serve, steer

_COMMANDS = (demo, serve, check, convert, request, app, passwd, steer)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status; what fails is told in words on stderr."""
    ours = list(sys.argv[1:] if arguments is None else arguments)
    gunicorn: list[str] = []
    if ours[:1] == ["serve"]:
        ours, gunicorn = serve.prepare(ours)
    options = _parser().parse_args(ours, argparse.Namespace(gunicorn=gunicorn))
    try:
        return int(options.run(options))
    except Error as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130  # as shells say it


class _Parser(argparse.ArgumentParser):
    """A parser that tells a mistake in one line and ends with status 1."""

    def error(self, message: str) -> NoReturn:
        print(f"{self.prog}: {message}; see {self.prog} --help", file=sys.stderr)
        sys.exit(1)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="wsgi-scgi", description="A gateway from HTTP to SCGI.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"wsgi-scgi {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in _COMMANDS:
        command.add_parser(commands)
    return parser
