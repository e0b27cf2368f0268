"""``wsgi-scgi status``, ``drain``, ``enable`` and ``weigh``: a running gateway, seen and steered.

They speak to ``[admin] path`` of the gateway as any other client.
"""

import argparse
import http.client
import json
import os
import re
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..errors import ConfigurationError, Error

TOKEN = "WSGI_SCGI_TOKEN"
TIMEOUT = 10.0


_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}
_PATH = re.compile(r"[!-~]*")


class SteeringError(Error):
    """The gateway cannot be reached, or refuses."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where [admin] is: its path, and a host and port or a Unix socket."""

    path: str
    host: str = "localhost"
    port: int = 80
    is_secure: bool = False
    socket: str = ""

    def __str__(self) -> str:
        if self.socket:
            return f"unix:{self.socket}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.is_secure else 'http'}://{host}:{self.port}{self.path}"


class _Connection(http.client.HTTPConnection):
    """A connection to a Place, made when it is used."""

    def __init__(self, place: Place) -> None:
        super().__init__(place.host, place.port, timeout=TIMEOUT)
        self.default_port = 443 if place.is_secure else 80
        self._place = place

    def connect(self) -> None:
        """Connect to the socket or the port, with TLS or without.  Raises OSError."""
        if self._place.socket:
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(TIMEOUT)
            self.sock.connect(self._place.socket)
        else:
            super().connect()
        if self._place.is_secure:
            context = ssl.create_default_context()
            self.sock = context.wrap_socket(self.sock, server_hostname=self.host)


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
    place, token = _place(options)
    fields: dict[str, str | bytes] = {
        "Authorization": f"Bearer {token}".encode("utf-8", "surrogateescape"),
        "Accept": "application/json",
        "Content-Type": "application/json",
    }
    connection = _Connection(place)
    try:
        body = json.dumps(order) if order else None
        connection.request(method, f"{place.path}{name}", body, fields)
        response = connection.getresponse()
        data = response.read()
    except (OSError, http.client.HTTPException) as error:
        cause = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise SteeringError(f"cannot reach the gateway at {place}: {cause}") from error
    except ValueError as error:  # a line break: http.client shows the whole value
        raise SteeringError("the token has a character that no field can have") from error
    finally:
        connection.close()
    return _read(response.status, data, place)


def _read(status: int, data: bytes, place: Place) -> dict[str, Any]:
    try:
        answer = json.loads(data)
    except ValueError:
        answer = None
    if isinstance(answer, dict):
        if status == HTTPStatus.OK and answer.keys() & {"balancers", "done"}:
            return answer
        if status == HTTPStatus.BAD_REQUEST and "error" in answer:
            raise SteeringError(str(answer["error"]))
    reasons = {
        HTTPStatus.OK: "what answers there is no [admin]",
        HTTPStatus.UNAUTHORIZED: "it does not know the token",
        HTTPStatus.FORBIDDEN: "it lets in users of its own and no token",
        HTTPStatus.NOT_FOUND: "there is no [admin] at this address",
    }
    reason = next((text for known, text in reasons.items() if known == status), "")
    raise SteeringError(f"{place}: {reason or f'it answered {status}'}")


def _place(options: argparse.Namespace) -> tuple[Place, str]:
    """Return where the pages are, and the token."""
    place, configured = (
        _configured(options.config) if options.config else (_parse_url(options.url), str)
    )
    if options.token_file:
        token = read_token(options.token_file)
    else:
        token = os.environ.get(TOKEN) or configured()
    if not token:
        raise SteeringError(f"no token: give --token-file or set {TOKEN}")
    return place, token


def _parse_url(url: str) -> Place:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise SteeringError(f"{url!r}: {error}") from error
    if parts.scheme not in ("http", "https") or not host or not _PATH.fullmatch(parts.path):
        raise SteeringError(f"{url!r} is not an http or https URL of [admin]")
    is_secure = parts.scheme == "https"
    path = parts.path.rstrip("/") + "/"
    return Place(path, host, port or (443 if is_secure else 80), is_secure=is_secure)


def read_token(path: str) -> str:
    """Return the token in a file.  Raises ConfigurationError."""
    try:
        return Path(path).read_text("utf-8").strip()
    except OSError as error:
        raise ConfigurationError(f"cannot read the token in {path}: {error.strerror}") from error
    except ValueError as error:
        raise ConfigurationError(f"cannot read the token in {path}: it is not UTF-8") from error


def _configured(path: str) -> tuple[Place, Callable[[], str]]:
    """Return where a gateway with this configuration listens, and what reads its token."""
    from ..config.file import load_configuration
    from ..config.server import CommandLine, server_config

    configuration = load_configuration(path)
    admin = configuration.admin
    if admin is None:
        raise SteeringError(f"{path} has no [admin]")
    environment = os.environ.get("GUNICORN_CMD_ARGS", "")
    config = server_config(configuration, CommandLine(environment=environment))
    is_secure = bool(config.is_ssl)
    sockets = [one for one in config.address if isinstance(one, str)]
    for address in config.address:
        if isinstance(address, tuple) and address[1]:
            host = _LOOPBACK.get(address[0], address[0])
            return Place(admin.path, host, address[1], is_secure=is_secure), admin.secret
    if sockets:
        return Place(admin.path, is_secure=is_secure, socket=sockets[0]), admin.secret
    raise SteeringError(f"{path} does not tell where the gateway listens; give --url")
