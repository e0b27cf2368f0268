"""``wsgi-scgi passwd``: put a user into an htpasswd file, or change the password of one."""

import argparse
import getpass
import os
import sys
import tempfile

from ..errors import ConfigurationError
from ..semantics.basic_credentials import check_password, check_user


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its options."""
    parser = commands.add_parser(
        "passwd",
        help="put a user into an htpasswd file",
        description="Put USER into the htpasswd file FILE with a bcrypt hash, or change the"
        " password. It is asked for on the terminal, or is the first line of standard input."
        " The file is made if it does not exist.",
        allow_abbrev=False,
    )
    parser.add_argument("file", metavar="FILE", help="the htpasswd file")
    parser.add_argument("user", metavar="USER", help="the name of the user")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write the entry.  Raises ConfigurationError."""
    from ..proxy.password_file import new_context

    context = new_context()
    try:
        check_user(options.user)
        password = _read_password()
        check_password(password)
    except ValueError as error:
        raise ConfigurationError(f"wsgi-scgi passwd: {error}") from error
    entry = f"{options.user}:{context.hash(password)}\n"
    try:
        _replace(options.file, options.user, entry)
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        raise ConfigurationError(f"cannot write {options.file}: {why}") from error
    return 0


def _read_password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        raise ValueError("the two passwords differ")
    return password


def _replace(path: str, user: str, entry: str) -> None:
    """Put ``entry`` in the place of the user's own, or at the end; all at once, for mode 0600."""
    path = os.path.realpath(path)
    lines = []
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            lines = [f"{line.rstrip()}\n" for line in file]
    places = [number for number, line in enumerate(lines) if line.startswith(f"{user}:")]
    if places:
        lines[places[0]] = entry
    else:
        lines.append(entry)
    descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".htpasswd-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
