"""The table of WSGI servers says what the tests of the servers say."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.servers.cases import CASES
from tests.integration.servers.fronts import SERVERS
from tests.integration.servers.limits import LIMITS

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "servers.md"

ROWS = {
    "gunicorn: gevent, gthread, sync": ("gunicorn-gevent", "gunicorn-gthread", "gunicorn-sync"),
    "gunicorn: gevent_pywsgi": ("gunicorn-gevent_pywsgi",),
    "gevent.pywsgi": ("gevent",),
    "waitress": ("waitress",),
    "cheroot": ("cheroot",),
    "werkzeug": ("werkzeug",),
    "granian": ("granian",),
    "uWSGI, `--http-socket`": ("uwsgi",),
    "mod_wsgi, daemon process": ("mod_wsgi",),
    "wsgiref": ("wsgiref",),
}
# What each column is about, and the words for a server that makes nothing impossible there.
COLUMNS = (
    ("chunked_upload", {"yes"}),
    ("expect_100", {"yes"}),
    ("encoded_slash", {"told apart", "404 by Apache"}),
    ("reset_in_the_body", {"seen"}),
    ("remote_port", {"yes"}),
    ("underscore_in_a_name", {"dropped"}),
)


def table() -> dict[str, list[str]]:
    """Return the cells of each server of the page."""
    lines = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]
    return {row[0]: row[1:] for row in rows}


def test_the_page_has_every_server_that_is_tested() -> None:
    assert list(table()) == list(ROWS)
    assert set(SERVERS) <= {server for servers in ROWS.values() for server in servers}
    assert {case for case, _ in COLUMNS} <= {case.name for case in CASES}


@pytest.mark.parametrize("row", ROWS)
def test_a_row_says_what_the_tests_of_the_server_say(row: str) -> None:
    cells = table()[row]
    for server in ROWS[row]:
        if server in SERVERS:
            limited = [case in LIMITS.get(server, {}) for case, _ in COLUMNS]
            pairs = zip(cells, COLUMNS, strict=True)
            assert limited == [cell not in words for cell, (_, words) in pairs]
