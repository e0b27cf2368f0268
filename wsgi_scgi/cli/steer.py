"""``wsgi-scgi status``, ``drain``, ``enable`` and ``weigh``: a running gateway, seen and steered.

They speak to ``[admin] path`` of the gateway as any other client.
"""

import argparse
import http.client
import json
import os
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..errors import ConfigurationError, Error

TOKEN = "WSGI_SCGI_TOKEN"
TIMEOUT = 10.0


class SteeringError(Error):
    """The gateway cannot be reached, or refuses."""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands and their options."""
    status = commands.add_parser(
        "status",
        help="show the members of a running gateway",
        description="Show the balancers and members of a running gateway that has [admin].",
        allow_abbrev=False,
    )
    status.add_argument("--json", action="store_true", help="print what the gateway says, as JSON")
    status.set_defaults(run=show_status)
    _add_place(status)
    for action, text in (
        ("drain", "give a member no new sessions"),
        ("enable", "let a member serve again"),
        ("weigh", "change the weight of a member"),
    ):
        parser = commands.add_parser(
            action,
            help=text,
            description=f"{text.capitalize()}, in a running gateway that has [admin].",
            allow_abbrev=False,
        )
        parser.add_argument("balancer", metavar="BALANCER", help="the name of the balancer")
        parser.add_argument("member", metavar="MEMBER", help="the URL of the member")
        if action == "weigh":
            parser.add_argument("weight", metavar="WEIGHT", help="1 to 100")
        parser.set_defaults(run=change, action=action)
        _add_place(parser)


def _add_place(parser: argparse.ArgumentParser) -> None:
    place = parser.add_mutually_exclusive_group(required=True)
    place.add_argument(
        "-c", "--config", metavar="FILE", help="the configuration that the gateway runs with"
    )
    place.add_argument(
        "--url", help="where [admin] is, for instance http://127.0.0.1:8000/_gateway/"
    )
    parser.add_argument(
        "--token-file",
        metavar="FILE",
        help=f"the file with the token; by default what {TOKEN} says, or the configuration",
    )


def show_status(options: argparse.Namespace) -> int:
    """Print a line for each member."""
    state = _ask(options, "GET", "status.json")
    if options.json:
        print(json.dumps(state, indent=2))
        return 0
    lines = [("MEMBER", "STATE", "WEIGHT", "BUSY", "REQUESTS", "FAILED")]
    for balancer in state["balancers"]:
        how = balancer["method"] if balancer["is_named"] else "alone"
        lines.append((f"{balancer['name']} ({how})", "", "", "", "", ""))
        lines += [
            (
                f"  {member['url']}",
                member["state"],
                f"{member['weight']:g}",
                str(member["busy"]),
                str(member["elected"]),
                str(member["failed"]),
            )
            for member in balancer["members"]
        ]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        print("  ".join(map(str.ljust, line, widths)).rstrip())
    return 0


def change(options: argparse.Namespace) -> int:
    """Ask for one change and print what was done."""
    order = {
        "action": options.action,
        "balancer": options.balancer,
        "member": options.member,
    }
    if options.action == "weigh":
        order["weight"] = options.weight
    print(_ask(options, "POST", "change", order)["done"])
    return 0


def _ask(
    options: argparse.Namespace, method: str, name: str, order: dict[str, str] | None = None
) -> dict[str, Any]:
    """Return the answer of the gateway.  Raises SteeringError with the reason."""
    url, token = _place(options)
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SteeringError(f"{url!r} is not an http or https URL")
    path = f"{parts.path.rstrip('/')}/{name}"
    fields = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(
            parts.hostname, parts.port, timeout=TIMEOUT, context=context
        )
    else:
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=TIMEOUT)
    try:
        connection.request(method, path, json.dumps(order) if order else None, fields)
        response = connection.getresponse()
        data = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise SteeringError(f"cannot reach the gateway at {url}: {error}") from error
    finally:
        connection.close()
    return _read(response.status, data, url)


def _read(status: int, data: bytes, url: str) -> dict[str, Any]:
    try:
        answer = json.loads(data)
    except ValueError:
        answer = None
    if status == 200 and isinstance(answer, dict):
        return answer
    if isinstance(answer, dict) and "error" in answer:
        raise SteeringError(str(answer["error"]))
    reasons = {401: "it does not know the token", 404: "there is no [admin] at this address"}
    raise SteeringError(f"{url}: {reasons.get(status, f'it answered {status}')}")


def _place(options: argparse.Namespace) -> tuple[str, str]:
    """Return the URL of the admin path and the token."""
    url, token = options.url or "", os.environ.get(TOKEN, "")
    if options.config:
        url, configured = _configured(options.config)
        token = token or configured
    if options.token_file:
        token = read_token(options.token_file)
    if not token:
        raise SteeringError(f"no token: give --token-file or set {TOKEN}")
    return url, token


def read_token(path: str) -> str:
    """Return the token in a file.  Raises ConfigurationError."""
    try:
        return Path(path).read_text().strip()
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"cannot read the token in {path}: {error}") from error


def _configured(path: str) -> tuple[str, str]:
    from ..config.file import load_configuration
    from ..config.server import CommandLine, server_config
    from ..serve.listeners import address_text

    configuration = load_configuration(path)
    admin = configuration.admin
    if admin is None:
        raise SteeringError(f"{path} has no [admin]")
    environment = os.environ.get("GUNICORN_CMD_ARGS", "")
    config = server_config(configuration, CommandLine(environment=environment))
    for address in config.address:
        if isinstance(address, tuple):
            host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address[0], address[0])
            place = address_text((host, address[1]), secure=bool(config.is_ssl))
            return f"{place}{admin.path}", admin.secret()
    raise SteeringError(f"{path}: the gateway listens on no TCP port; give --url")
