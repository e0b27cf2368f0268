"""``wsgi-scgi convert``: an Apache configuration in, ours out."""

import argparse
from pathlib import Path


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its options."""
    parser = commands.add_parser(
        "convert",
        help="print the configuration file for an Apache configuration",
        description="Print the TOML for the ProxyPass lines of an Apache configuration and what"
        " belongs to them. What cannot be carried over is told in comments; a route whose access"
        " rules cannot be expressed is excluded.",
        allow_abbrev=False,
    )
    parser.add_argument("path", metavar="FILE", help="httpd.conf, or any file that it includes")
    parser.add_argument(
        "-D",
        metavar="NAME",
        dest="names",
        action="append",
        help="a name that Apache is started with, for <IfDefine>; may be repeated",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the file.  Raises ConfigurationError for what cannot be read at all."""
    # No other command needs the reader of Apache's syntax.
    from ..convert import convert

    print(convert(Path(options.path), given=options.names), end="")
    return 0
