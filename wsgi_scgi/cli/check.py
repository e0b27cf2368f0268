"""``wsgi-scgi check``: read a configuration, say what would run where, and what is wrong."""

import argparse
import os
from collections.abc import Iterator

from ..compiled import in_use, is_complete
from ..config.configuration import Configuration
from ..config.file import load_configuration
from ..config.server import CommandLine, server_config
from ..config.serving_advice import advice_on_serving
from ..errors import ConfigurationError


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its options."""
    parser = commands.add_parser(
        "check",
        help="check a configuration file and show what it means",
        description="Check a configuration file. Prints what would run where, warnings as"
        " FILE:LINE: key: warning: ..., or every mistake as FILE:LINE: key: ... The exit status is"
        " 1 if there is a mistake.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "-c", "--config", metavar="FILE", required=True, help="the configuration, in TOML"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the report; return 1 if there is a mistake."""
    try:
        lines = list(_report(load_configuration(options.config)))
    except ConfigurationError as error:
        print(error)
        return 1
    print("\n".join(lines))
    return 0


def _report(configuration: Configuration) -> Iterator[str]:
    # Only here and in serve is gunicorn loaded.
    from ..serve.listeners import address_text

    environment = os.environ.get("GUNICORN_CMD_ARGS", "")
    config = server_config(configuration, CommandLine(environment=environment))
    for address in config.address:
        yield f"listen  {address_text(address, secure=bool(config.is_ssl))}"
    yield f"workers {config.workers} of class {config.worker_class_str}"
    if not is_complete():
        yield f"compiled {in_use()}"
    for name, value in configuration.server.items():
        if name not in ("bind", "workers", "worker_class"):
            yield f"setting {name} = {value!r}"
    for route in configuration.routes:
        yield f"route   {route}"
    for balancer in configuration.balancers.values():
        yield from balancer.lines()
    if configuration.balancers or configuration.admin is not None:
        yield f"state   share = {configuration.share}"
    if configuration.admin is not None:
        yield f"admin   {configuration.admin.path}"
    warnings = (*configuration.warnings, *advice_on_serving(configuration, config))
    yield from map(str, sorted(warnings, key=lambda warning: warning.line))
