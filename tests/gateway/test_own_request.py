"""The variables of requests that nobody sent to the gateway."""

import pytest

from wsgi_scgi.address import parse_backend_url
from wsgi_scgi.gateway.own_request import own_variables


def test_the_path_stands_below_that_of_the_backend_and_the_machine_asks_itself() -> None:
    backend = parse_backend_url("scgi://backend:4000/base/")

    variables = own_variables(backend, "GET", "/a%20b?c=d")

    assert variables["PATH_INFO"] == "/base/a b"
    assert (variables["REQUEST_URI"], variables["QUERY_STRING"]) == ("/a%20b?c=d", "c=d")
    assert (variables["SCRIPT_NAME"], variables["REQUEST_METHOD"]) == ("", "GET")
    assert (variables["REMOTE_ADDR"], variables["HTTP_HOST"]) == ("127.0.0.1", "localhost")


def test_what_is_no_path_is_refused() -> None:
    with pytest.raises(ValueError, match="path"):
        own_variables(parse_backend_url("scgi://h"), "GET", "/%zz")
