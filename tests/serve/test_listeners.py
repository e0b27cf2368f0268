"""Sockets are opened all at once or not at all, and the reason is told."""

import logging
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from wsgi_scgi.config.configuration import single_backend
from wsgi_scgi.config.server import CommandLine, server_config
from wsgi_scgi.errors import ConfigurationError
from wsgi_scgi.serve.listeners import Address, address_text, close_listeners, open_listeners

if TYPE_CHECKING:
    from gunicorn.config import Config

CONFIG: "Config" = server_config(single_backend("scgi://localhost", {}), CommandLine())
LOG = cast(Any, logging.getLogger("tests"))


def failure_of(*addresses: Address) -> str:
    with pytest.raises(ConfigurationError) as caught:
        open_listeners(addresses, CONFIG, LOG)
    return str(caught.value)


def test_addresses_are_written_as_in_a_browser() -> None:
    assert address_text(("127.0.0.1", 80)) == "http://127.0.0.1:80"
    assert address_text(("::1", 443), secure=True) == "https://[::1]:443"
    assert address_text("/run/a.sock") == "unix:/run/a.sock"
    assert address_text(3) == "fd://3"


def test_tcp_and_unix_sockets_are_listened_on(tmp_path: Path) -> None:
    path = str(tmp_path / "gateway.sock")
    listeners = open_listeners([("127.0.0.1", 0), ("::1", 0), path], CONFIG, LOG)
    try:
        for listener in listeners:
            with socket.socket(listener.FAMILY) as client:
                client.connect(listener.getsockname())
    finally:
        close_listeners(listeners)
    assert not os.path.exists(path)


def test_a_file_that_somebody_removed_is_no_failure(tmp_path: Path) -> None:
    path = str(tmp_path / "gateway.sock")
    listeners = open_listeners([path], CONFIG, LOG)
    os.unlink(path)
    close_listeners(listeners)


def test_a_port_in_use_closes_what_was_opened_before(tmp_path: Path) -> None:
    path = str(tmp_path / "gateway.sock")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        text = failure_of(path, ("127.0.0.1", port))
    assert text == f"cannot listen on http://127.0.0.1:{port}: Address already in use"
    assert not os.path.exists(path)


def test_a_unix_socket_in_use_is_not_taken_away(tmp_path: Path) -> None:
    path = str(tmp_path / "gateway.sock")
    with socket.socket(socket.AF_UNIX) as taken:
        taken.bind(path)
        taken.listen()
        assert failure_of(path) == f"cannot listen on unix:{path}: Address already in use"
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)


def test_a_unix_socket_that_nobody_listens_on_is_replaced(tmp_path: Path) -> None:
    path = str(tmp_path / "gateway.sock")
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(path)
    close_listeners(open_listeners([path], CONFIG, LOG))


def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "gateway.sock"
    path.write_text("not a socket")
    assert failure_of(str(path)).endswith("is not a socket")
    assert path.read_text() == "not a socket"


@pytest.mark.parametrize(
    ("address", "cause"),
    [
        (("192.0.2.1", 0), "Cannot assign requested address"),
        ("/no/where/gateway.sock", "No such file or directory"),
        (3, "a descriptor can be given only at the start"),
    ],
)
def test_what_cannot_be_had_is_told_with_the_cause(address: Address, cause: str) -> None:
    assert failure_of(address) == f"cannot listen on {address_text(address)}: {cause}"
