"""The hand-written tables of the reference say what happens on the wire."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import wsgi_scgi
from tests.kit.backend import Backend
from tests.kit.script import ReadHead, Write, play
from wsgi_scgi import Gateway, errors
from wsgi_scgi.config import balancer_options
from wsgi_scgi.config.declaring import Table, declared

PAGES = Path(__file__).parents[2] / "docs" / "reference"
PAGE = (PAGES / "variables.md").read_text("utf-8")


@pytest.fixture
def backend() -> Iterator[Backend]:
    """A backend that answers every request and remembers it."""
    with Backend() as backend:
        backend.begin(play(ReadHead(), Write(b"Status: 204\r\n\r\n")))
        yield backend


class Sender:
    """Sends requests through a gateway with one route and returns what the backend received."""

    def __init__(self, backend: Backend, directory: Path) -> None:
        self._backend = backend
        self._port = backend.listen_tcp()
        self._file = directory / "gateway.toml"

    def send(self, environ: dict[str, Any], *, path: str, url: str, options: str) -> dict[str, str]:
        """Return the variables; ``host`` in ``url`` stands for the backend."""
        address = url.replace("//host", f"//127.0.0.1:{self._port}")
        self._file.write_text(
            f"[[route]]\npath = '{path}'\nbackend = '{address}'\n{options}\n", encoding="utf-8"
        )
        statuses: list[str] = []
        application = Gateway.from_toml(self._file)
        body = application(environ, lambda status, *_: statuses.append(status))  # type: ignore[arg-type]  # write() is never called
        assert list(body) == []
        assert statuses == ["204 No Content"]
        received = self._backend.connections[-1].request.variables
        return {name.decode("latin-1"): value.decode("latin-1") for name, value in received}


@pytest.fixture
def sender(backend: Backend, tmp_path: Path) -> Sender:
    """A sender whose backend has answered when ``send`` returns."""
    return Sender(backend, tmp_path)


def rows(table: str) -> list[list[str]]:
    """Return the cells of a Markdown table without its two heading lines."""
    lines = [line for line in table.splitlines() if line.startswith("|")]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines[2:]]


def environ_for(target: str) -> dict[str, Any]:
    """Return an environ in which everything is set that a server may set."""
    return {
        "REQUEST_METHOD": "GET",
        "RAW_URI": target,
        "SCRIPT_NAME": "",
        "PATH_INFO": target.replace("%20", " "),
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_SOFTWARE": "server",
        "REMOTE_ADDR": "127.0.0.1",
        "REMOTE_PORT": "50000",
        "REMOTE_USER": "me",
        "AUTH_TYPE": "Basic",
        "CONTENT_TYPE": "text/plain",
        "HTTP_HOST": "localhost",
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(),
    }


def test_the_tables_of_variables_are_complete_and_name_nothing_else(sender: Sender) -> None:
    first, described = (
        PAGE.split(before)[1].split("\n\n")[1]
        for before in ("always come first:", "The others describe the request")
    )
    documented = [row[0] for row in rows(first) + rows(described)]
    names = {name for cell in documented for name in re.findall(r"\b[A-Z_]+\b", cell)}
    options = "path_info = true\ndocument_root = '/srv'"
    sent = sender.send(environ_for("/"), path="/", url="scgi://host/", options=options)
    assert list(sent)[:2] == [row[0] for row in rows(first)]
    # HTTP_* and REDIRECT_* stand for many; only a socket tells the address connected to.
    names -= {name for name in names if name.startswith("REDIRECT_")}
    assert names - {"HTTP_"} == set(sent) | {"SERVER_ADDR"}


def test_the_table_of_path_info_is_what_is_sent(sender: Sender) -> None:
    table = rows(PAGE.split("<!-- table: path_info -->")[1].split("\n\n")[1])
    assert len(table) == 7
    for mode, path, url, target, script_name, path_info in table:
        options = f"path_info = {mode}"
        sent = sender.send(environ_for(target), path=path, url=url, options=options)
        assert sent["SCRIPT_NAME"] == ("" if script_name == "empty" else script_name)
        assert sent.get("PATH_INFO", "not sent") == path_info


def test_the_table_of_a_balancers_variables_is_what_its_members_are_told(
    backend: Backend, tmp_path: Path
) -> None:
    told = rows(PAGE.split("<!-- table: balancer -->")[1].split("\n\n")[1])
    file = tmp_path / "gateway.toml"
    file.write_text(
        "[[route]]\npath = '/'\nbackend = 'balancer://pool/'\n[balancer.pool]\n"
        "sticky_session = 'SID'\n[[balancer.pool.member]]\n"
        f"url = 'scgi://127.0.0.1:{backend.listen_tcp()}'\nroute = 'a'\n",
        encoding="utf-8",
    )
    application = Gateway.from_toml(file)
    environ = environ_for("/") | {"HTTP_COOKIE": "SID=1.b"}
    list(application(environ, lambda *_: None))  # type: ignore[arg-type]  # write() is never called
    received = [name.decode() for name, _ in backend.connections[-1].request.variables]
    assert [name for name in received if name.startswith("BALANCER_")] == [row[0] for row in told]


def test_no_field_that_the_page_holds_back_is_sent(sender: Sender) -> None:
    held_back = PAGE.split("These do not reach the backend:")[1].split("- `Authorization`")[0]
    listed = held_back.split("A client cannot remove")[0] + held_back.split("in this way;")[1]
    names = {"HTTP_" + name.upper().replace("-", "_") for name in re.findall(r"`([\w-]+)`", listed)}
    names -= {"HTTP__", "HTTP_HTTP_CONTENT_LENGTH", "HTTP_TRANSFER_ENCODING"}
    assert len(names) == 15
    environ = environ_for("/") | dict.fromkeys(names, "x") | {"HTTP_X_OTHER": "x"}
    sent = sender.send(environ, path="/", url="scgi://host/", options="")
    assert {name for name in sent if name.startswith("HTTP_")} == {"HTTP_HOST", "HTTP_X_OTHER"}


def test_every_public_name_is_documented() -> None:
    page = (PAGES / "python.md").read_text("utf-8")
    directives = set(re.findall(r"^\.\. auto\w+:: wsgi_scgi\.(\w+)", page, re.MULTILINE))
    exceptions = {name for name in wsgi_scgi.__all__ if hasattr(errors, name)}
    # The exceptions are listed by the page of errors, from the module that declares them.
    assert directives == set(wsgi_scgi.__all__) - exceptions
    assert "<!-- declared: exceptions -->" in (PAGES / "errors.md").read_text("utf-8")


def test_all_that_the_code_declares_is_on_a_page() -> None:
    declarations = (PAGES.parent / "declared.py").read_text("utf-8").partition("DECLARATIONS")[2]
    names = re.findall(r'^    "(\w+)": ', declarations, re.MULTILINE)
    marks = [
        mark
        for page in PAGES.glob("*.md")
        for mark in re.findall(r"^<!-- declared: (\w+) -->$", page.read_text("utf-8"), re.MULTILINE)
    ]
    assert len(names) > 8
    assert sorted(marks) == sorted(names)


def test_every_table_of_balancers_is_declared_on_its_page() -> None:
    kinds = [kind for kind in vars(balancer_options).values() if isinstance(kind, type)]
    tables = [kind for kind in kinds if issubclass(kind, Table) and kind is not Table]
    page = expanded("balancer-options.md")
    for table in tables:
        for name, option in declared(table).items():
            assert f"### `{name}`\n\n{option.text}\n\n- allowed: {option.kind.allowed}\n" in page
    assert len(tables) == 6


def expanded(name: str) -> str:
    """Return a page as Sphinx reads it."""
    program = "import declared, sys; print(declared.expand(sys.stdin.read()))"
    done = subprocess.run(
        (sys.executable, "-c", program),
        cwd=PAGES.parent,
        input=(PAGES / name).read_text("utf-8"),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_the_way_of_a_request_leads_through_files_that_exist() -> None:
    page = (PAGES.parent / "explanation" / "one-request.md").read_text("utf-8")
    named = re.findall(r"\*\*`([\w/.]+)`\*\*", page)
    package = PAGES.parents[1] / "wsgi_scgi"
    assert len(named) > 15
    assert [name for name in named if not (package / name).exists()] == []
